"""The kinds of CloudTrail records, one row each. A new kind needs a new row and its columns.

The plugin, which cannot import this package, reads the same table from plugins/…/kinds.json, which
`make kinds` writes.
"""

from dataclasses import dataclass

from cloudtrail_jobs.schemas import AGGREGATED, DIGESTS, EVENTS, INSIGHTS, LINEAGE, ODDITIES, TIMES, Column


@dataclass(frozen=True)
class Kind:
    """What the job knows about one kind of record.

    Attributes:
        name: the value of `--kind`.
        summary: what the records are, for the form and the graph.
        absence: why a bucket may have no log files of the kind: a run then skips the kind. If it is empty,
            the run fails.
        asked_for: whether a run reads the kind by default.
        folder: the S3 folder between account and region. Source: AWS, "Finding your CloudTrail log files".
        columns: the typed fields of a record.
        time_path: the names that lead to the field with the record's time, the source of `timestamp` and of
            the partition.
        key: the fields that identify an event: the account and the event id.
        indexed: the columns whose minimum and maximum Delta keeps for data skipping.
        is_whole_file: whether a file is one record, instead of an array of records.
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
    is_whole_file: bool = False

    @property
    def table_columns(self) -> tuple[Column, ...]:
        """All columns of the kind's table, in order."""
        return (*TIMES[:1], *self.columns, *LINEAGE, *ODDITIES, *TIMES[1:])


# Delta keeps statistics on the columns that narrow a search. On raw and the long maps they would only cost
# time.
_SEARCHED = ("timestamp", "awsRegion", "log_file", "ingested_at", "batch_id")
# Who made a call: tables of earlier releases get statistics on these for new files (`tables.prepare`). Delta
# keeps the first 32 characters only: docs/adr/0040-table-layout.md.
SEARCHED_SINCE = (
    "userIdentity.userName",
    # The session's name is its end, and the end of `userIdentity.arn`.
    "userIdentity.principalId",
    "userIdentity.sessionContext.sessionIssuer.arn",
)
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
    *SEARCHED_SINCE,
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
        Kind(
            name="digests",
            summary="CloudTrail's signed lists of its log files, which prove that none is missing or altered",
            absence="CloudTrail delivers them only when the trail has log file validation switched on",
            asked_for=False,
            folder="CloudTrail-Digest",
            columns=DIGESTS,
            time_path=("digestEndTime",),
            key=("awsAccountId", "digestS3Object"),
            indexed=("timestamp", "log_file", "ingested_at", "batch_id", "awsAccountId", "digestS3Object"),
            is_whole_file=True,
        ),
    )
}
