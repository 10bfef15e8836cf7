"""The task of the daily digest: query every table that the ingest has written, and send the result."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.alerts.compose import Message
from cloudtrail_to_delta.alerts.context import params_of, teller_of
from cloudtrail_to_delta.digest.queries import DigestTable, day_query
from cloudtrail_to_delta.digest.text import render_digest
from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.operators.sql import Result, StatementsOperator
from cloudtrail_to_delta.params.declaration import check_params
from cloudtrail_to_delta.params.digest import DIGEST_PARAMS
from cloudtrail_to_delta.params.values import table as check_table
from cloudtrail_to_delta.records.fields import utc_text
from cloudtrail_to_delta.records.notes import ALERTS_KEY
from cloudtrail_to_delta.records.record import read
from cloudtrail_to_delta.records.table_event import TableEvent
from cloudtrail_to_delta.tables.assets import TABLES, known_assets, newest_events

KINDS_ASKED = ("events", "insights")


class DigestOperator(StatementsOperator):
    """Runs one statement on each table with an asset event since the day began. It only reads.

    The day is param `day`, or the day before the run. If there is no such table, the task skips itself.

    Returns:
        the digest as Markdown. The XCom `alerts` has the result for each alert target.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(inlets=[TABLES], **kwargs)

    def gather(self, context: Context) -> dict[str, Any]:
        """Return the day, and the tables that the ingest's asset events name."""
        params = params_of(context)
        check_digest_params(params)
        day = digest_day(params, context["dag_run"].run_after)
        since = datetime.combine(day, time.min, UTC)
        # Only the newest event of each table, which may have many runs.
        newest = [event for asset in known_assets() for event in newest_events(asset, limit=1, after=since)]
        tables = tables_of(newest)
        if not tables:
            raise AirflowSkipException(
                f"The ingest has not written any table since {day} 00:00 UTC, so there is nothing to digest."
            )
        return {
            "day": day.isoformat(),
            "tables": [vars(table) for table in sorted(tables, key=lambda table: table.name)],
        }

    def next_statement(self, facts: dict[str, Any], results: list[Result]) -> str | None:
        """Return one statement for each table, one after another."""
        tables = _tables(facts)
        return day_query(tables[len(results)], _day(facts)) if len(results) < len(tables) else None

    def conclude(self, context: Context, facts: dict[str, Any], results: list[Result]) -> str:
        """Write the digest and send it."""
        tables, day = _tables(facts), _day(facts)
        answers = [
            [row | {"table": table.name} for row in result["rows"]]
            for table, result in zip(tables, results, strict=True)
        ]
        digest = render_digest(day, tables, answers)
        self.log.info("%s", digest)
        teller = teller_of(context)
        title = f"CloudTrail digest of {day}"
        teller.send_unconditionally(
            "digest", Message(title=title, body=digest, level="info", is_markdown=True)
        )
        context["ti"].xcom_push(key=ALERTS_KEY, value=teller.left())
        return digest


def check_digest_params(params: Mapping[str, Any]) -> None:
    """Check the params against the contract of the digest.

    Raises:
        InvalidRequestError: with every violation.
    """
    _, violations = check_params({name: params.get(name) for name in DIGEST_PARAMS}, DIGEST_PARAMS)
    if violations:
        raise InvalidRequestError(violations)


def digest_day(params: Mapping[str, Any], run_after: datetime) -> date:
    """Return the day from the params, or the day before the run."""
    return date.fromisoformat(params["day"]) if params.get("day") else run_after.date() - timedelta(days=1)


def tables_of(events: Iterable[Any]) -> list[DigestTable]:
    """Return the tables of these asset events, each as in its newest event, if the name is valid."""
    found: dict[str, DigestTable] = {}
    for event in sorted(events, key=lambda event: event.timestamp):
        name = event.asset.name
        said = read(TableEvent.from_dict, event.extra or {}, f"an asset event of {name}")
        if said is None or said.kind not in KINDS_ASKED or check_table(name) is not None:
            continue
        before = found[name].newest_event if name in found else ""
        newest = utc_text(said.newest_event) if said.newest_event else before
        found[name] = DigestTable(name=name, kind=said.kind, newest_event=newest)
    return list(found.values())


def _tables(facts: dict[str, Any]) -> list[DigestTable]:
    return [DigestTable(**table) for table in facts["tables"]]


def _day(facts: dict[str, Any]) -> date:
    return date.fromisoformat(facts["day"])
