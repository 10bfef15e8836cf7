"""What the views on verified digests say: the questions in SQL, and a record made of their answers.

`tables.proof` has the definitions of the views. All states are those of the last verification.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from cloudtrail_to_delta.completeness.reconciliation import FIRST_DAY, NAMED
from cloudtrail_to_delta.params.request import DIGESTS, IngestRequest
from cloudtrail_to_delta.records.completeness import GAPS_KEPT, HOURS, Gap, Signatures
from cloudtrail_to_delta.tables.proof import KIND_NOT_NAMED
from cloudtrail_to_delta.tables.sql import quote_name, text_literal

# How many days the calendar of hours has, up to the last verification.
CALENDAR_DAYS = 35
# How many regions and days, or gaps, one answer has. 24 regions with five weeks are 840 rows.
MOST_ROWS = 2000

Answers = Mapping[str, Sequence[Mapping[str, Any]]]
# The day and the hour of `hour`, in UTC whatever the session's time zone is.
_DAY = "DATE_FROM_UNIX_DATE(CAST(FLOOR(UNIX_TIMESTAMP({}) / 86400) AS INT))"
_HOUR = "CAST(PMOD(UNIX_TIMESTAMP(hour), 86400) DIV 3600 AS INT)"


def questions_of(
    requests: Mapping[str, IngestRequest], *, first: date | None = None, last: date | None = None
) -> dict[str, str]:
    """Return name → statement: three about the hours, and one about the log files of each other kind.

    Args:
        requests: kind → request.
        first: the first day that the ingest reads; None for no limit.
        last: the last day that the ingest reads; None for no limit. The digests reach further: they prove
            what was delivered before them.
    """
    if DIGESTS not in requests:
        return {}
    hours, verdicts = (quote_name(requests[DIGESTS].views[name]) for name in ("hours", "verdicts"))
    hours = _within(hours, "hour", first, last)
    asked = {
        "hours": f"SELECT state, COUNT(*) AS n FROM {hours} GROUP BY state",
        "calendar": _calendar(hours),
        "gaps": _hour_gaps(hours),
        DIGESTS: f"SELECT verdict, COUNT(*) AS n, UNIX_SECONDS(MAX(as_of)) AS as_of FROM {verdicts} "
        "GROUP BY verdict",
    }
    others = (one for kind, one in requests.items() if kind != DIGESTS)
    return asked | {
        one.kind: _files(_within(quote_name(one.views["proof"]), "delivered_at", first, last), hours)
        for one in others
    }


def signatures_of(answers: Answers) -> dict[str, Signatures]:
    """Return the record of each kind that was asked about."""
    calendar: dict[str, dict[str, str]] = defaultdict(dict)
    for row in answers["calendar"]:
        calendar[str(row["region"])][str(row["day"])] = str(row["hours"])
    as_of = _as_of(answers)
    found = {
        DIGESTS: Signatures(
            as_of=as_of,
            calendar=dict(calendar),
            files=_counts(answers[DIGESTS], "verdict"),
            hours=_counts(answers["hours"], "state"),
            gaps=list(_gaps(answers["gaps"])),
            gap_count=_found(answers["gaps"]),
        )
    }
    for kind in answers.keys() - {"hours", "calendar", "gaps", DIGESTS}:
        gaps = [row for row in answers[kind] if row["region"] is not None]
        found[kind] = Signatures(
            as_of=as_of,
            files=_totals(answers[kind]),
            gaps=list(_gaps(gaps)),
            gap_count=_found(gaps),
        )
    return found


def _within(view: str, moment: str, first: date | None, last: date | None) -> str:
    """Return a view as in a FROM clause, limited to these days; rows without a moment stay."""
    day = _DAY.format(moment)
    bounds = [f"{day} >= DATE '{first}'"] if first else []
    bounds += [f"{day} <= DATE '{last}'"] if last else []
    return f"(SELECT * FROM {view} WHERE {moment} IS NULL OR {' AND '.join(bounds)})" if bounds else view


def _calendar(hours: str) -> str:
    """Return the question for the letters of each region's days; see `records.completeness.Signatures`."""
    return f"""
SELECT region, CAST(day AS STRING) AS day,
  CONCAT_WS('', TRANSFORM(SEQUENCE(0, 23), h -> COALESCE(TRY_ELEMENT_AT(states, h), '-'))) AS hours
FROM (
  SELECT region, day, MAP_FROM_ENTRIES(COLLECT_LIST(STRUCT(h, state))) AS states
  FROM (
    SELECT region, {_DAY.format("hour")} AS day, {_HOUR} AS h,
      CASE MAX(CASE state WHEN 'gap' THEN 3 WHEN 'pending' THEN 2 ELSE 1 END)
        WHEN 3 THEN 'g' WHEN 2 THEN 'p' ELSE 'c' END AS state
    FROM {hours} WHERE hour >= as_of - INTERVAL {CALENDAR_DAYS} DAYS GROUP BY 1, 2, 3
  )
  GROUP BY region, day
)
ORDER BY day DESC, region LIMIT {MOST_ROWS}"""


