"""Ten questions that analysts ask of 30 days of CloudTrail, as SQL over a table `{table}`.

`{day}` is a day of the middle, `{week}` the day seven days before it; the other names are values that are in
the data (see `VALUES`). Rows come in an order of their own, so that two tables' answers can be compared.
"""

from dataclasses import dataclass

# Name → the query that picks it: something rare, and the same from either table.
VALUES = {
    "day": "SELECT CAST(DATE_SUB(MAX(date), 10) AS STRING) FROM {table}",
    "week": "SELECT CAST(DATE_SUB(MAX(date), 17) AS STRING) FROM {table}",
    "event": "SELECT MIN(eventID) FROM {table}",
    "key": "SELECT MIN(userIdentity.accessKeyId) FROM {table}",
    "address": "SELECT MIN(sourceIPAddress) FROM {table} WHERE sourceIPAddress LIKE '203.0.113.%'",
    "arn": "SELECT MIN(userIdentity.arn) FROM {table} WHERE userIdentity.type = 'AssumedRole'",
}


@dataclass(frozen=True)
class Question:
    """One question, in words and as SQL."""

    words: str
    sql: str


QUESTIONS = (
    Question(
        "what root did in a week",
        "SELECT eventID, eventTime, eventName, sourceIPAddress FROM {table} WHERE userIdentity.type = 'Root' "
        "AND date BETWEEN '{week}' AND '{day}' ORDER BY eventID",
    ),
    Question(
        "denied calls by principal in a day",
        "SELECT userIdentity.arn, eventName, COUNT(*) AS calls FROM {table} WHERE date = '{day}' "
        "AND errorCode IN ('AccessDenied', 'Client.UnauthorizedOperation') GROUP BY ALL ORDER BY 1, 2",
    ),
    Question(
        "one access key's history",
        "SELECT eventID, eventTime, eventSource, eventName FROM {table} "
        "WHERE userIdentity.accessKeyId = '{key}' ORDER BY eventID",
    ),
    Question("one eventID", "SELECT eventID, eventTime, eventName FROM {table} WHERE eventID = '{event}'"),
    Question(
        "console sign-ins without MFA",
        "SELECT eventID, userIdentity.arn, sourceIPAddress FROM {table} WHERE eventName = 'ConsoleLogin' "
        "AND additionalEventData['MFAUsed'] = 'No' ORDER BY eventID",
    ),
    Question(
        "what one address called",
        "SELECT eventSource, eventName, COUNT(*) AS calls, MIN(timestamp) AS first, MAX(timestamp) AS last "
        "FROM {table} WHERE sourceIPAddress = '{address}' GROUP BY ALL ORDER BY 1, 2",
    ),
    Question(
        "changes to IAM in 30 days",
        "SELECT eventID, eventTime, eventName, userIdentity.arn FROM {table} "
        "WHERE eventSource = 'iam.amazonaws.com' AND readOnly = false ORDER BY eventID",
    ),
    Question(
        "objects read by bucket in a day",
        "SELECT requestParameters['bucketName'] AS bucket, COUNT(*) AS calls FROM {table} "
        "WHERE date = '{day}' AND eventName = 'GetObject' GROUP BY ALL ORDER BY 1",
    ),
    Question(
        "what one session did in an hour",
        "SELECT eventID, timestamp, eventName FROM {table} WHERE userIdentity.arn = '{arn}' AND timestamp "
        "BETWEEN TIMESTAMP '{day} 10:00:00Z' AND TIMESTAMP '{day} 11:00:00Z' ORDER BY eventID",
    ),
    Question(
        "errors by service and day, 30 days",
        "SELECT date, eventSource, COUNT(*) AS calls, COUNT(errorCode) AS errors FROM {table} "
        "GROUP BY ALL ORDER BY 1, 2",
    ),
)

# The same questions of the view `flat`, in its plain columns; the answers are the same rows.
PLAIN = (
    "SELECT eventID, eventTime, event, source_ip FROM flat WHERE is_root "
    "AND date BETWEEN '{week}' AND '{day}' ORDER BY eventID",
    "SELECT userIdentity.arn, event, COUNT(*) AS calls FROM flat WHERE date = '{day}' "
    "AND errorCode IN ('AccessDenied', 'Client.UnauthorizedOperation') AND is_denied GROUP BY ALL "
    "ORDER BY 1, 2",
    "SELECT eventID, eventTime, eventSource, event FROM flat WHERE access_key = '{key}' ORDER BY eventID",
    "SELECT eventID, eventTime, event FROM flat WHERE eventID = '{event}'",
    "SELECT eventID, userIdentity.arn, source_ip FROM flat WHERE event = 'ConsoleLogin' AND NOT has_mfa "
    "ORDER BY eventID",
    "SELECT eventSource, event, COUNT(*) AS calls, MIN(time) AS first, MAX(time) AS last FROM flat "
    "WHERE sourceIPAddress = '{address}' GROUP BY ALL ORDER BY 1, 2",
    "SELECT eventID, eventTime, event, userIdentity.arn FROM flat WHERE service = 'iam' AND NOT is_read_only "
    "ORDER BY eventID",
    "SELECT bucket, COUNT(*) AS calls FROM flat WHERE date = '{day}' AND event = 'GetObject' "
    "GROUP BY ALL ORDER BY 1",
    "SELECT eventID, time, event FROM flat WHERE userIdentity.arn = '{arn}' AND time BETWEEN "
    "TIMESTAMP '{day} 10:00:00Z' AND TIMESTAMP '{day} 11:00:00Z' ORDER BY eventID",
    "SELECT date, eventSource, COUNT(*) AS calls, COUNT(errorCode) AS errors FROM flat "
    "GROUP BY ALL ORDER BY 1, 2",
)
# Fields of the record's text: by its path in the text, and in the view `variant`.
FIELDS = (
    (
        "one field of the text, 30 days",
        "SELECT get_json_object(raw, '$.userIdentity.type') AS type, COUNT(*) AS calls FROM {table} "
        "GROUP BY ALL ORDER BY 1",
        "SELECT variant_get(record, '$.userIdentity.type', 'string') AS type, COUNT(*) AS calls FROM variant "
        "GROUP BY ALL ORDER BY 1",
    ),
    (
        "four fields of the text, 30 days",
        "SELECT get_json_object(raw, '$.userIdentity.type') AS type, get_json_object(raw, '$.eventSource') "
        "AS source, get_json_object(raw, '$.awsRegion') AS region, "
        "COUNT(get_json_object(raw, '$.errorCode')) AS errors FROM {table} GROUP BY ALL ORDER BY 1, 2, 3",
        "SELECT variant_get(record, '$.userIdentity.type', 'string') AS type, "
        "variant_get(record, '$.eventSource', 'string') AS source, "
        "variant_get(record, '$.awsRegion', 'string') AS region, "
        "COUNT(variant_get(record, '$.errorCode', 'string')) AS errors FROM variant "
        "GROUP BY ALL ORDER BY 1, 2, 3",
    ),
)
