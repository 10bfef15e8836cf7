"""Queries on a table and its quarantine: per log file, per odd field, per insight.

`table` and `quarantine` are written as in a FROM clause (quoted names, optionally at a version). `where` is a
condition on their rows. `cloudtrail_to_delta.tables.views` describes the columns.
"""

from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.tables.sql import quote_name

EXAMPLE_CHARACTERS = 200
# The reasons of the rows that a deletion leaves in the quarantine: one for each deleted record.
DELETED = "('expired', 'erased')"


def files_query(kind: str, table: str, quarantine: str, where: str = "TRUE") -> str:
    """Return the query with one row per log file.

    Each time a file was read, it added a row for its first record, or one row for the whole file. A file that
    was listed and gone before it could be read has no load, and balances only when it is read.

    A deletion leaves its rows in the quarantine first, and then deletes the records in one commit. So its
    rows count only when the first of their records is gone: the file balances between the two commits too.
    """
    of_both = "log_file, log_file_sha256, log_file_records, record_index, delivered_at, ingested_at"
    place = ("log_file", "ingested_at", "record_index")
    of_path = "path_account, path_region, path_day"
    day = "(?:([0-9]{4}/[0-9]{2}/[0-9]{2})/)?"
    folder = f"AWSLogs/(?:o-[a-z0-9]+/)?([0-9]{{12}})/(?:CloudTrail[A-Za-z-]*/([a-z0-9-]+)/{day})?"
    deletion = f"CASE WHEN reason IN {DELETED} THEN GET_JSON_OBJECT(detail, '$.deletion') END AS deletion"
    return f"""
SELECT
  *, kept + quarantined + removed + deleted = records * loads AND kept <= records AND loads > 0 AS balanced
FROM (
  SELECT
    log_file,
    path_account AS account,
    path_region AS region,
    REPLACE(path_day, '/', '-') AS delivery_day,
    MAX(delivered_at) AS delivered_at,
    MAX(ingested_at) AS ingested_at,
    UNIX_TIMESTAMP(MIN(ingested_at)) - UNIX_TIMESTAMP(MAX(delivered_at)) AS lag_seconds,
    MAX(log_file_sha256) AS log_file_sha256,
    MAX(log_file_records) AS records,
    COUNT_IF(reason IS NULL) AS kept,
    COUNT_IF(reason <> 'duplicate' AND reason NOT IN {DELETED} AND record_index IS NOT NULL) AS quarantined,
    COUNT_IF(reason = 'duplicate') AS removed,
    COUNT_IF(reason IN {DELETED}) AS deleted,
    MAX(CASE WHEN record_index IS NULL THEN reason END) AS whole_file_reason,
    COUNT_IF(row_account <> path_account) AS foreign_records,
    GREATEST(
      COUNT_IF(record_index IS NULL AND reason <> 'missing_file'), COUNT_IF(record_index = 0)
    ) AS loads
  FROM (
    SELECT
      *,
      NULLIF(REGEXP_EXTRACT(log_file, '{folder}', 1), '') AS path_account,
      NULLIF(REGEXP_EXTRACT(log_file, '{folder}', 2), '') AS path_region,
      NULLIF(REGEXP_EXTRACT(log_file, '{folder}', 3), '') AS path_day
    FROM (
      SELECT {of_both}, {quote_name(KINDS[kind].account)} AS row_account, CAST(NULL AS STRING) AS reason
      FROM {table} WHERE {where}
      UNION ALL
      SELECT {of_both}, CAST(NULL AS STRING) AS row_account, reason
      FROM (SELECT *, {deletion} FROM {quarantine} WHERE {where}) AS defect
      LEFT ANTI JOIN (
        SELECT witness.deletion FROM (
          SELECT deletion, MIN(STRUCT({", ".join(place)})) AS place
          FROM (SELECT *, {deletion} FROM {quarantine} WHERE reason IN {DELETED} AND {where})
          GROUP BY deletion
        ) AS witness
        JOIN (SELECT {", ".join(place)} FROM {table} WHERE {where}) AS still
        ON {" AND ".join(f"still.{name} = witness.place.{name}" for name in place)}
      ) AS unfinished
      ON defect.deletion = unfinished.deletion
    )
  )
  GROUP BY log_file, {of_path}
)"""


def drift_query(table: str, where: str = "TRUE") -> str:
    """Return the query with one row per field and problem, with the place and text of the first one."""
    return f"""
SELECT
  field, problem, earliest.ingested_at AS first_seen, last_seen, records, earliest.log_file AS log_file,
  earliest.record_index AS record_index, earliest.example AS example
FROM (
  SELECT
    field, problem, MAX(ingested_at) AS last_seen, COUNT(*) AS records,
    MIN(STRUCT(
      ingested_at, log_file, record_index,
      SUBSTRING(raw, LOCATE(CONCAT('"', SUBSTRING_INDEX(field, '.', -1), '"'), raw), {EXAMPLE_CHARACTERS})
        AS example
    )) AS earliest
  FROM (
    SELECT found.field AS field, found.problem AS problem, ingested_at, log_file, record_index, raw
    FROM (
      SELECT
        EXPLODE(CONCAT(
          COALESCE(TRANSFORM(unknown_fields, x -> STRUCT(x AS field, 'unknown_field' AS problem)), ARRAY()),
          COALESCE(TRANSFORM(misfits, x -> STRUCT(x AS field, 'misfit' AS problem)), ARRAY())
        )) AS found, ingested_at, log_file, record_index, raw
      FROM {table} WHERE (unknown_fields IS NOT NULL OR misfits IS NOT NULL) AND {where}
    )
  )
  GROUP BY field, problem
)"""


def episodes_query(table: str, where: str = "TRUE") -> str:
    """Return the query with one row per insight.

    Start and End of an insight share an id, and each may be delivered more than once. A Start has a duration
    too: the minute after which CloudTrail noticed it. Only the duration in an End is the insight's.
    """
    return f"""
SELECT
  shared_event_id, account, region, insight_type, event_source, event_name, error_code, started_at, ended_at,
  ended_at IS NULL AS open,
  COALESCE((UNIX_TIMESTAMP(ended_at) - UNIX_TIMESTAMP(started_at)) / 60, stated_minutes) AS duration_minutes,
  baseline, peak, records
FROM (
  SELECT
    sharedEventID AS shared_event_id,
    MAX(recipientAccountId) AS account,
    MAX(awsRegion) AS region,
    MAX(insightDetails.insightType) AS insight_type,
    MAX(insightDetails.eventSource) AS event_source,
    MAX(insightDetails.eventName) AS event_name,
    MAX(insightDetails.errorCode) AS error_code,
    MIN(CASE WHEN insightDetails.state = 'Start' THEN timestamp END) AS started_at,
    MAX(CASE WHEN insightDetails.state = 'End' THEN timestamp END) AS ended_at,
    MAX(
      CASE WHEN insightDetails.state = 'End' THEN insightDetails.insightContext.statistics.insightDuration END
    ) AS stated_minutes,
    MAX_BY(insightDetails.insightContext.statistics.baseline.average, timestamp) AS baseline,
    MAX(insightDetails.insightContext.statistics.insight.average) AS peak,
    COUNT(*) AS records
  FROM {table} WHERE sharedEventID IS NOT NULL AND {where}
  GROUP BY sharedEventID
)"""
