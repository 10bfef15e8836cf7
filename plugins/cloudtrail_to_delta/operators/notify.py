"""The teardown of a run: send alerts and recovery messages for what the run found, and send its metrics."""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseOperator, Context

from cloudtrail_to_delta.alerts.context import params_of, run_page, task_url, teller_of
from cloudtrail_to_delta.alerts.ending import Evidence, ending
from cloudtrail_to_delta.alerts.run import finding_events, outcome_events
from cloudtrail_to_delta.alerts.targets import targets_of
from cloudtrail_to_delta.records.alert_events import Event
from cloudtrail_to_delta.records.findings import FINDINGS_KEY, Findings
from cloudtrail_to_delta.records.notes import ALERTS_KEY, TARGETS_KEY
from cloudtrail_to_delta.records.outcome import Outcome, read_outcomes
from cloudtrail_to_delta.records.record import read
from cloudtrail_to_delta.runs.metrics import send_dag_metrics, send_metrics


class NotifyOperator(BaseOperator):
    """Sends alerts about what a run found: insights, quarantine, schema drift, silence, warnings, recoveries.

    It is a teardown: it runs when all other tasks have ended, whatever their state, and its state does not
    count for the DAG run. It sends no alert about a failed task: `FailureNotifier` does that. After a
    `test_alert` it does nothing, because such a run finds nothing.

    Returns:
        one line for each alert and target, with its status; the XCom `alerts` has the details. The XCom
        `alert_targets` has the targets' names, even if the run had no alert to send.
    """

    template_fields = ("validations",)

    def __init__(self, *, validations: list[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validations = validations

    def execute(self, context: Context) -> list[str]:
        """Send alerts, then recovery messages, then metrics, so that metrics cannot prevent the messages."""
        ti, params = context["ti"], params_of(context)
        ti.xcom_push(key=TARGETS_KEY, value=targets_of(params))
        if params.get("test_alert"):
            return []
        left = [read(Outcome.from_dict, one, "what a validation left") for one in self.validations if one]
        outcomes = [outcome for outcome in left if outcome]
        events = self._events(context, outcomes)
        teller = teller_of(context)
        teller.tell(events)
        run = Evidence(
            task_id=ti.task_id,
            states=ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {}),
            outcomes=outcomes,
            raised=frozenset(event.name for event in events),
            started=context["dag_run"].start_date or teller.now,
            params=params,
            now=teller.now,
        )
        teller.tell_recovered(
            lambda record: ending(record, run), failed=run.failed, task_url=task_url(context)
        )
        ti.xcom_push(key=ALERTS_KEY, value=teller.left())
        send_dag_metrics(run.failed, params, dag_id=ti.dag_id)
        send_metrics(outcomes, params, dag_id=ti.dag_id)
        # Raises for an outcome that cannot be read, after the messages of the others were sent.
        read_outcomes(self.validations)
        return [f"{note.event} {note.subject} {note.status} {note.target}" for note in teller.done]

    def _events(self, context: Context, outcomes: list[Outcome]) -> list[Event]:
        left = context["ti"].xcom_pull(task_ids="preflight", key=FINDINGS_KEY) or []
        findings = read(Findings.from_list, left, "the findings of preflight") or Findings()
        events = [event for event in finding_events(findings.found) if event.name == "preflight_warning"]
        for outcome in outcomes:
            events += outcome_events(
                outcome,
                params_of(context),
                now=datetime.now(UTC),
                task_url=task_url(context),
                run_url=run_page(context, f"{outcome.kind}.validate_rows"),
            )
        return events
