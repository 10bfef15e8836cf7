"""The tasks of the upkeep: plan, hold, delete, verify. The set-up's operator asks for the approval."""

import hashlib
import json
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.alerts.context import params_of
from cloudtrail_to_delta.errors import FatalError, IncompleteError, InvalidRequestError
from cloudtrail_to_delta.operators.setup import require_approval
from cloudtrail_to_delta.operators.sql import Result, StatementsOperator, first_row, replay
from cloudtrail_to_delta.operators.stage import StageWheelOperator
from cloudtrail_to_delta.operators.submit import SubmitIngestOperator
from cloudtrail_to_delta.operators.tables import is_unknown, properties_statement
from cloudtrail_to_delta.params.declaration import check_choices, check_params
from cloudtrail_to_delta.params.request import DIGESTS, IngestRequest, resolve_requests
from cloudtrail_to_delta.params.upkeep import CHOICES, DELETIONS, HOLDS, OWN
from cloudtrail_to_delta.records.setup import MARKDOWN_KEY, Approval, Planned
from cloudtrail_to_delta.runs.payload import delete_payload
from cloudtrail_to_delta.tables.deletion import (
    HOLD,
    NOTHING,
    balance_query,
    count_query,
    records_condition,
    texts_condition,
)
from cloudtrail_to_delta.tables.sql import quote_name, text_literal

# Source: Databricks REST, Jobs API 2.2, `python_wheel_task.named_parameters`: 10,000 bytes as JSON. The rest
# is for the other parameters and for quotation marks.
MOST_BYTES = 8_000


def resolve(params: Mapping[str, Any]) -> tuple[dict[str, IngestRequest], dict[str, Any]]:
    """Return the request of each kind, and the params of the upkeep.

    Raises:
        InvalidRequestError: with every violation of the contracts.
    """
    own, violations = check_params({name: params.get(name) for name in OWN}, OWN)
    violations += check_choices(own, CHOICES)
    try:
        shared = {name: value for name, value in params.items() if name not in OWN}
        # Without a simulation, the contract asks for no reader role: an upkeep simulates nothing.
        requests = resolve_requests(shared | {"iam_simulation": "off"})
    except InvalidRequestError as error:
        raise InvalidRequestError([*violations, *error.violations]) from error
    if violations:
        raise InvalidRequestError(violations)
    return requests, own


