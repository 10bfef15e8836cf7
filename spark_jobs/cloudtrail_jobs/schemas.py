"""The typed columns of each kind of record, and the lineage columns that every row carries.

Names and types are those of the guide ("Ingesting AWS CloudTrail Logs Into Databricks"), so that queries
written for it still run, with two structs moved to where real records have them (`sessionIssuer` and
`webIdFederationData` are under `userIdentity.sessionContext`), plus the fields that CloudTrail has added
since. A comment says what real records hold, not only what is documented: tests hold it against published
ones. Sources: AWS, "CloudTrail record contents" (of management, data and network activity events; of Insights
events, for trails and for event data stores), "Log file examples", "AWS Management Console sign-in events",
eventVersion 1.0 to 1.11.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column: its name, its type as Spark DDL, and what it means."""

    name: str
    type: str
    comment: str

    @property
    def ddl(self) -> str:
        """The column as CREATE TABLE and `from_json` write it."""
        comment = self.comment.replace("\\", "\\\\").replace("'", "\\'")
        return f"`{self.name}` {self.type} COMMENT '{comment}'"


_SESSION_ISSUER = (
    "STRUCT<accountId: STRING, arn: STRING, principalId: STRING, type: STRING, userName: STRING>"
)
_SESSION_CONTEXT = (
    "STRUCT<attributes: STRUCT<creationDate: STRING, mfaAuthenticated: STRING, "
    "sessionCredentialFromConsole: STRING>, "
    f"sessionIssuer: {_SESSION_ISSUER}, "
    "webIdFederationData: STRUCT<federatedProvider: STRING, attributes: MAP<STRING, STRING>>, "
    "sourceIdentity: STRING, ec2RoleDelivery: STRING, assumedRoot: STRING>"
)
_USER_IDENTITY = (
    "STRUCT<type: STRING, userName: STRING, principalId: STRING, arn: STRING, accountId: STRING, "
    "accessKeyId: STRING, invokedBy: STRING, identityProvider: STRING, "
    f"sessionContext: {_SESSION_CONTEXT}, "
    "onBehalfOf: STRUCT<userId: STRING, identityStoreArn: STRING>, "
    "inScopeOf: STRUCT<sourceArn: STRING, sourceAccount: STRING, issuerType: STRING, "
    "credentialsIssuedTo: STRING, credentialsIssuedToVersion: STRING>, "
    "credentialId: STRING, invokedByDelegate: STRUCT<accountId: STRING>>"
)
_MAP = "MAP<STRING, STRING>"
_AVERAGE = "STRUCT<average: DOUBLE>"
_VALUES = "ARRAY<STRUCT<value: STRING, average: DOUBLE>>"
_STATISTICS = (
    f"STRUCT<baseline: {_AVERAGE}, insight: {_AVERAGE}, insightDuration: DOUBLE, baselineDuration: DOUBLE>"
)

EVENTS = (
    Column("eventTime", "STRING", "When the request ended, as CloudTrail wrote it; see timestamp"),
    Column("eventVersion", "STRING", "Version of the record format, 1.0 to 1.11; compare as numbers"),
    Column("userIdentity", _USER_IDENTITY, "Who made the request"),
    Column("eventName", "STRING", "The API call, such as AssumeRole"),
    Column("eventSource", "STRING", "The service that was called, such as sts.amazonaws.com"),
    Column("awsRegion", "STRING", "The region that the request was made to"),
    Column("sourceIPAddress", "STRING", "The caller's address, the AWS service that called, or AWS Internal"),
    Column("userAgent", "STRING", "The caller's agent"),
    Column(
        "errorCode",
        "STRING",
        "The service's error code; null when there is none, which is not always success: a failed "
        "ConsoleLogin has an errorMessage only, and responseElements.ConsoleLogin is Failure",
    ),
    Column("errorMessage", "STRING", "The service's error in words, cut by CloudTrail at about 1 KB"),
    Column("requestParameters", _MAP, "The request's parameters; nested values as JSON text"),
    Column(
        "responseElements",
        _MAP,
        "The response, mostly of calls that change something or give credentials; nested values as JSON text",
    ),
    Column("additionalEventData", _MAP, "More on the event; nested values as JSON text"),
    Column("requestID", "STRING", "The service's id of the request"),
    Column(
        "eventID",
        "STRING",
        "The event's id, unique with recipientAccountId but for records that are delivered twice or updated",
    ),
    Column("readOnly", "BOOLEAN", "Whether the call only reads; null when an older record does not say"),
    Column("eventType", "STRING", "AwsApiCall, AwsServiceEvent, AwsConsoleSignIn, …"),
    Column("apiVersion", "STRING", "The API's version"),
    Column("managementEvent", "BOOLEAN", "Whether it is a management event; null before eventVersion 1.06"),
    Column("recipientAccountId", "STRING", "The account that the record was delivered to"),
    Column("vpcEndpointId", "STRING", "The VPC endpoint that the request came through"),
    Column("vpcEndpointAccountId", "STRING", "The account that owns the VPC endpoint"),
    Column("eventCategory", "STRING", "Management, Data or NetworkActivity; null in older records"),
    Column("serviceEventDetails", _MAP, "What a service event was about"),
    Column("sharedEventID", "STRING", "Shared by the records of one event in several accounts"),
    Column("resources", f"ARRAY<{_MAP}>", "The resources that the request touched"),
    Column(
        "sessionCredentialFromConsole", "STRING", "true when the session came from the console, else null"
    ),
    Column(
        "edgeDeviceDetails",
        "STRUCT<type: STRING, deviceFamily: STRING, deviceId: STRING, snowJobId: STRING, "
        f"attributes: {_MAP}>",
        "The edge device that the request was made to",
    ),
    Column(
        "tlsDetails",
        "STRUCT<tlsVersion: STRING, cipherSuite: STRING, clientProvidedHostHeader: STRING, "
        "keyExchange: STRING>",
        "The request's TLS connection",
    ),
    Column(
        "addendum",
        "STRUCT<reason: STRING, updatedFields: STRING, originalRequestID: STRING, originalUID: STRING, "
        "originalEventID: STRING>",
        "Set when the record updates an earlier one; AWS writes its request id under either name",
    ),
    Column("annotation", "STRING", "CloudTrail's remark on the record"),
    Column(
        "eventContext",
        f"STRUCT<requestContext: {_MAP}, tagContext: {_MAP}>",
        "What enriched events add: condition keys of the request, and tags of resources and principal",
    ),
)

