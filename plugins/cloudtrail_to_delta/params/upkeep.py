"""The params of the upkeep: what to delete or to hold, and those that it shares with the ingest."""

from airflow.sdk import Param

from cloudtrail_to_delta.params.declaration import ChoiceRule, Declaration, form_of, in_section
from cloudtrail_to_delta.params.ingest import PARAMS
from cloudtrail_to_delta.params.values import each, matches, number, one_of, or_empty, or_none, yes_or_no

DELETIONS = ("expire", "erase")
HOLDS = ("hold", "release")
MOST_IDENTITIES = 10
_IDENTITY = matches(r"\S(.{0,254}\S)?", "a name, an ARN, a principal ID or an access key ID")
_WHY = matches(r"\S(.{0,498}\S)?", "one line of at most 500 characters")

OWN: dict[str, Declaration] = {
    "action": Declaration(
        one_of(*DELETIONS, *HOLDS, "lock", "unlock"),
        "expire",
        title="Action",
        labels={
            "expire": "Expire: delete records of old days",
            "erase": "Erase: delete the records of a person or a key",
            "hold": "Hold: forbid deletions",
            "release": "Release: allow deletions again",
            "lock": "Lock: make the tables append-only",
            "unlock": "Unlock: let others delete rows, too",
        },
        help="*Expire* and *erase* leave a row without text in the quarantine for each deleted record. A "
        "*hold* forbids both. Nothing happens before a person has approved the plan.",
    ),
    "why": Declaration(
        or_empty(_WHY),
        "",
        title="Reason",
        help="Each row that a deletion leaves has this sentence. Do not name the person whose records you "
        "erase.",
    ),
    "keep_days": Declaration(
        number(0, 36_500),
        0,
        title="Days to keep",
        help="For *expire*: delete the records of event days (UTC) that are more days ago than this.",
    ),
    "identities": Declaration(
        or_none(each(_IDENTITY, most=MOST_IDENTITIES)),
        [],
        title="Person or key",
        help="For *erase*: user names, ARNs, principal IDs, session names or access key IDs, at most "
        f"{MOST_IDENTITIES}, each written exactly as in the records.",
    ),
    "match": Declaration(
        one_of("actor", "anywhere"),
        "actor",
        title="Records to erase",
        labels={"actor": "Calls that they made", "anywhere": "Every record that contains one of them"},
        help="For *erase*. *anywhere* also finds records in which others changed that user, and it reads the "
        "text of the whole table.",
    ),
    "approve": Declaration(
        yes_or_no,
        False,
        title="Approve without asking",
        help="Carry out the plan without waiting for a person. The log still contains the plan.",
    ),
}
CHOICES = (
    ChoiceRule(("why",), lambda why: not why, "say why. Each trace of the deletion has this sentence."),
    ChoiceRule(
        ("action", "keep_days"),
        lambda action, days: action == "expire" and not days,
        "say with keep_days how many days to keep.",
    ),
    ChoiceRule(
        ("action", "identities"),
        lambda action, identities: (action == "erase") != bool(identities),
        "identities are those whose records to erase: give them with action=erase, and only then.",
    ),
)
# What only a run that reads log files needs, or that checks before and afterwards whether it may and could.
_INGEST_ONLY = frozenset(
    {
        *("preflight_only", "test_alert", "share_run", "trigger", "discovery", "duplicates"),
        *("from", "until", "read_again", "max_files_per_trigger", "max_bytes_per_trigger"),
        *("iam_simulation", "reader_role_arn", "deployment_role_arn", "delta_log_timeout_minutes"),
        *("minimum_rows", "accept_mismatch", "alert_quarantined_above", "alert_silent_hours"),
    }
)

UPKEEP_PARAMS: dict[str, Declaration] = {
    **in_section("", OWN),
    **{name: row for name, row in PARAMS.items() if name not in _INGEST_ONLY},
}


def upkeep_params() -> dict[str, Param]:
    """Return the trigger form of the upkeep."""
    return form_of(UPKEEP_PARAMS)
