"""The params of the completeness check: which days it compares, and those that it shares with the ingest."""

from airflow.sdk import Param

from cloudtrail_to_delta.params.declaration import Declaration, form_of, in_section
from cloudtrail_to_delta.params.ingest import PARAMS
from cloudtrail_to_delta.params.values import number, yes_or_no

OWN: dict[str, Declaration] = {
    "recent_days": Declaration(
        number(1, 366),
        7,
        title="Recent days",
        help="How many delivery days, up to today, every run compares.",
    ),
    "cycle_days": Declaration(
        number(1, 366),
        30,
        title="Cycle of older days",
        help="Older days take turns: with a daily schedule each one is compared once in this many days. 1 "
        "compares all days in every run.",
    ),
    "pending_hours": Declaration(
        number(0, 24 * 31),
        24,
        title="Time for the ingest (hours)",
        help="A log file that the tables lack is a gap when it is older than this. Younger ones are pending. "
        "0: none is.",
    ),
    "read_missing": Declaration(
        yes_or_no,
        False,
        title="Read missing log files again",
        help="If log files are missing, trigger one run of the ingest that reads them again, without "
        "a new checkpoint. Files that the tables hold are not read.",
    ),
    "list_requests": Declaration(
        number(10, 1_000_000),
        20_000,
        title="LIST requests",
        help="The most LIST requests of one run and kind. If they do not suffice for the days that are due, "
        "an alert says so.",
    ),
}
# What a run of the ingest that `read_missing` triggers does not need either.
_INGEST_ONLY = frozenset({"preflight_only", "test_alert", "minimum_rows", "read_again"})

COMPLETENESS_PARAMS: dict[str, Declaration] = {
    **{name: row for name, row in PARAMS.items() if not row.section},
    **in_section("Completeness", OWN),
    **{name: row for name, row in PARAMS.items() if row.section and name not in _INGEST_ONLY},
}


def completeness_params() -> dict[str, Param]:
    """Return the trigger form of the completeness check."""
    return form_of(COMPLETENESS_PARAMS)