INSIGHTS = (
    Column("eventVersion", "STRING", "Version of the record format; compare as numbers"),
    Column("eventTime", "STRING", "When the insight started or ended, as CloudTrail wrote it"),
    Column("awsRegion", "STRING", "The region of the unusual calls"),
    Column("eventID", "STRING", "The record's id"),
    Column("eventType", "STRING", "AwsCloudTrailInsight"),
    Column("recipientAccountId", "STRING", "The account that the record was delivered to"),
    Column("sharedEventID", "STRING", "Shared by the Start and the End record of one insight"),
    Column(
        "insightDetails",
        "STRUCT<state: STRING, eventSource: STRING, eventName: STRING, insightType: STRING, "
        f"errorCode: STRING, insightContext: STRUCT<statistics: {_STATISTICS}, "
        f"attributions: ARRAY<STRUCT<attribute: STRING, insight: {_VALUES}, baseline: {_VALUES}>>>, "
        "sourceEventCategory: STRING>",
        "Which call was unusual, and how: statistics are calls or errors a minute, durations are minutes; "
        "sourceEventCategory says if management or data events were analyzed",
    ),
    Column("eventCategory", "STRING", "Insight"),
    Column("insightSource", "STRING", "Where the analyzed events were collected"),
)

_DIMENSION = (
    "STRUCT<dimension: STRING, statistics: ARRAY<STRUCT<name: STRING, value: DOUBLE>>, "
    "aggregationType: STRING>"
)
# Source: AWS, "CloudTrail record contents for aggregated events".
AGGREGATED = (
    Column("eventVersion", "STRING", "Version of the record format; compare as numbers"),
    Column("accountId", "STRING", "The account that the record was delivered to"),
    Column("eventId", "STRING", "The record's id"),
    Column("eventCategory", "STRING", "Aggregated"),
    Column("eventType", "STRING", "AwsAggregatedEvent"),
    Column("awsRegion", "STRING", "The region of the calls that were summed up"),
    Column("eventSource", "STRING", "The service that was called, such as s3.amazonaws.com"),
    Column(
        "timeWindow",
        "STRUCT<windowStart: STRING, windowEnd: STRING, windowSize: STRING>",
        "When the calls were made: from windowStart to just before windowEnd",
    ),
    Column(
        "summary",
        f"STRUCT<primaryDimension: {_DIMENSION}, details: ARRAY<{_DIMENSION}>>",
        "How many calls, by eventName, resourceARN or userIdentity, and by further dimensions",
    ),
)

TIMES = (
    Column("timestamp", "TIMESTAMP", "When it happened, as an instant: eventTime, or the window's start"),
    Column("date", "DATE", "The UTC day of timestamp; the partition"),
)
LINEAGE = (
    Column("log_file", "STRING", "The log file that the record came in"),
    Column("log_file_sha256", "STRING", "SHA-256 of the uncompressed file, as CloudTrail's digests list it"),
    Column("log_file_records", "INT", "How many records the file holds; 0 when the whole file is a defect"),
    Column("record_index", "INT", "The record's place in the file, from 0; null for a whole file"),
    Column("raw", "STRING", "The record's exact original JSON text"),
    Column("delivered_at", "TIMESTAMP", "When the file was last written in S3"),
    Column("ingested_at", "TIMESTAMP", "When the micro-batch was read"),
    Column("batch_id", "BIGINT", "The micro-batch; of a month's own stream, after its year and month"),
)
ODDITIES = (
    Column(
        "misfits",
        "ARRAY<STRING>",
        "Fields whose value does not fit the column's type: null there, intact in raw; * for the whole "
        "record; null when everything fits",
    ),
    Column(
        "unknown_fields",
        "ARRAY<STRING>",
        "Fields that the record has and the table has not: intact in raw; null when there are none",
    ),
)
QUARANTINE = (
    Column("reason", "STRING", "Why it is here, as a stable code"),
    Column("detail", "STRING", "Why it is here, in words"),
    *LINEAGE,
    Column("date", "DATE", "The UTC day of ingested_at; the partition"),
)


def ddl(columns: tuple[Column, ...]) -> str:
    """The columns as one DDL string."""
    return ", ".join(column.ddl for column in columns)
