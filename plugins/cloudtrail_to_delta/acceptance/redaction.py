"""Replace what identifies somebody in the answers of AWS: the same text by the same substitute everywhere.

Nothing passes that is not known to be harmless. A text stays only if it is a word of AWS (`_KEPT`), the value
of a setting whose values AWS defines (`_ENUMERATIONS`), a number, or made of those. Everything else, such as
names, ARNs, ids, keys and free text, gets a substitute. The structure and the wildcards of ARNs stay.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

# The words of ARNs, keys and policies that AWS defines.
_KEPT = frozenset(
    [
        *("arn", "aws", "aws-cn", "aws-us-gov", "*", "", "root", "user", "role", "policy", "assumed-role"),
        *("instance-profile", "trail", "key", "alias", "service-role", "aws-service-role", "AWSLogs"),
        *("CloudTrail", "CloudTrail-Digest", "CloudTrail-Insight", "default", "true", "false", "s3", "kms"),
        *("iam", "sns", "sqs", "sts", "cloudtrail", "organizations", "bucket-owner-full-control"),
        *("2012-10-17", "2008-10-17", "EU"),
    ]
)
_REGION = r"[a-z]{2}(?:-[a-z]+)+-[0-9]"
_PATTERNS = re.compile(rf"{_REGION}|[0-9]{{1,11}}(\.[0-9]+)?|[a-z0-9-]+(\.{_REGION})?\.amazonaws\.com(\.cn)?")
# The fields whose values AWS defines.
_ENUMERATIONS = frozenset(
    [
        *("Code", "Effect", "Action", "NotAction", "Version", "Status", "ReadWriteType", "Field", "Type"),
        *("InsightType", "EventCategories", "KeyState", "KeyManager", "KeyUsage", "KeySpec", "Origin"),
        *("EncryptionAlgorithms", "CustomerMasterKeySpec", "SSEAlgorithm", "BucketRegion", "HomeRegion"),
        *(
            "EvalDecision",
            "EvalActionName",
            "EvalResourceDecision",
            "SourcePolicyType",
            "MissingContextValues",
        ),
        *(
            "LatestDeliveryError",
            "LatestDigestDeliveryError",
            "LatestNotificationError",
            "call",
            "StorageClass",
        ),
        *("LocationConstraint", "ContextKeyNames", "ContextKeyName", "ContextKeyType", "PolicyExclusionList"),
    ]
)
# Fields with free text, times or the like.
_DROPPED = frozenset({"ResponseMetadata", "Description", "RequestId", "HostId", "Marker", "Tags", "TagsList"})
_PARTS = re.compile(r"([:/,\s\"'(){}\[\]=]+)")
_ACCOUNT = re.compile(r"[0-9]{12}")
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")


class Redactor:
    """Substitutes texts, each always by the same."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def value(self, found: Any, field: str = "") -> Any:
        """Return an answer, or a part of it, with substitutes.

        Args:
            found: texts, numbers, mappings and lists.
            field: the name of the field that has this value.
        """
        if isinstance(found, Mapping):
            kept = {name: one for name, one in found.items() if name not in _DROPPED}
            return {self._name(name): self.value(one, name) for name, one in kept.items()}
        if isinstance(found, list | tuple):
            return [self.value(one, field) for one in found]
        if isinstance(found, str):
            return self._document(found) if found.startswith("{") else self._string(found, field)
        return found if found is None or isinstance(found, bool | int | float) else "a time"

    def _document(self, found: str) -> str:
        """Return a policy as JSON; what is no JSON is free text."""
        try:
            return json.dumps(self.value(json.loads(found)))
        except ValueError:
            return self._substitute(found)

    def _string(self, found: str, field: str) -> str:
        word = field in _ENUMERATIONS and re.fullmatch(r"[\w.:*? -]*", found)
        return found if word and not _ACCOUNT.search(found) else self.text(found)

    def text(self, found: str) -> str:
        """Return a text with a substitute for each of its parts that is not known to be harmless."""
        if _PATTERNS.fullmatch(found):
            return found
        return "".join(self._part(part) for part in _PARTS.split(found))

    def _part(self, part: str) -> str:
        if part in _KEPT or _PARTS.fullmatch(part) or _PATTERNS.fullmatch(part):
            return part
        if "*" in part or "?" in part:
            return re.sub(r"[^*?]+", lambda match: self._part(match[0]), part)
        return self._substitute(part)

    def _name(self, name: Any) -> Any:
        """Return the key of a mapping: names of AWS stay, like `aws:PrincipalTag/`, but not what follows."""
        start, slash, rest = str(name).partition("/")
        if slash:
            return f"{start}/{self._substitute(rest)}"
        context, own = "kms:EncryptionContext:", str(name).removeprefix("kms:EncryptionContext:")
        return f"{context}{self._substitute(own)}" if own not in (name, "aws:cloudtrail:arn") else name

    def _substitute(self, text: str) -> str:
        if text not in self._known:
            number = len(self._known) + 1
            kind = "name-{}"
            if _ACCOUNT.fullmatch(text):
                kind = "{:012d}"
            elif _ORGANIZATION.fullmatch(text):
                kind = "o-{:010d}"
            self._known[text] = kind.format(number)
        return self._known[text]
