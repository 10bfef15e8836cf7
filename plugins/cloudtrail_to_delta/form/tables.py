"""Section 2: where the tables, checkpoints and the code go, and what they are called."""

from typing import Any

from airflow.sdk import Param

from cloudtrail_to_delta.contract import PARAMS
from cloudtrail_to_delta.form.declared import declared
from cloudtrail_to_delta.form.optional import optional
from cloudtrail_to_delta.kinds import KINDS, Kind

SECTION = "2. Tables"
_TABLE: dict[str, Any] = {"type": "string", "section": SECTION}


def fields() -> dict[str, Param]:
    """The section's fields."""
    return {
        "target_root": Param(
            "s3://cloudtrail-lake/delta",
            type="string",
            section=SECTION,
            title="Delta root",
            description_md="Each table gets a folder of its name below it.",
        ),
        "checkpoint_root": Param(
            "s3://cloudtrail-lake/checkpoints",
            type="string",
            section=SECTION,
            title="Checkpoint root",
            description_md="Each table's stream keeps its checkpoint below it. Never below the Delta root.",
        ),
        "code_root": optional(
            SECTION,
            "Where the job wheel goes; empty for *code* beside the checkpoint root.",
            title="Code root",
        ),
        **{f"{kind.name}_table": _table(kind) for kind in KINDS.values()},
        "duplicates": Param(
            "keep",
            **declared(PARAMS["duplicates"]),
            section=SECTION,
            title="Duplicates",
            description_md="CloudTrail delivers some events twice, and two trails into one bucket deliver "
            "all of them twice. *keep*: as often as delivered. *remove*: each record once, also across runs; "
            "the others are counted, and named in the quarantine as *duplicate*. It costs reading the ids of "
            "the days concerned in the table.",
        ),
    }


def _table(kind: Kind) -> Param:
    if kind.name != "events":
        return Param(f"cloudtrail_{kind.name}", title=f"{kind.title} table", **_TABLE)
    return Param(
        "cloudtrail_events",
        title="Events table",
        description_md="*table*, *schema.table* or *catalog.schema.table*, lower case. Beside it, named "
        "after it: its quarantine (*_quarantine*) and its views (*_files*, *_schema_drift*, for insights "
        "also *_episodes*).",
        **_TABLE,
    )
