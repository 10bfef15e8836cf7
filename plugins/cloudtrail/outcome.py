"""What a validated run leaves behind for people and pages: where, when, examples; never a record's content.

All of it is asked of the run's own batches. What the table is known to hold, from this run and from those
before it, is merged here, so that a run that found nothing new still says how fresh the table is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

# The XCom beside a validation's result, for one table's own page.
DETAILS_KEY = "details"
DETAIL_CHARACTERS = 300
NEWEST = ("newest_event", "newest_delivery")
# What is known of a table: its newest event and delivery, and each region's newest delivery, as UTC text.
Known = dict[str, Any]


def known_key(table: str) -> str:
    """The XCom that says what is known of a table; one DAG may write several."""
    return f"known.{table}"


def merge_known(
    before: Known | None, newest: Mapping[str, Any], deliveries: Sequence[Mapping[str, Any]]
) -> Known:
    """What is known after a run.

    Args:
        before: what was known before it; None when nothing was.
        newest: the row of `describe_run`; empty when the run wrote nothing.
        deliveries: the rows of `count_deliveries`.
    """
    before = before or {}
    # Moments are written alike, so the later one is the greater text.
    regions = dict(before.get("regions", {}))
    for row in deliveries:
        if (region := row["region"]) and row["newest_delivery"]:
            regions[region] = max(row["newest_delivery"], regions.get(region, ""))
    latest = {name: max(before.get(name) or "", newest.get(name) or "") or None for name in NEWEST}
    return latest | {"regions": dict(sorted(regions.items()))}


def newest_delivery(outcome: Mapping[str, Any]) -> str | None:
    """When the table's newest log file was delivered, of this run or an earlier one; None when it is unknown.

    Args:
        outcome: what `ValidateRowsOperator` returns.
    """
    known = outcome.get("known") or {}
    moments = (outcome.get("newest_file"), outcome.get("newest_delivery"), known.get("newest_delivery"))
    return max((moment for moment in moments if moment), default=None)


def describe_details(
    reasons: Sequence[Mapping[str, Any]],
    deliveries: Sequence[Mapping[str, Any]],
    episodes: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Hours of delivery, examples of the quarantine and insights, as JSON.

    Returns:
        `hours` as [hour, files, rows], oldest first; `regions` as region → [files, rows]; `examples` as
        reason → places in log files with why; `episodes` as `cloudtrail.balance.find_episodes` names them.
    """
    hours = [[row["hour"], int(row["files"]), int(row["kept"])] for row in deliveries if row["hour"]]
    regions = {row["region"]: [int(row["files"]), int(row["kept"])] for row in deliveries if row["region"]}
    examples = {row["reason"]: _places(row) for row in reasons}
    numbers = ("baseline", "peak")
    found = [
        dict(row) | {name: None if row[name] is None else float(row[name]) for name in numbers}
        for row in episodes
    ]
    return {"hours": sorted(hours), "regions": regions, "examples": examples, "episodes": found}


def _places(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The first and the last row of a reason, once when they are one."""
    places: list[dict[str, Any]] = []
    for end in ("first", "last"):
        index = row[f"{end}_record_index"]
        place = {
            "log_file": row[f"{end}_log_file"],
            "record_index": None if index is None else int(index),
            "detail": (row[f"{end}_detail"] or "")[:DETAIL_CHARACTERS],
        }
        if place not in places:
            places.append(place)
    return places
