"""The kinds of CloudTrail records. One row each: a new kind is a new row and its columns."""

from dataclasses import dataclass

from cloudtrail_jobs.schemas import EVENTS, INSIGHTS, LINEAGE, TIMES, Column


@dataclass(frozen=True)
class Kind:
    """What the job has to know of one kind of record.

    Attributes:
        name: the value of `--kind`.
        folder: the S3 folder between account and region. Source: AWS, "Finding your CloudTrail log files".
        columns: the typed fields of a record.
        time_field: the field that says when, an instant; it gives `timestamp` and the partition.
        key: the fields that name an event.
        indexed: the columns that data skipping keeps minimum and maximum of.
    """

    name: str
    folder: str
    columns: tuple[Column, ...]
    time_field: str
    key: tuple[str, ...]
    indexed: tuple[str, ...]

    @property
    def table_columns(self) -> tuple[Column, ...]:
        """Every column of the kind's table."""
        return (*TIMES[:1], *self.columns, *LINEAGE, *TIMES[1:])


# Statistics on what narrows a search; never on raw or the long maps, which they would only slow down.
_SEARCHED = ("timestamp", "awsRegion", "eventID", "recipientAccountId", "log_file", "ingested_at", "batch_id")

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            name="events",
            folder="CloudTrail",
            columns=EVENTS,
            time_field="eventTime",
            key=("recipientAccountId", "eventID"),
            indexed=(
                *_SEARCHED,
                "eventName",
                "eventSource",
                "errorCode",
                "sourceIPAddress",
                "userIdentity.type",
                "userIdentity.arn",
                "userIdentity.accessKeyId",
            ),
        ),
        Kind(
            name="insights",
            folder="CloudTrail-Insight",
            columns=INSIGHTS,
            time_field="eventTime",
            key=("recipientAccountId", "eventID"),
            indexed=(*_SEARCHED, "sharedEventID"),
        ),
    )
}