class PlanUpkeepOperator(StatementsOperator):
    """Counts what would be deleted from each table, and shows it. It only reads.

    It fails if a legal hold protects one of the tables from the deletion.

    Returns:
        `records.setup.Planned`, as a dict. Its plan is the job's order without the approval.
    """

    def gather(self, context: Context) -> dict[str, Any]:
        """Return the requests and the conditions."""
        requests, own = resolve(params_of(context))
        today, tables = datetime.now(UTC).date(), []
        for request in requests.values():
            asked = own["action"] in DELETIONS
            tables.append(
                {
                    "kind": request.kind,
                    "table": request.table,
                    "quarantine": request.quarantine_table,
                    "path": request.delta_path,
                    "records": records_condition(request.kind, own, today) if asked else NOTHING,
                    "texts": texts_condition(request.kind, own, today) if asked else NOTHING,
                }
            )
        return {"own": own, "tables": tables, "asked": asked_by(context, own)}

    # A kind whose table does not exist yet is left out; every other error fails the task.
    tolerates_errors = True

    def next_statement(self, facts: dict[str, Any], results: list[Result]) -> str | None:
        """Return the first statement that has no result yet."""
        return replay(self._questions(facts), results)[0]

    def conclude(self, context: Context, facts: dict[str, Any], results: list[Result]) -> dict[str, Any]:
        """Make the plan, print it, and push its short form as Markdown."""
        action, tables = facts["own"]["action"], replay(self._questions(facts), results)[1]
        if not tables:
            names = ", ".join(one["table"] for one in facts["tables"])
            raise FatalError(f"None of these tables exists: {names}. Run an ingest with these params first.")
        held = {one["table"]: one["hold"] for one in tables if one["hold"]}
        if held and action in DELETIONS:
            shown = "; ".join(f"{table}: {hold}" for table, hold in held.items())
            raise FatalError(
                f"A legal hold forbids to {action} records. Nothing was deleted. {shown}. Release the hold "
                "first (action=release), if the person who set it agrees."
            )
        plan = {"action": action, "trace": facts["asked"], "tables": tables}
        if len(json.dumps(order_of(context, plan, by="x" * 250)).encode()) > MOST_BYTES:
            raise FatalError(
                "The plan is too long for the arguments of a Databricks job (10,000 bytes). Nothing was "
                "deleted. Give fewer or shorter identities, or one kind (kinds) at a time."
            )
        lines = [describe(action, one) for one in tables]
        text = "\n".join([f"{action}: {facts['own']['why']}", *lines])
        self.log.info("Plan:\n%s\n%s", text, json.dumps(plan, indent=2))
        url = str(getattr(context["ti"], "log_url", None) or "")
        shown_lines = "\n".join(f"- {line}" for line in lines)
        context["ti"].xcom_push(
            key=MARKDOWN_KEY,
            value=f"**{action}**: {facts['own']['why']}\n\n{shown_lines}\n\n[The whole plan]({url})",
        )
        return Planned(
            plan=plan,
            digest=hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest(),
            summary=f"{action}: {'; '.join(lines)}"[:500],
            writes=sum(any(one.get("counts", {"of a hold": 1}).values()) for one in tables),
        ).to_dict()

    def _questions(self, facts: Mapping[str, Any]) -> Generator[str, Result, list[dict[str, Any]]]:
        """Yield the statements, each of which receives its result; return the tables of the plan."""
        tables = []
        for one in facts["tables"]:
            answer = yield properties_statement(one["quarantine"])
            if is_unknown(answer):
                continue
            rows = self._succeeded(answer)["rows"]
            found = one | {"hold": next((row["value"] for row in rows if row["key"] == HOLD), "")}
            if facts["own"]["action"] in DELETIONS:
                conditions = {name: one[name] for name in ("records", "texts")}
                counts = yield count_query(one["table"], one["quarantine"], **conditions)
                balance = yield balance_query(one["kind"], one["table"], one["quarantine"])
                found |= counted(
                    conditions, first_row(self._succeeded(counts)), first_row(self._succeeded(balance))
                )
            tables.append(found)
        return tables


