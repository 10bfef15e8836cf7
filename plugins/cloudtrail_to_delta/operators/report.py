"""The report task: write a summary, and emit an asset event per table that other DAGs can schedule on."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseOperator, Context

from cloudtrail_to_delta.records.fields import utc_text
from cloudtrail_to_delta.records.outcome import Outcome, describe_missing, read_outcomes
from cloudtrail_to_delta.records.preflight import PreflightResult
from cloudtrail_to_delta.records.table_event import TableEvent
from cloudtrail_to_delta.tables.assets import TABLES, table_asset

# The summary lists this many accounts; the XCom of `validate_rows` has all of them.
SHOWN_ACCOUNTS = 50


class ReportOperator(BaseOperator):
    """Summarizes the validated kinds and emits one asset event per table.

    Returns:
        the summary as Markdown.
    """

    template_fields = ("validations", "preflight")

    def __init__(self, *, validations: list[Any], preflight: Any, **kwargs: Any) -> None:
        super().__init__(outlets=[TABLES], **kwargs)
        self.validations = validations
        self.preflight = preflight

    def execute(self, context: Context) -> str:
        """Write the summary and emit the events."""
        validated = read_outcomes(self.validations)
        for outcome in validated:
            # Nothing has happened to the table of an idle run, so nobody who waits for it has to start.
            if not outcome.idle:
                asset = table_asset(outcome.table, outcome.delta_path)
                context["outlet_events"][TABLES].add(asset, extra=TableEvent.of_outcome(outcome).to_dict())
        preflight = PreflightResult.from_dict(self.preflight)
        summary = render_summary(validated, preflight, now=datetime.now(UTC))
        self.log.info("Summary:\n%s", summary)
        return summary


def render_summary(validated: Sequence[Outcome], preflight: PreflightResult, *, now: datetime) -> str:
    """Return the summary as Markdown: a row per kind, then quarantine reasons and skipped kinds."""
    lines = [
        f"CloudTrail ingest, {now:%Y-%m-%d %H:%M} UTC. Preflight: {preflight.summary}",
        "",
        "| table | rows | new rows | new files | quarantined (new) | removed (new) | newest event |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {o.table} | {o.row_count} | {o.run_rows} | {o.run_files} | "
        f"{o.quarantined - o.removed - o.deleted} ({o.run_quarantined}) | {o.removed} ({o.run_removed}) | "
        f"{utc_text(o.newest_event) if o.newest_event else 'nothing new'} |"
        for o in validated
    ]
    lines += [f"- {o.table}: {describe_accounts(o.run_accounts)}" for o in validated if o.run_accounts]
    for outcome in validated:
        if outcome.job_version:
            found = ", ".join(outcome.accelerators) or "no accelerator"
            lines.append(f"- {outcome.table}: written by cloudtrail_jobs {outcome.job_version} with {found}")
        if outcome.missing_accelerators:
            lines.append(f"- **Warning**: {outcome.table}: {describe_missing(outcome.missing_accelerators)}")
        lines += [f"- {outcome.table}: {n} quarantined as `{r}`" for r, n in outcome.reasons.items()]
        lines += [
            f"- {outcome.table}: {one.records} records have {one.field!r} as {one.problem}"
            for one in outcome.schema_drift
        ]
        lines += [f"- {outcome.table}: {remark}" for remark in outcome.remarks]
        if outcome.pending:
            lines.append(
                f"- {outcome.table}: the continuous stream has not finished a micro-batch yet; clear "
                "`validate_rows` later to check what it writes"
            )
        if (more := outcome.odd_fields - len(outcome.schema_drift)) > 0:
            lines.append(f"- {outcome.table}: {more} more fields, see {outcome.table}_schema_drift")
    if not validated:
        lines.append("- nothing was ingested: this was a preflight-only run, or every kind was skipped")
    lines += [f"- {kind} skipped: {why}" for kind, why in preflight.skipped_kinds.items()]
    return "\n".join(lines)


def describe_accounts(accounts: Sequence[str]) -> str:
    """Return the accounts whose log files a run read, so that a missing account is noticed."""
    shown = ", ".join(accounts[:SHOWN_ACCOUNTS])
    more = len(accounts) - SHOWN_ACCOUNTS
    return f"new log files of {len(accounts)} account(s): {shown}" + (f" and {more} more" if more > 0 else "")
