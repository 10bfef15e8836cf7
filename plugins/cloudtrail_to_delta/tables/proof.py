"""Queries on verified digests: what CloudTrail signed, compared with what a table holds.

They mean the same as the auditor's tool (`completeness.audit`), except that they do not know what the bucket
lists. All states are those at the last verification, the newest `judged_at`: with one run a day there is no
gap between two runs. Tables are written as in a FROM clause. `tables.views` describes the columns.
"""

import re

from cloudtrail_to_delta.params.locations import ANY, LogsLocation
from cloudtrail_to_delta.tables.sql import text_literal

# How long after an hour its digest, and after a delivery its ingest, may arrive. The auditor allows as much.
PENDING = "INTERVAL 3 HOURS"
# Without any signed digest, hours are counted from this much before the last verification at most: somebody
# else could have written a digest of 1970.
UNSIGNED_DAYS = 90
# Why a log file is unsigned although digests cover its hour: they may not name files of this kind at all.
KIND_NOT_NAMED = "no signed digest names any log file of this kind here"
# The path without `s3://`. A checkpoint or a repair may have written s3a://.
_PLACE = "REGEXP_REPLACE({}, '^[a-z0-9]+:/+', '')"
_PARTS = "'AWSLogs/(o-[a-z0-9]+/)?([0-9]{{12}})/[A-Za-z-]+/([a-z0-9-]+)/'"


def proof_query(logs: LogsLocation, table: str, quarantine: str, digests: str, verified: str) -> str:
    """Return the query with one row per log file that the table, its quarantine or a signed digest has.

    The digests may begin with a period that the table has not: a log file that was delivered before the day
    of an account's first digest is not called missing.
    """
    delivered = (
        "TRY_TO_TIMESTAMP(REGEXP_EXTRACT(place, '_([0-9]{8}T[0-9]{4}Z)_[A-Za-z0-9]+[.]json', 1), "
        + text_literal("yyyyMMdd'T'HHmmX")
        + ")"
    )
    held = f"SELECT {_PLACE.format('log_file')} AS place, log_file, log_file_sha256 FROM"
    return f"""
WITH {_signed(digests, verified)},
named AS (
  SELECT
    place, MIN_BY(sha256, is_backfill) AS signed_sha256, MIN_BY(digest, is_backfill) AS digest,
    MIN(is_backfill) AS is_late
  FROM (
    SELECT
      CONCAT(file.s3Bucket, '/', file.s3Object) AS place, file.hashValue AS sha256, is_backfill, digest
    FROM (SELECT EXPLODE(logFiles) AS file, is_backfill, digest FROM signed)
  )
  WHERE place RLIKE {text_literal(_pattern(logs))}
  GROUP BY place
),
held AS (
  SELECT place, MIN(log_file) AS log_file, COLLECT_SET(log_file_sha256) AS hashes
  FROM ({held} {table} UNION ALL {held} {quarantine})
  GROUP BY place
),
files AS (
  SELECT
    *, {_part("place", 2)} AS account, {_part("place", 3)} AS region, {delivered} AS delivered_at
  FROM (
    SELECT
      COALESCE(held.place, named.place) AS place,
      COALESCE(held.log_file, CONCAT('s3://', named.place)) AS log_file,
      hashes, held.place IS NOT NULL AS is_held, signed_sha256, digest, is_late,
      named.place IS NOT NULL AS is_named
    FROM held FULL OUTER JOIN named ON held.place = named.place
  )
),
judged AS (
  SELECT
    files.*,
    checked.as_of,
    COALESCE(files.delivered_at + {PENDING} > checked.as_of, TRUE) AS is_new,
    covered.began_at IS NOT NULL AS is_covered,
    naming.region IS NOT NULL AS signs_kind
  FROM files
  CROSS JOIN checked
  LEFT JOIN covered
    ON files.account = covered.account AND files.region = covered.region
    AND files.delivered_at >= covered.began_at AND files.delivered_at <= covered.ended_at
  LEFT JOIN (SELECT DISTINCT account, region FROM files WHERE is_named) AS naming
    ON files.account = naming.account AND files.region = naming.region
  LEFT JOIN (
    SELECT account, region, MIN(CAST(ended_at AS DATE)) AS first_day FROM signed GROUP BY account, region
  ) AS earliest ON files.account = earliest.account AND files.region = earliest.region
  WHERE files.is_held OR files.delivered_at IS NULL OR files.delivered_at >= earliest.first_day
)
SELECT
  log_file, account, region, delivered_at,
  SUBSTRING_INDEX(verdict, ': ', 1) AS verdict,
  CASE WHEN verdict LIKE '%: %' THEN SUBSTRING(verdict, LOCATE(': ', verdict) + 2) END AS detail,
  NULLIF(CONCAT_WS(',', ARRAY_SORT(hashes)), '') AS sha256,
  signed_sha256, digest, as_of
FROM (
  SELECT *, CASE
    WHEN NOT is_held AND is_new THEN 'pending: recently delivered, not in the table yet'
    WHEN NOT is_held THEN 'missing: a signed digest names it, and the table does not have it'
    WHEN is_named AND SIZE(hashes) = 0
      THEN 'altered: the run could not read the whole file; the quarantine has the reason'
    WHEN is_named AND NOT ARRAY_CONTAINS(hashes, signed_sha256)
      THEN 'altered: the table has records of a file whose hash differs from the signed one'
    WHEN is_named AND SIZE(hashes) > 1
      THEN 'altered: the table has records of two different files with this name'
    WHEN is_named AND is_late THEN 'late'
    WHEN is_named THEN 'proven'
    WHEN is_new THEN 'pending: the digest is not due yet'
    WHEN NOT is_covered THEN 'unsigned: no signed digest covers the time of its delivery'
    WHEN NOT signs_kind THEN 'unsigned: {KIND_NOT_NAMED}'
    ELSE 'extra: signed digests cover the time of its delivery, but none names it'
  END AS verdict
  FROM judged
)"""


