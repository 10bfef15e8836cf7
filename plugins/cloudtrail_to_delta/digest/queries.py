"""The queries for a day's events and insights: one statement for each table.

Every row of an answer belongs to a section. Its columns are `section`, `account`, `what`, `detail`, `n` (the
number of times) and `found` (the number of rows of the section in that table).
"""

from dataclasses import dataclass
from datetime import date, timedelta

from cloudtrail_to_delta.tables.sql import quote_name

# How many rows a section shows, per table and in total.
SHOWN = 20
# A region is new to an account that used other regions, but not this one, for this many days.
KNOWN_REGIONS_DAYS = 30
# The section with the number of the day's events.
TOTAL = "total"


@dataclass(frozen=True, kw_only=True)
class DigestTable:
    """A table to query: its name, its kind, and its newest event when it was last written."""

    name: str
    kind: str
    newest_event: str = ""


def day_query(table: DigestTable, day: date) -> str:
    """Return the statement for one table's day; each row belongs to one section."""
    selects = insight_selects() if table.kind == "insights" else event_selects(quote_name(table.name), day)
    source = (
        f"SELECT *, recipientAccountId AS account FROM {quote_name(table.name)} WHERE date = DATE '{day}'"
    )
    return f"WITH day AS ({source}) " + " UNION ALL ".join(f"({select})" for select in selects)


def event_selects(table: str, day: date) -> list[str]:
    """Return the event queries. Source: CloudTrail User Guide, "userIdentity element", "Console sign-in"."""
    principal = (
        "COALESCE(userIdentity.sessionContext.sessionIssuer.arn, userIdentity.arn, userIdentity.principalId, "
        "userIdentity.invokedBy, 'unknown')"
    )
    first = day - timedelta(days=KNOWN_REGIONS_DAYS)
    before = f"FROM {table} WHERE date >= DATE '{first}' AND date < DATE '{day}'"
    return [
        f"SELECT '{TOTAL}' AS section, '' AS account, '' AS what, '' AS detail, COUNT(*) AS n, 1 AS found "
        "FROM day",
        _top(
            "root",
            what="CONCAT(eventSource, ':', eventName)",
            detail="COALESCE(sourceIPAddress, '')",
            where="userIdentity.type = 'Root' AND userIdentity.invokedBy IS NULL "
            "AND COALESCE(eventType, '') <> 'AwsServiceEvent'",
        ),
        # Users of an identity provider may use MFA there, which CloudTrail cannot know.
        _top(
            "no_mfa",
            what="COALESCE(userIdentity.arn, userIdentity.userName, 'unknown')",
            detail="COALESCE(sourceIPAddress, '')",
            where="eventName = 'ConsoleLogin' AND responseElements['ConsoleLogin'] = 'Success' "
            "AND additionalEventData['MFAUsed'] = 'No' AND userIdentity.type IN ('IAMUser', 'Root')",
        ),
        _top(
            "denied",
            what=principal,
            detail="CONCAT_WS(', ', SLICE(SORT_ARRAY(COLLECT_SET(eventName)), 1, 5))",
            where="errorCode LIKE '%AccessDenied%' OR errorCode LIKE '%UnauthorizedOperation'",
            group="account, what",
        ),
        _top(
            "region",
            what="awsRegion",
            detail="MIN(eventTime)",
            where=f"account IN (SELECT recipientAccountId {before}) AND NOT EXISTS (SELECT 1 FROM ("
            f"SELECT DISTINCT recipientAccountId AS known_account, awsRegion AS known_region {before}) "
            "WHERE known_account = account AND known_region = awsRegion)",
            group="account, what",
        ),
    ]


def insight_selects() -> list[str]:
    """Return the query for the insights that began on the day."""
    statistics = "insightDetails.insightContext.statistics"
    ratio = f"ROUND({statistics}.insight.average / NULLIF({statistics}.baseline.average, 0), 1)"
    return [
        _top(
            "insight",
            what="CONCAT(insightDetails.eventSource, ':', insightDetails.eventName)",
            detail="CONCAT(awsRegion, ' ', insightDetails.insightType, ' ', "
            f"COALESCE(CAST({ratio} AS STRING), '?'), ' times the baseline')",
            where="insightDetails.state = 'Start'",
            count="COUNT(DISTINCT sharedEventID)",
        )
    ]


def _top(
    section: str,
    *,
    what: str,
    detail: str,
    where: str,
    group: str = "account, what, detail",
    count: str = "COUNT(*)",
) -> str:
    """Return the query for the most frequent rows of one section."""
    return (
        f"SELECT '{section}' AS section, account, {what} AS what, {detail} AS detail, {count} AS n, "
        f"COUNT(*) OVER () AS found FROM day WHERE {where} GROUP BY {group} "
        f"ORDER BY n DESC, account, what LIMIT {SHOWN}"
    )
