"""The views of a table: log files, schema drift, insights as episodes, events in plain columns.

A view's name is the table's name with a suffix. A view stores a digest of its definition, so that an upgrade
replaces only views that this pipeline created. Source: docs/adr/0013-completeness.md.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from cloudtrail_to_delta.params.request import DIGESTS, IngestRequest
from cloudtrail_to_delta.tables.flat import (
    ACCOUNTS,
    accounts_query,
    flat_columns,
    flat_query,
    unique_query,
    variant_columns,
    variant_query,
)
from cloudtrail_to_delta.tables.ocsf import CLASSES, VERSION, ocsf_columns, ocsf_query
from cloudtrail_to_delta.tables.proof import hours_query, proof_query, verdicts_query
from cloudtrail_to_delta.tables.queries import EXAMPLE_CHARACTERS, drift_query, episodes_query, files_query
from cloudtrail_to_delta.tables.sql import quote_name, text_literal

# The table property that marks a view as ours and holds the digest of its definition.
MARK = "cloudtrail.definition"


@dataclass(frozen=True, kw_only=True)
class View:
    """A view: its name, its columns with their meaning, and its query."""

    name: str
    comment: str
    columns: Mapping[str, str]
    query: str

    @property
    def digest(self) -> str:
        """A hash that differs for different definitions."""
        text = repr((self.comment, self.columns, self.query))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def statement(self) -> str:
        """The statement that creates the view or replaces its definition."""
        columns = ", ".join(
            f"{quote_name(name)} COMMENT {text_literal(comment)}" for name, comment in self.columns.items()
        )
        return (
            f"CREATE OR REPLACE VIEW {quote_name(self.name)} ({columns}) "
            f"COMMENT {text_literal(self.comment)} TBLPROPERTIES ('{MARK}' = '{self.digest}') AS {self.query}"
        )


FILES = {
    "log_file": "The log file",
    "account": "The account in its path",
    "region": "The region in its path",
    "delivery_day": "The day in its path, as text like 2026-01-31, UTC",
    "delivered_at": "When it was last written to S3",
    "ingested_at": "When it was last read",
    "lag_seconds": "Time from its delivery until it was first read, in seconds",
    "log_file_sha256": "SHA-256 of the uncompressed file, as in CloudTrail's digests",
    "records": "How many records it contains",
    "kept": "Its rows in the table",
    "quarantined": "Its records in the quarantine, except duplicates and deleted ones",
    "removed": "Its records that were removed as duplicates",
    "deleted": "Its records that were deleted on purpose: expired or erased",
    "whole_file_reason": "Why the whole file is in the quarantine; null if it is not",
    "foreign_records": "Rows with another account than the one in the path",
    "loads": "How often it was read; more than once only if its checkpoint was lost",
    "balanced": "records = kept + quarantined + removed + deleted for each load, and no record is in the "
    "table twice",
}
DRIFT = {
    "field": "The field's path in the record, without array positions; * for a whole record",
    "problem": "unknown_field: no column has it; misfit: its value does not fit its column and is null there",
    "first_seen": "When a record with it was first ingested",
    "last_seen": "When a record with it was last ingested",
    "records": "How many records have it",
    "log_file": "The log file of the first of these records",
    "record_index": "The position of that record in the log file",
    "example": f"{EXAMPLE_CHARACTERS} characters of that record's text, starting at the field",
}
EPISODES = {
    "shared_event_id": "The insight's id, in its Start and its End record",
    "account": "The account",
    "region": "The region",
    "insight_type": "ApiCallRateInsight or ApiErrorRateInsight",
    "event_source": "The service that was called",
    "event_name": "The API call",
    "error_code": "The error, for an error rate insight",
    "started_at": "When the unusual activity began; null while only its End has been delivered",
    "ended_at": "When it ended; null while it continues",
    "open": "Whether no End has been delivered yet",
    "duration_minutes": "Time from its start to its end, in minutes; null while it continues",
    "baseline": "Calls or errors per minute before the insight",
    "peak": "The highest average of calls or errors per minute in the insight's records",
    "records": "How many records of the insight were delivered",
}


PROOF = {
    "log_file": "The log file",
    "account": "The account in its path",
    "region": "The region in its path",
    "delivered_at": "When CloudTrail delivered it, to the minute, from its name",
    "verdict": "proven, late, altered, missing, extra, unsigned or pending",
    "detail": "Why it is neither proven nor late",
    "sha256": "SHA-256 of the file that was ingested; several if it was replaced and read again",
    "signed_sha256": "SHA-256 that CloudTrail signed",
    "digest": "The signed digest that names it",
    "as_of": "When the digests were last verified: all states are those of that time",
}
HOURS = {
    "account": "The account",
    "region": "The region",
    "hour": "The start of the hour, UTC",
    "state": "covered: signed digests contain all of it; pending: its digest is not due yet; else gap",
    "as_of": "When the digests were last verified: all states are those of that time",
}
VERDICTS = {
    "log_file": "The digest",
    "account": "The account in its path",
    "region": "The region in its path",
    "trail": "The trail and its home region",
    "is_backfill": "Whether it names log files that were left out of their hour's own digest",
    "started_at": "When its period began",
    "ended_at": "When its period ended",
    "verdict": "signed, unsigned, pending, or missing: the next digest names it, and the table lacks it",
    "problem": "Why it is not signed",
    "log_files": "How many log files it names",
    "as_of": "When the digests were last verified",
}


def proof_view(request: IngestRequest, digests: IngestRequest) -> View:
    """Return the view that compares a kind's log files with those that signed digests name."""
    return View(
        name=request.views["proof"],
        comment="One row per CloudTrail log file that is in the table or in a signed digest",
        columns=PROOF,
        query=proof_query(
            request.logs,
            quote_name(request.table),
            quote_name(request.quarantine_table),
            quote_name(digests.table),
            quote_name(digests.verified_table),
        ),
    )


