"""What an expiry or an erasure deletes, as SQL conditions, and the queries of plan and check. Pure.

The conditions are part of the approved plan. The job (`cloudtrail_jobs.deletion`) uses them as they are.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.params.request import DIGESTS
from cloudtrail_to_delta.tables.balance import SHOWN_FILES
from cloudtrail_to_delta.tables.changes import DELETION
from cloudtrail_to_delta.tables.queries import DELETED, files_query
from cloudtrail_to_delta.tables.sql import quote_name, text_literal

# The property of a quarantine that forbids deletions. The job reads it, too.
HOLD = "cloudtrail.hold"
# Who made a call. The issuer of a session is a role, which is no person's.
_ACTOR = (
    "userIdentity.arn",
    "userIdentity.userName",
    "userIdentity.principalId",
    "userIdentity.accessKeyId",
    # The session's name, which is a person's with most identity providers.
    "SUBSTRING_INDEX(userIdentity.principalId, ':', -1)",
    "userIdentity.sessionContext.sourceIdentity",
    # The user of IAM Identity Center.
    "userIdentity.onBehalfOf.userId",
)
NOTHING = "FALSE"


def records_condition(kind: str, wanted: Mapping[str, Any], today: date) -> str:
    """Return the condition for a table's records; false for everything if the kind has no such records.

    Args:
        kind: the kind of the table.
        wanted: the values of the params `params.upkeep.OWN`.
        today: the UTC day of the plan.
    """
    if kind == DIGESTS:
        # They prove the log files of the other tables for ever, and name no person.
        return NOTHING
    if wanted["action"] == "expire":
        return f"date < {_first_kept(wanted, today)}"
    if wanted["match"] == "anywhere":
        return _contained(wanted["identities"], "raw")
    if "userIdentity" not in KINDS[kind].columns:
        return NOTHING
    named = ", ".join(text_literal(one) for one in wanted["identities"])
    return " OR ".join(f"{field} IN ({named})" for field in _ACTOR)


def texts_condition(kind: str, wanted: Mapping[str, Any], today: date) -> str:
    """Return the condition for the rows of a quarantine whose text goes.

    Such a text is often no record, so an erasure looks for the identity anywhere in it. The arguments are
    those of `records_condition`.
    """
    if kind == DIGESTS:
        return NOTHING
    if wanted["action"] == "expire":
        return f"date < {_first_kept(wanted, today)}"
    return _contained(wanted["identities"], "raw", "detail")


def count_query(table: str, quarantine: str, *, records: str, texts: str) -> str:
    """Return the query for what a deletion would delete: one row."""
    gone = f"raw IS NULL AND COALESCE(STARTSWITH(detail, {text_literal(DELETION)}), FALSE)"
    return f"""
SELECT records, files, first_day, last_day, texts
FROM (
  SELECT COUNT(*) AS records, COUNT(DISTINCT log_file) AS files, CAST(MIN(date) AS STRING) AS first_day,
    CAST(MAX(date) AS STRING) AS last_day
  FROM {quote_name(table)} WHERE {records}
)
CROSS JOIN (
  SELECT COUNT(*) AS texts FROM {quote_name(quarantine)}
  WHERE ({texts}) AND reason NOT IN ('duplicate', 'missing_file') AND reason NOT IN {DELETED} AND NOT ({gone})
)"""


def balance_query(kind: str, table: str, quarantine: str) -> str:
    """Return the query for how many log files do not balance, with the first names: one row."""
    files = files_query(kind, quote_name(table), quote_name(quarantine))
    names = f"SLICE(SORT_ARRAY(COLLECT_LIST(CASE WHEN NOT balanced THEN log_file END)), 1, {SHOWN_FILES})"
    return f"""
SELECT COUNT(*) AS files, COALESCE(SUM(deleted), 0) AS deleted, COUNT_IF(NOT balanced) AS unbalanced,
  TO_JSON({names}) AS names
FROM ({files})"""


def _first_kept(wanted: Mapping[str, Any], today: date) -> str:
    return f"DATE '{today - timedelta(days=wanted['keep_days'])}'"


def _contained(identities: Sequence[str], *columns: str) -> str:
    """Return the condition for a text that contains one of these, as JSON may write them."""
    spellings = {
        spelling
        for one in identities
        for spelling in (one, json.dumps(one)[1:-1], json.dumps(one, ensure_ascii=False)[1:-1])
    }
    return " OR ".join(
        f"CONTAINS({column}, {text_literal(one)})" for column in columns for one in sorted(spellings)
    )
