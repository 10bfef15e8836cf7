"""Section 6: the guide's three paths of each kind, for who does not want the derived ones."""

from airflow.sdk import Param

from cloudtrail_to_delta.form.optional import optional
from cloudtrail_to_delta.kinds import KINDS

SECTION = "6. Paths, when the derived ones do not fit"
FIELDS = {
    "logs_path": (
        "logs path",
        "Logs path, s3://bucket/AWSLogs/account/{folder}/region/*; empty to derive it.",
    ),
    "delta_path": ("Delta path", "Delta output path; empty to derive it."),
    "checkpoint_path": ("checkpoint path", "Checkpoint path; empty to derive it."),
}


def fields() -> dict[str, Param]:
    """The section's fields."""
    return {
        f"{kind.name}_{field}": optional(
            SECTION, text.replace("{folder}", kind.folder), title=f"{kind.title}: {title}"
        )
        for kind in KINDS.values()
        for field, (title, text) in FIELDS.items()
    }