def views_of(request: IngestRequest, names: Mapping[str, Mapping[str, str]]) -> list[View]:
    """Return the views of one kind's table, except `proof_view`, in an order in which they can be created.

    Args:
        request: the ingest of the kind.
        names: account → alias, owner and environment, as far as they are known.
    """
    table, quarantine = quote_name(request.table), quote_name(request.quarantine_table)
    made = {
        "files": View(
            name=request.views["files"],
            comment="One row per ingested CloudTrail log file, with the counts of its records",
            columns=FILES,
            query=f"SELECT {', '.join(FILES)} FROM ({files_query(request.kind, table, quarantine)})",
        ),
        "schema_drift": View(
            name=request.views["schema_drift"],
            comment="Fields without a column, and values that do not fit their column; raw has all of them",
            columns=DRIFT,
            query=drift_query(table),
        ),
    }
    if "episodes" in request.views:
        made["episodes"] = View(
            name=request.views["episodes"],
            comment="One row per insight, from its Start and its End record",
            columns=EPISODES,
            query=episodes_query(table),
        )
    if "flat" in request.views:
        accounts = quote_name(request.views["accounts"])
        made["accounts"] = View(
            name=request.views["accounts"],
            comment="The accounts that have a name, by accounts.yaml or the form",
            columns=ACCOUNTS,
            query=accounts_query(names),
        )
        made["flat"] = View(
            name=request.views["flat"],
            comment="Who did what, from where and on what, in plain columns; then the table's columns",
            columns=flat_columns(request.kind, repeats=True),
            query=flat_query(request.kind, table, accounts),
        )
        made["unique"] = View(
            name=request.views["unique"],
            comment="The same columns, and each event once, however often CloudTrail delivered it",
            columns=flat_columns(request.kind, repeats=False),
            query=unique_query(request.kind, table, accounts),
        )
    for name, one in CLASSES.items():
        if f"ocsf_{name}" in request.views:
            made[f"ocsf_{name}"] = View(
                name=request.views[f"ocsf_{name}"],
                comment=f"The events of OCSF's class {one.caption} ({one.uid}), schema {VERSION}",
                columns=ocsf_columns(name),
                query=ocsf_query(name, quote_name(request.views["flat"])),
            )
    if "variant" in request.views:
        made["variant"] = View(
            name=request.views["variant"],
            comment="The table's columns, and the whole record as a VARIANT",
            columns=variant_columns(request.kind),
            query=variant_query(request.kind, table),
        )
    if request.kind == DIGESTS:
        verified = quote_name(request.verified_table)
        made["verdicts"] = View(
            name=request.views["verdicts"],
            comment="One row per CloudTrail digest: whether CloudTrail signed it, or why it proves nothing",
            columns=VERDICTS,
            query=verdicts_query(table, quarantine, verified),
        )
        made["hours"] = View(
            name=request.views["hours"],
            comment="One row per hour of an account's region: whether signed digests cover it",
            columns=HOURS,
            query=hours_query(table, verified),
        )
    return list(made.values())
