"""The kinds of CloudTrail records. One row each: a new kind is a new row and its columns.

The plugin, which cannot import this package, has the same table as plugins/…/kinds.json, which
`make kinds` writes.
"""

from dataclasses import dataclass

from cloudtrail_jobs.schemas import AGGREGATED, EVENTS, INSIGHTS, LINEAGE, ODDITIES, TIMES, Column


@dataclass(frozen=True)
class Kind:
    """What the job has to know of one kind of record.

    Attributes:
        name: the value of `--kind`.
        summary: what the records are, for the form and the graph.
        absence: why a bucket may have none: then the kind is skipped. Empty: then a run fails.
        asked_for: whether a run reads them unless it is told which kinds to read.
        folder: the S3 folder between account and region. Source: AWS, "Finding your CloudTrail log files".
        columns: the typed fields of a record.
        time_path: names that lead to the field that says when; it gives `timestamp` and the partition.
        key: the fields that name an event.
        indexed: the columns that data skipping keeps minimum and maximum of.
    """

    name: str
    summary: str
    absence: str
    asked_for: bool
    folder: str
    columns: tuple[Column, ...]
    time_path: tuple[str, ...]
    key: tuple[str, ...]
    indexed: tuple[str, ...]

    @property
    def table_columns(self) -> tuple[Column, ...]:
        """Every column of the kind's table."""
        return (*TIMES[:1], *self.columns, *LINEAGE, *ODDITIES, *TIMES[1:])


# Statistics on what narrows a search; never on raw or the long maps, which they would only slow down.
_SEARCHED = ("timestamp", "awsRegion", "log_file", "ingested_at", "batch_id")
_EVENTS_SEARCHED = (
    *_SEARCHED,
    "eventID",
    "recipientAccountId",
    "eventName",
    "eventSource",
    "errorCode",
    "sourceIPAddress",
    "userIdentity.type",
    "userIdentity.arn",
    "userIdentity.accessKeyId",
)

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            name="events",
            summary="API calls",
            absence="",
            asked_for=True,
            folder="CloudTrail",
            columns=EVENTS,
            time_path=("eventTime",),
            key=("recipientAccountId", "eventID"),
            indexed=_EVENTS_SEARCHED,
        ),
        Kind(
            name="insights",
            summary="unusual call and error rates",
            # Source: CloudTrail User Guide, "Logging Insights events".
            absence="CloudTrail can take up to 36 hours to deliver the first Insights event after Insights "
            "are switched on, and delivers one only when it has seen unusual activity",
            asked_for=True,
            folder="CloudTrail-Insight",
            columns=INSIGHTS,
            time_path=("eventTime",),
            key=("recipientAccountId", "eventID"),
            indexed=(*_SEARCHED, "eventID", "recipientAccountId", "sharedEventID"),
        ),
        Kind(
            name="network_activity",
            summary="calls through VPC endpoints",
            absence="CloudTrail delivers them only when the trail has event selectors for network activity",
            asked_for=False,
            folder="CloudTrail-NetworkActivity",
            columns=EVENTS,
            time_path=("eventTime",),
            key=("recipientAccountId", "eventID"),
            indexed=(*_EVENTS_SEARCHED, "vpcEndpointId"),
        ),
        Kind(
            name="aggregated",
            summary="counts of data events in windows of five minutes",
            absence="CloudTrail delivers them only when the trail has aggregation of data events switched on",
            asked_for=False,
            folder="CloudTrail-Aggregated",
            columns=AGGREGATED,
            time_path=("timeWindow", "windowStart"),
            key=("accountId", "eventId"),
            indexed=(*_SEARCHED, "eventId", "accountId", "eventSource"),
        ),
    )
}