def hours_query(digests: str, verified: str) -> str:
    """Return the query with one row per hour of an account's region, from its first signed digest on."""
    whole_hour = "TIMESTAMP_SECONDS({}(UNIX_TIMESTAMP({}) / 3600) * 3600)"
    return f"""
WITH {_signed(digests, verified)},
hours AS (
  SELECT account, region, as_of, EXPLODE(SEQUENCE(first_hour, last_hour, INTERVAL 1 HOUR)) AS hour
  FROM (
    SELECT
      account, region, as_of,
      {whole_hour.format("CEIL", "began_at")} AS first_hour,
      {whole_hour.format("CEIL", "as_of")} - INTERVAL 1 HOUR AS last_hour
    FROM (
      SELECT
        every.account, every.region, checked.as_of,
        COALESCE(
          MIN(covered.began_at),
          GREATEST(MIN(every.began_at), checked.as_of - INTERVAL {UNSIGNED_DAYS} DAYS)
        ) AS began_at
      FROM (
        SELECT
          {_part("log_file", 2)} AS account, {_part("log_file", 3)} AS region,
          COALESCE(TRY_TO_TIMESTAMP(digestStartTime), timestamp) AS began_at
        FROM {digests}
      ) AS every
      CROSS JOIN checked
      LEFT JOIN covered ON every.account = covered.account AND every.region = covered.region
      GROUP BY every.account, every.region, checked.as_of
    )
  )
  WHERE first_hour <= last_hour
)
SELECT
  hours.account, hours.region, hours.hour,
  CASE
    WHEN covered.began_at IS NOT NULL THEN 'covered'
    WHEN hours.hour + INTERVAL 1 HOUR + {PENDING} > hours.as_of THEN 'pending'
    ELSE 'gap'
  END AS state,
  hours.as_of
FROM hours
LEFT JOIN covered
  ON hours.account = covered.account AND hours.region = covered.region
  AND hours.hour >= covered.began_at AND hours.hour + INTERVAL 1 HOUR <= covered.ended_at"""