class HoldOperator(StatementsOperator):
    """Sets a legal hold, or releases it. Skips itself for another action.

    The hold is a property of each quarantine, so it lasts as long as the tables. It says who set it, when and
    why.

    Returns:
        one line.
    """

    template_fields = (*StatementsOperator.template_fields, "planned", "approval")

    def __init__(self, *, planned: Any, approval: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.planned = planned
        self.approval = approval

    def gather(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - StatementsOperator's signature
        """Return the statements, once the plan is approved."""
        planned, approval = Planned.from_dict(self.planned), Approval.from_dict(self.approval)
        require_approval(planned, approval)
        plan = planned.plan
        if plan["action"] not in HOLDS:
            raise AirflowSkipException(f"the action is {plan['action']!r}")
        text = json.dumps(plan["trace"] | {"approved_by": approval.by})
        statements = [
            f"ALTER TABLE {quote_name(one['quarantine'])} SET TBLPROPERTIES "
            f"({text_literal(HOLD)} = {text_literal(text)})"
            if plan["action"] == "hold"
            else f"ALTER TABLE {quote_name(one['quarantine'])} UNSET TBLPROPERTIES IF EXISTS "
            f"({text_literal(HOLD)})"
            for one in plan["tables"]
        ]
        return {"statements": statements, "action": plan["action"]}

    def next_statement(self, facts: dict[str, Any], results: list[Result]) -> str | None:
        """Return the statement for the next table."""
        return next(iter(facts["statements"][len(results) :]), None)

    def conclude(self, context: Context, facts: dict[str, Any], results: list[Result]) -> str:  # noqa: ARG002 - StatementsOperator's signature
        """Say what was done."""
        return f"{facts['action']}: {len(results)} table(s)"


class StageDeletionOperator(StageWheelOperator):
    """Uploads the job wheel, unless the plan was not approved or needs no job."""

    template_fields = (*StageWheelOperator.template_fields, "planned", "approval")

    def __init__(self, *, planned: Any, approval: Any, **kwargs: Any) -> None:
        super().__init__(requests={}, **kwargs)
        self.planned = planned
        self.approval = approval

    def execute(self, context: Context) -> str:
        """Upload the wheel once and return its path."""
        require_deletion(self.planned, self.approval)
        return super().execute(context)


class SubmitDeletionOperator(SubmitIngestOperator):
    """Submits the job that deletes, or that locks and unlocks the tables; returns its run id.

    The run has the name of an ingest run of the same checkpoints, so Databricks never has it and an ingest of
    these tables at the same time: the one that comes later fails and is retried. Skips itself for a plan that
    was not approved, and for a hold.
    """

    template_fields = (*SubmitIngestOperator.template_fields, "planned", "approval")

    def __init__(self, *, planned: Any, approval: Any, wheel: Any, **kwargs: Any) -> None:
        super().__init__(kind="", requests={}, preflight={}, wheel=wheel, **kwargs)
        self.planned = planned
        self.approval = approval

    def execute(self, context: Context) -> int:
        """Submit the run, or find the run that an earlier try submitted; return its id."""
        require_deletion(self.planned, self.approval)
        return super().execute(context)

    def reason_to_skip(self, requests: Mapping[str, Any], preflight: Any) -> str:  # noqa: ARG002 - the plan decides
        """Return nothing: `execute` has skipped the task."""
        return ""

    def _requests_of_run(self, *, shared: bool) -> list[IngestRequest]:  # noqa: ARG002 - one run for all
        return list(self.requests.values())

    def _submit(self, context: Context, settled: int | None = None) -> int:
        self.requests, _ = resolve(params_of(context))
        return super()._submit(context, settled)

    def _payload(self, context: Context, requests: Sequence[IngestRequest], name: str) -> dict[str, Any]:  # noqa: ARG002 - the plan has the tables
        plan, approval = Planned.from_dict(self.planned).plan, Approval.from_dict(self.approval)
        return delete_payload(
            context["params"],
            order=json.dumps(order_of(context, plan, by=approval.by)),
            wheel=self.wheel,
            name=name,
            volumes=self._volumes(context["params"]),
        )


class VerifyDeletionOperator(StatementsOperator):
    """Counts again after a deletion: nothing is left to delete, and every log file still balances.

    Log files that did not balance before the deletion are not its fault, so their number may stay.

    Returns:
        the report, as text.
    """

    template_fields = (*StatementsOperator.template_fields, "planned", "approval")

    def __init__(self, *, planned: Any, approval: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.planned = planned
        self.approval = approval

    def gather(self, context: Context) -> dict[str, Any]:
        """Return the plan; skip the task if nothing was to be deleted."""
        plan = require_deletion(self.planned, self.approval)
        if plan["action"] not in DELETIONS:
            raise AirflowSkipException(f"the action is {plan['action']!r}: there is nothing to count.")
        return {"plan": plan, "deletion": deletion_id(context), "by": Approval.from_dict(self.approval).by}

    def next_statement(self, facts: dict[str, Any], results: list[Result]) -> str | None:
        """Return the next of the two questions about the next table."""
        number, question = divmod(len(results), 2)
        if number == len(facts["plan"]["tables"]):
            return None
        one = facts["plan"]["tables"][number]
        if question:
            return balance_query(one["kind"], one["table"], one["quarantine"])
        return count_query(one["table"], one["quarantine"], records=one["records"], texts=one["texts"])

    def conclude(self, context: Context, facts: dict[str, Any], results: list[Result]) -> str:  # noqa: ARG002 - StatementsOperator's signature
        """Compare with the plan; raise IncompleteError with every difference."""
        plan, lines, problems = facts["plan"], [], []
        for number, one in enumerate(plan["tables"]):
            left, balance = (first_row(result) for result in results[2 * number : 2 * number + 2])
            if _count(left, "records") or _count(left, "texts"):
                problems.append(
                    f"{one['table']} still has {left['records']} records and {left['texts']} texts of the "
                    "plan"
                )
            if _count(balance, "unbalanced") > one["unbalanced"]:
                problems.append(
                    f"{balance['unbalanced']} of {balance['files']} log files of {one['table']} do not "
                    f"balance, {one['unbalanced']} before the deletion: {balance['names']}"
                )
            lines.append(f"{describe(plan['action'], one)}. {balance['deleted']} in all were deleted so far.")
        if problems:
            raise IncompleteError(
                "The deletion left something else than it should:\n  - " + "\n  - ".join(problems),
                summary="; ".join(problems),
            )
        report = "\n".join(
            [
                f"Deletion {facts['deletion']}, asked for by {plan['trace']['by']}, approved by "
                f"{facts['by']}: {plan['trace']['why']}",
                *lines,
                "The data files stay in the bucket for older versions of the tables, 7 days by default. A "
                "run after that removes them, also one that has nothing else to delete.",
            ]
        )
        self.log.info("%s", report)
        return report


def counted(
    conditions: Mapping[str, str], counts: Mapping[str, Any], balance: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a deletion does to a table: the conditions that match something, and the counts."""
    numbers = {name: int(counts[name]) for name in ("records", "files", "texts")}
    return {
        **{name: text if numbers[name] else NOTHING for name, text in conditions.items()},
        "counts": numbers,
        "days": [counts["first_day"], counts["last_day"]],
        "unbalanced": int(balance["unbalanced"]),
    }


def describe(action: str, one: Mapping[str, Any]) -> str:
    """Return a line about a table of the plan."""
    if "counts" not in one:
        return f"{action} {one['table']}"
    if one["kind"] == DIGESTS:
        return f"keep {one['table']}: digests prove the log files of the other tables"
    counts = one["counts"]
    days = f" of {one['days'][0]} to {one['days'][1]}" if counts["records"] else ""
    return (
        f"{action} {counts['records']} records{days} in {counts['files']} log files of {one['table']}, and "
        f"{counts['texts']} texts of its quarantine"
    )


def asked_by(context: Context, own: Mapping[str, Any]) -> dict[str, str]:
    """Return who asked for it, why and when, the same in each try."""
    dag_run = context["dag_run"]
    by = getattr(dag_run, "triggering_user_name", None) or "nobody: a schedule, the API or another DAG"
    return {"by": by, "why": own["why"], "at": dag_run.run_after.isoformat()}


def deletion_id(context: Context) -> str:
    """Return what identifies the DAG run's deletion, the same in each try."""
    dag_run = context["dag_run"]
    return hashlib.sha256(f"{dag_run.dag_id}\n{dag_run.run_id}".encode()).hexdigest()[:16]


def order_of(context: Context, plan: Mapping[str, Any], *, by: str) -> dict[str, Any]:
    """Return the job's order for a plan that `by` has approved. Source: `cloudtrail_jobs.deletion`."""
    return {
        "deletion": deletion_id(context),
        "action": plan["action"],
        "trace": plan["trace"] | {"approved_by": by},
        "tables": [{name: one[name] for name in ("path", "records", "texts")} for one in plan["tables"]],
    }


def require_deletion(planned: Any, approval: Any) -> Mapping[str, Any]:
    """Return the approved plan of a job's run.

    Raises:
        AirflowSkipException: if it was rejected, or needs no run.
        NotApprovedError: if the decision is about another plan.
    """
    found = Planned.from_dict(planned)
    require_approval(found, Approval.from_dict(approval))
    if found.plan["action"] in HOLDS:
        raise AirflowSkipException(f"the action is {found.plan['action']!r}")
    return found.plan


def _count(row: Mapping[str, Any], name: str) -> int:
    return int(row[name] or 0)
