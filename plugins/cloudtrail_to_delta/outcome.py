"""What a validated run leaves behind for people and pages: where, when, examples; never a record's content.

All of it is asked of the run's own batches. What the table is known to hold, from this run and from those
before it, is merged here, so that a run that found nothing new still says how fresh the table is.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# The XCom beside a validation's result, for one table's own page.
DETAILS_KEY = "details"
DETAIL_CHARACTERS = 300
NEWEST = ("newest_event", "newest_delivery")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
# What is known of a table: its newest event and delivery, and each region's newest delivery, as UTC text.
Known = dict[str, Any]


def merge_known(*parts: Mapping[str, Any]) -> Known:
    """What is known by any of these: of each moment the latest, so that their order says nothing.

    What an earlier release, or somebody else, has left in another form is passed over.
    """
    regions: dict[str, str] = {}
    latest = dict.fromkeys(NEWEST, "")
    for part in parts:
        for name in NEWEST:
            latest[name] = max(latest[name], _moment(part.get(name)))
        given = part.get("regions")
        for region, at in given.items() if isinstance(given, Mapping) else ():
            if _moment(at):
                regions[str(region)] = max(regions.get(str(region), ""), at)
    # A region's delivery is one of the table's.
    latest["newest_delivery"] = max([latest["newest_delivery"], *regions.values()])
    return {name: at or None for name, at in latest.items()} | {"regions": dict(sorted(regions.items()))}


def known_of_rows(rows: Iterable[Mapping[str, Any]]) -> Known:
    """What rows say that have some of `region`, `newest_event` and `newest_delivery`, as UTC text."""
    parts = [
        {name: row.get(name) for name in NEWEST}
        | {"regions": {row["region"]: row["newest_delivery"]} if row.get("region") else {}}
        for row in rows
    ]
    return merge_known(*parts)


def _moment(value: Any) -> str:
    """A moment as SQL answers are written; moments written alike are compared as text."""
    return value if isinstance(value, str) and _MOMENT.fullmatch(value) else ""


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
        reason → places in log files with why; `episodes` as `balance.find_episodes` names them.
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