def _hour_gaps(hours: str) -> str:
    """Return the question for the hours without a signed digest, of each account's region and day."""
    return f"""
SELECT {text_literal(HOURS)} AS verdict, account, region, CAST(day AS STRING) AS day, COUNT(*) AS n,
  TO_JSON(SORT_ARRAY(COLLECT_LIST(FORMAT_STRING('%02d', h)))) AS names, COUNT(*) OVER () AS found
FROM (
  SELECT account, region, {_DAY.format("hour")} AS day, {_HOUR} AS h FROM {hours} WHERE state = 'gap'
)
GROUP BY account, region, day ORDER BY day DESC, account, region LIMIT {GAPS_KEPT}"""


def _files(proof: str, hours: str) -> str:
    """Return the question for the log files of each verdict, with the places of those that are a gap.

    Log files from before the digests of their region began are counted, and are no gap: nothing can ever
    sign them. Neither are those of a kind that digests do not name.
    """
    day = _DAY.format("delivered_at")
    place = ("account", "region", "day")
    return f"""
SELECT verdict, account, region, CAST(COALESCE(day, first_day) AS STRING) AS day, n, names,
  SUM(n) OVER (PARTITION BY verdict) AS total,
  COUNT_IF(region IS NOT NULL) OVER () AS found,
  ROW_NUMBER() OVER (PARTITION BY verdict, region IS NULL ORDER BY day DESC, account, region) AS nth
FROM (
  SELECT verdict, {", ".join(f"CASE WHEN is_gap THEN {name} END AS {name}" for name in place)},
    COALESCE(MIN(file_day), DATE '{FIRST_DAY}') AS first_day, COUNT(*) AS n,
    CASE WHEN is_gap THEN TO_JSON(SLICE(SORT_ARRAY(COLLECT_LIST(log_file)), 1, {NAMED})) END AS names
  FROM (
    SELECT verdict, files.account, files.region, log_file, {day} AS file_day,
      CASE WHEN began.first_hour IS NOT NULL THEN {day} END AS day,
      CASE verdict
        WHEN 'unsigned' THEN detail <> {text_literal(KIND_NOT_NAMED)}
          AND (began.first_hour IS NULL OR delivered_at >= began.first_hour)
        ELSE verdict IN ('altered', 'missing', 'extra') END AS is_gap
    FROM {proof} AS files
    LEFT JOIN (
      SELECT account, region, MIN(hour) AS first_hour FROM {hours} GROUP BY account, region
    ) AS began ON files.account = began.account AND files.region = began.region
  )
  GROUP BY verdict, is_gap, 2, 3, 4
)
ORDER BY nth, verdict LIMIT {GAPS_KEPT + 10}"""


def _as_of(answers: Answers) -> datetime | None:
    seconds = [int(row["as_of"]) for row in answers[DIGESTS] if row["as_of"] is not None]
    return datetime.fromtimestamp(max(seconds), UTC) if seconds else None


def _counts(rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, int]:
    found: Counter[str] = Counter()
    for row in rows:
        found[str(row[name])] += int(row["n"])
    return dict(sorted(found.items()))


def _totals(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return dict(sorted((str(row["verdict"]), int(row["total"])) for row in rows))


def _found(rows: Sequence[Mapping[str, Any]]) -> int:
    return int(rows[0]["found"]) if rows else 0


def _gaps(rows: Sequence[Mapping[str, Any]]) -> Iterator[Gap]:
    for row in sorted(rows, key=lambda row: str(row["day"]), reverse=True)[:GAPS_KEPT]:
        yield Gap(
            state=str(row["verdict"]),
            account=str(row["account"]),
            region=str(row["region"]),
            day=str(row["day"]),
            files=int(row["n"]),
            names=tuple(json.loads(row["names"])),
        )
