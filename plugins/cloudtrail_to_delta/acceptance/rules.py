"""The rules of Databricks that an acceptance run tries, and which of them the words of an error are about.

The numbers are those of docs/reference/acceptance.md, which says where each rule comes from.
"""

import re

RULES = {
    "D1": "Unity Catalog creates a table only below an external location",
    "D2": "a wheel whose version is installed is skipped, so each build needs its own version",
    "D3": "the ingest's principal needs its permissions on compute, and its privileges in Unity Catalog",
    "D4": "a dedicated cluster runs the code of its own user only",
    "D5": "compute without an instance profile reads the wheel from a volume only",
    "D6": "standard access mode gives code no credentials of an instance profile",
    "D7": "a star in the logs path matches the name of one folder",
    "D9": "discovery by file events needs a location with file events",
    "D10": "the accelerators must be installed with the job",
    "D11": "what only reads starts no SQL warehouse",
    "D12": "a node type without a disk needs an EBS volume",
    "D14": "Unity Catalog accepts no dot in a bucket's name, and only some characters in a path",
    "D15": "columns that are added by path must come into Unity Catalog",
    "D16": "the job creates and changes Delta tables by their paths",
    "D17": "a large log file fits into the memory of this compute",
    "D18": "the job's code must be importable in Python workers, also inside foreachBatch",
    "D21": "times are UTC, whatever the time zone of the warehouse",
}
# The words of Databricks, of AWS and of this product's checks. The first that is found decides.
_WORDS = (
    ("D1", r"NO_PARENT_EXTERNAL_LOCATION_FOR_PATH|no external location that the connection can see"),
    ("D2", r"VersionError|but \S+ was submitted|same version as the provided wheel"),
    ("D4", r"[Ss]ingle-user check failed|is dedicated to"),
    ("D6", r"in which code cannot use the instance profile"),
    ("D5", r"cannot read the job wheel|could not be read: the cluster has no instance profile"),
    ("D12", r"EBS volume"),
    ("D9", r"file events"),
    ("D14", r"Unity Catalog accepts no external location for it"),
    ("D10", r"(isal|msgspec)\b.* (is not met|on the (driver|worker))|package index"),
    ("D17", r"OutOfMemory|[Oo]ut of memory|exit code 137|[Mm]emory limit|SIGKILL"),
    ("D18", r"ModuleNotFoundError|No module named"),
    (
        "D3",
        r"PERMISSION_DENIED|PermissionDenied|AccessDenied|Access Denied|Forbidden|not authorized to|lacks "
        r"|does not have .*permission|INSUFFICIENT_PERMISSIONS",
    ),
)


def rule_of(words: str, otherwise: str) -> str:
    """Return the rule that the words of an error are about, `otherwise` if no rule is known for them."""
    found = (rule for rule, pattern in _WORDS if re.search(pattern, words))
    return next(found, otherwise)
