"""Section 1: what is set up or removed, and how much of it at once."""

from airflow.sdk import Param

from cloudtrail_to_delta.form.declared import declared
from cloudtrail_to_delta.setup.contract import SETUP_PARAMS
from cloudtrail_to_delta.setup.resources import ACTIONS

SECTION = "1. Set-up"


def fields() -> dict[str, Param]:
    """The section's fields."""
    return {
        "mode": Param(
            "apply",
            **declared(SETUP_PARAMS["mode"]),
            section=SECTION,
            title="Mode",
            description_md="*apply*: make and change what differs. *remove*: take away exactly what this "
            "set-up made: what its fields name, and what else carries its tag. Both show a plan first.",
        ),
        "name": Param(
            "cloudtrail",
            type="string",
            section=SECTION,
            title="Name of the set-up",
            description_md="The value of the tag *cloudtrail-setup* that everything made carries. Two "
            "set-ups of different names do not touch each other's statements in one bucket's policy.",
        ),
        "actions": Param(
            list(ACTIONS),
            type="array",
            items={"type": "string"},
            examples=list(ACTIONS),
            section=SECTION,
            title="Actions",
            description_md="*bucket*: log bucket, its key and topic. *role*: reader role, its policy, its "
            "profile. *bucket_policy*: the reader's statements in the policies of bucket and key. *trail*: "
            "one per account, or the organization's. *databricks*: see section 6.",
        ),
        "change_adopted": Param(
            [],
            type=["null", "array"],
            items={"type": "string"},
            examples=list(ACTIONS),
            section=SECTION,
            title="Also change what was there before",
            description_md="What is there without the tag is adopted: its differences are shown and left, "
            "but for the actions named here. It is never removed.",
        ),
        "approve": Param(
            False,
            type="boolean",
            section=SECTION,
            title="Approve without asking",
            description_md="Apply the plan without waiting for a person. It is in the log all the same.",
        ),
    }
