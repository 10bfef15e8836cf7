"""The typed columns of each kind of record, and the lineage columns of every row.

The names and types are those of the original Databricks guide (2020), so that queries which were written for
it still run. Two structs are where real records have them: `sessionIssuer` and `webIdFederationData` are
under `userIdentity.sessionContext`. The fields that CloudTrail has added since have columns too. The comments
describe real records, not only documented ones: tests compare them with published records.

Sources: AWS, "CloudTrail record contents" (of management, data and network activity events; of Insights
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
    Column("eventTime", "STRING", "When the request completed, as CloudTrail wrote it; see timestamp"),
    Column(
        "eventVersion",
        "STRING",
        "Version of the record format, 1.0 to 1.11; compare both parts as numbers",
    ),
    Column("userIdentity", _USER_IDENTITY, "The identity that made the request"),
    Column("eventName", "STRING", "The API call, such as AssumeRole"),
    Column("eventSource", "STRING", "The service that was called, such as sts.amazonaws.com"),
    Column("awsRegion", "STRING", "The region that received the request"),
    Column("sourceIPAddress", "STRING", "The caller's address, the AWS service that called, or AWS Internal"),
    Column("userAgent", "STRING", "The client software of the caller"),
    Column(
        "errorCode",
        "STRING",
        "The service's error code; null does not always mean success: a failed ConsoleLogin has an "
        "errorMessage only, and responseElements.ConsoleLogin is Failure",
    ),
    Column("errorMessage", "STRING", "The service's error message, which CloudTrail truncates at about 1 KB"),
    Column("requestParameters", _MAP, "The parameters of the request; nested values are JSON"),
    Column(
        "responseElements",
        _MAP,
        "The response, mostly to calls that change something or give credentials; nested values are JSON",
    ),
    Column("additionalEventData", _MAP, "Additional data about the event; nested values are JSON"),
    Column("requestID", "STRING", "The id that the service gave the request"),
    Column(
        "eventID",
        "STRING",
        "The event's id; unique with recipientAccountId, except for records delivered twice or updated",
    ),
    Column("readOnly", "BOOLEAN", "Whether the call only reads; null when an older record does not say"),
    Column("eventType", "STRING", "The type of the event: AwsApiCall, AwsServiceEvent, AwsConsoleSignIn, …"),
    Column("apiVersion", "STRING", "The version of the API"),
    Column(
        "managementEvent", "BOOLEAN", "Whether the event is a management event; null before eventVersion 1.06"
    ),
    Column("recipientAccountId", "STRING", "The account that the record was delivered to"),
    Column("vpcEndpointId", "STRING", "The VPC endpoint through which the request passed"),
    Column("vpcEndpointAccountId", "STRING", "The account that owns the VPC endpoint"),
    Column("eventCategory", "STRING", "Management, Data or NetworkActivity; null in older records"),
    Column("serviceEventDetails", _MAP, "Details of a service event"),
    Column("sharedEventID", "STRING", "The id that the records of one event in several accounts share"),
    Column("resources", f"ARRAY<{_MAP}>", "The resources that the request accessed"),
    Column(
        "sessionCredentialFromConsole", "STRING", "true when the session came from the console, else null"
    ),
    Column(
        "edgeDeviceDetails",
        "STRUCT<type: STRING, deviceFamily: STRING, deviceId: STRING, snowJobId: STRING, "
        f"attributes: {_MAP}>",
        "The edge device that received the request",
    ),
    Column(
        "tlsDetails",
        "STRUCT<tlsVersion: STRING, cipherSuite: STRING, clientProvidedHostHeader: STRING, "
        "keyExchange: STRING>",
        "The TLS connection of the request",
    ),
    Column(
        "addendum",
        "STRUCT<reason: STRING, updatedFields: STRING, originalRequestID: STRING, originalUID: STRING, "
        "originalEventID: STRING>",
        "Set if the record updates an earlier one, whose request id is in originalRequestID or originalUID",
    ),
    Column("annotation", "STRING", "A note by CloudTrail about the record"),
    Column(
        "eventContext",
        f"STRUCT<requestContext: {_MAP}, tagContext: {_MAP}>",
        "Added to enriched events: condition keys of the request, tags of the resources and the principal",
    ),
)

INSIGHTS = (
    Column("eventVersion", "STRING", "Version of the record format; compare both parts as numbers"),
    Column("eventTime", "STRING", "When the insight started or ended, as CloudTrail wrote it"),
    Column("awsRegion", "STRING", "The region of the unusual calls"),
    Column("eventID", "STRING", "The record's id"),
    Column("eventType", "STRING", "Always AwsCloudTrailInsight"),
    Column("recipientAccountId", "STRING", "The account that the record was delivered to"),
    Column("sharedEventID", "STRING", "The id that the Start and End records of one insight share"),
    Column(
        "insightDetails",
        "STRUCT<state: STRING, eventSource: STRING, eventName: STRING, insightType: STRING, "
        f"errorCode: STRING, insightContext: STRUCT<statistics: {_STATISTICS}, "
        f"attributions: ARRAY<STRUCT<attribute: STRING, insight: {_VALUES}, baseline: {_VALUES}>>>, "
        "sourceEventCategory: STRING>",
        "The unusual call and its statistics: averages are per minute, durations are minutes; "
        "sourceEventCategory says whether CloudTrail analyzed management or data events",
    ),
    Column("eventCategory", "STRING", "Always Insight"),
    Column("insightSource", "STRING", "Where CloudTrail collected the analyzed events"),
)

_DIMENSION = (
    "STRUCT<dimension: STRING, statistics: ARRAY<STRUCT<name: STRING, value: DOUBLE>>, "
    "aggregationType: STRING>"
)
# Source: AWS, "CloudTrail record contents for aggregated events".
AGGREGATED = (
    Column("eventVersion", "STRING", "Version of the record format; compare both parts as numbers"),
    Column("accountId", "STRING", "The account that the record was delivered to"),
    Column("eventId", "STRING", "The record's id"),
    Column("eventCategory", "STRING", "Always Aggregated"),
    Column("eventType", "STRING", "Always AwsAggregatedEvent"),
    Column("awsRegion", "STRING", "The region of the aggregated calls"),
    Column("eventSource", "STRING", "The service that was called, such as s3.amazonaws.com"),
    Column(
        "timeWindow",
        "STRUCT<windowStart: STRING, windowEnd: STRING, windowSize: STRING>",
        "The period of the calls: from windowStart to just before windowEnd",
    ),
    Column(
        "summary",
        f"STRUCT<primaryDimension: {_DIMENSION}, details: ARRAY<{_DIMENSION}>>",
        "The number of calls by eventName, resourceARN or userIdentity, and by further dimensions",
    ),
)

_SIGNED_FILES = (
    "ARRAY<STRUCT<s3Bucket: STRING, s3Object: STRING, hashValue: STRING, hashAlgorithm: STRING, "
    "newestEventTime: STRING, oldestEventTime: STRING>>"
)
# Source: AWS CloudTrail User Guide, "CloudTrail digest file structure".
DIGESTS = (
    Column("awsAccountId", "STRING", "The account of the log files"),
    Column("digestStartTime", "STRING", "When the digest's period began, as CloudTrail wrote it"),
    Column("digestEndTime", "STRING", "When the digest's period ended, as CloudTrail wrote it"),
    Column("digestS3Bucket", "STRING", "The bucket that CloudTrail wrote the digest to"),
    Column("digestS3Object", "STRING", "The key that CloudTrail wrote the digest to"),
    Column("newestEventTime", "STRING", "The time of the newest event in its log files; null without any"),
    Column("oldestEventTime", "STRING", "The time of the oldest event in its log files; null without any"),
    Column("digestPublicKeyFingerprint", "STRING", "The key that signed it, as in ListPublicKeys"),
    Column("digestSignatureAlgorithm", "STRING", "Always SHA256withRSA"),
    Column("previousDigestS3Bucket", "STRING", "The previous digest's bucket; null at a chain's start"),
    Column("previousDigestS3Object", "STRING", "The previous digest's key; null at a chain's start"),
    Column("previousDigestHashValue", "STRING", "SHA-256 of the uncompressed previous digest"),
    Column("previousDigestHashAlgorithm", "STRING", "Always SHA-256; null at a chain's start"),
    Column("previousDigestSignature", "STRING", "The signature of the previous digest, hexadecimal"),
    Column("logFiles", _SIGNED_FILES, "The log files of the period, with SHA-256 of each; may be empty"),
)

TIMES = (
    Column(
        "timestamp",
        "TIMESTAMP",
        "The record's time as an instant: eventTime, the start of timeWindow, or digestEndTime",
    ),
    Column("date", "DATE", "The UTC day of timestamp; the partition column"),
)
LINEAGE = (
    Column("log_file", "STRING", "The path of the log file"),
    Column(
        "log_file_sha256", "STRING", "SHA-256 of the uncompressed log file, as CloudTrail's digests list it"
    ),
    Column("log_file_records", "INT", "The number of records that could be read from the log file"),
    Column(
        "record_index", "INT", "The record's index in the log file, from 0; null in the row of a whole file"
    ),
    Column("raw", "STRING", "The record's exact original text"),
    Column("delivered_at", "TIMESTAMP", "When the log file was last written to S3"),
    Column("ingested_at", "TIMESTAMP", "When the job read the micro-batch"),
    Column(
        "batch_id", "BIGINT", "The number of the micro-batch; a month's stream counts from its year and month"
    ),
)
ODDITIES = (
    Column(
        "misfits",
        "ARRAY<STRING>",
        "Fields whose value does not fit the column's type: null in the column, intact in raw; * stands for "
        "the whole record; null when everything fits",
    ),
    Column(
        "unknown_fields",
        "ARRAY<STRING>",
        "Fields of the record for which the table has no column: intact in raw; null when there are none",
    ),
)
QUARANTINE = (
    Column("reason", "STRING", "Why the row is here, as a stable code"),
    Column("detail", "STRING", "Why the row is here, in words"),
    *LINEAGE,
    Column("date", "DATE", "The UTC day of ingested_at; the partition column"),
)


# The verdicts on digests. A digest that is not signed is judged again in each run.
VERIFIED = (
    Column("log_file", "STRING", "The path of the digest"),
    Column("log_file_sha256", "STRING", "SHA-256 of the uncompressed digest that was judged"),
    Column(
        "verdict",
        "STRING",
        "signed: CloudTrail signed it; pending: its signature has not arrived; unsigned: it proves nothing",
    ),
    Column("problem", "STRING", "Why it is not signed; null if it is"),
    Column("judged_at", "TIMESTAMP", "When it was last judged; the newest digest is judged in every run"),
    Column("date", "DATE", "The UTC day of digestEndTime; the partition column"),
)


def ddl(columns: tuple[Column, ...]) -> str:
    """Return the columns as one DDL string."""
    return ", ".join(column.ddl for column in columns)