def verdicts_query(digests: str, quarantine: str, verified: str) -> str:
    """Return the query with one row per digest: in the table, in the quarantine, or named and missing."""
    place = "CONCAT(previousDigestS3Bucket, '/', previousDigestS3Object)"
    ended = (
        "TRY_TO_TIMESTAMP(REGEXP_EXTRACT(log_file, '_([0-9]{8}T[0-9]{6}Z)(_backfill)?[.]json', 1), "
        + text_literal("yyyyMMdd'T'HHmmssX")
        + ")"
    )
    return f"""
WITH {_signed(digests, verified)},
known AS (
  SELECT DISTINCT
    every.log_file, TRY_TO_TIMESTAMP(digestStartTime) AS started_at,
    COALESCE(judged.verdict, 'pending') AS verdict, judged.problem, SIZE(logFiles) AS log_files
  FROM {digests} AS every
  LEFT JOIN {verified} AS judged
    ON every.log_file = judged.log_file AND every.log_file_sha256 = judged.log_file_sha256
  UNION ALL
  SELECT
    log_file, NULL AS started_at, 'unsigned' AS verdict, CONCAT(reason, ': ', detail) AS problem,
    NULL AS log_files
  FROM {quarantine}
  -- A file that was refused or gone may have been read since.
  WHERE reason <> 'duplicate' AND log_file NOT IN (SELECT log_file FROM {digests})
),
missing AS (
  SELECT CONCAT('s3://', place) AS log_file, MIN(named_by) AS named_by
  FROM (
    SELECT {place} AS place, digest AS named_by FROM signed WHERE previousDigestS3Object IS NOT NULL
  )
  WHERE place NOT IN (SELECT {_PLACE.format("log_file")} FROM known)
  GROUP BY place
),
rows AS (
  SELECT *, FALSE AS is_missing FROM known
  UNION ALL
  SELECT
    log_file, NULL AS started_at, 'missing' AS verdict,
    CONCAT(named_by, ' names it as the previous digest') AS problem, NULL AS log_files, TRUE AS is_missing
  FROM missing
),
named AS (
  SELECT
    *, {_part("log_file", 2)} AS account, {_part("log_file", 3)} AS region,
    REGEXP_EXTRACT(log_file, '_CloudTrail-Digest_[a-z0-9-]+_([A-Za-z0-9._-]+_[a-z0-9-]+)_[0-9]{{8}}T', 1)
      AS trail,
    log_file LIKE '%~_backfill.json.gz' ESCAPE '~' AS is_backfill, {ended} AS ended_at
  FROM rows
)
SELECT
  named.log_file, named.account, named.region, trail, is_backfill, started_at, ended_at, verdict, problem,
  log_files, checked.as_of
FROM named
CROSS JOIN checked
LEFT JOIN (
  SELECT account, region, MIN(ended_at) AS first_end FROM signed GROUP BY account, region
) AS earliest
  ON named.account = earliest.account AND named.region = earliest.region
WHERE NOT is_missing OR ended_at > first_end"""


def _signed(digests: str, verified: str) -> str:
    """Return the common table expressions `checked`, `signed` and `covered`.

    `covered` has the periods that signed digests cover, of any trail, joined where they touch or overlap.
    """
    return f"""checked AS (SELECT MAX(judged_at) AS as_of FROM {verified}),
signed AS (
  SELECT
    every.log_file AS digest, {_part("every.log_file", 2)} AS account, {_part("every.log_file", 3)} AS region,
    every.log_file LIKE '%~_backfill.json.gz' ESCAPE '~' AS is_backfill,
    TRY_TO_TIMESTAMP(digestStartTime) AS began_at, timestamp AS ended_at, logFiles, previousDigestS3Bucket,
    previousDigestS3Object
  FROM {digests} AS every
  LEFT SEMI JOIN (SELECT * FROM {verified} WHERE verdict = 'signed') AS judged
    ON every.log_file = judged.log_file AND every.log_file_sha256 = judged.log_file_sha256
),
covered AS (
  SELECT account, region, MIN(began_at) AS began_at, MAX(ended_at) AS ended_at
  FROM (
    SELECT *, SUM(CASE WHEN began_at <= reached_at THEN 0 ELSE 1 END) OVER (
      PARTITION BY account, region ORDER BY began_at, ended_at ROWS UNBOUNDED PRECEDING
    ) AS period
    FROM (
      SELECT account, region, began_at, ended_at, MAX(ended_at) OVER (
        PARTITION BY account, region ORDER BY began_at, ended_at
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS reached_at
      FROM signed WHERE NOT is_backfill AND began_at IS NOT NULL
    )
  )
  GROUP BY account, region, period
)"""


def _part(column: str, group: int) -> str:
    return f"REGEXP_EXTRACT({column}, {_PARTS.format()}, {group})"


def _pattern(logs: LogsLocation) -> str:
    """Return the pattern of the places of a logs path's files."""
    regions = "[a-z0-9-]+" if logs.regions == (ANY,) else f"({'|'.join(logs.regions)})"
    account = "[0-9]{12}" if logs.account == ANY else logs.account
    fixed = re.sub(r"([.+])", r"[\1]", f"{logs.bucket}/{logs.accounts_prefix}")
    return f"^{fixed}{account}/{logs.folder}/{regions}/{logs.period}"
