"""The alert about a failed task. The task itself sends it at once, after its last try."""

from airflow.sdk import BaseNotifier, Context

from cloudtrail_to_delta.alerts.compose import Scene
from cloudtrail_to_delta.alerts.context import keep_alerts, run_page, task_url, teller_of
from cloudtrail_to_delta.alerts.dispatch import Teller
from cloudtrail_to_delta.alerts.run import finding_events
from cloudtrail_to_delta.errors import IncompleteError, PreflightError
from cloudtrail_to_delta.guidance import guidance_for
from cloudtrail_to_delta.records.alert_events import Event
from cloudtrail_to_delta.records.findings import FINDINGS_KEY, Findings
from cloudtrail_to_delta.records.record import read


class FailureNotifier(BaseNotifier):
    """Callback that alerts the targets in the params to a failed task, unless they already know the cause.

    The task's XCom `alerts` has the result. An unreachable target is an error in the task's log and in that
    XCom. It does not change the state of the task.
    """

    title = Scene.title

    def notify(self, context: Context) -> None:
        """Find the cause and send the alert."""
        teller = self.teller(context)
        teller.tell([self.explained(event) for event in failure_events(context)])
        try:
            keep_alerts(context, teller)
        except Exception as error:  # noqa: BLE001 - a DAG processor that reports a lost worker has no XComs
            self.log.warning("Only this log says what was sent: %s", error)

    def teller(self, context: Context) -> Teller:
        """Return the sender of the alert."""
        return teller_of(context, title=self.title)

    def explained(self, event: Event) -> Event:
        """Return the event with the remedy, meaning and page of this DAG. `page` is in docs/operations."""
        return event


def failure_events(context: Context) -> list[Event]:
    """Return one event for the failed task. For a preflight with failed findings, return one for each."""
    ti, error = context["ti"], context.get("exception")
    if isinstance(error, PreflightError):
        left = ti.xcom_pull(task_ids=ti.task_id, key=FINDINGS_KEY) or []
        findings = read(Findings.from_list, left, f"the findings of {ti.task_id}") or Findings()
        events = finding_events(findings.found, task_url=task_url(context))
        if failed := [event for event in events if event.name == "preflight_failed"]:
            return failed
    if isinstance(error, IncompleteError):
        return [
            Event(
                name="unbalanced",
                subject=ti.task_id,
                what=error.summary,
                task_url=task_url(context),
                run_url=run_page(context, ti.task_id),
            )
        ]
    return [
        Event(
            name="task_failed",
            subject=ti.task_id,
            what=str(error or "Airflow gave no reason. Open the task's log."),
            remedy=guidance_for(ti.task_id),
            page=ti.task_id.rpartition(".")[2],
            task_url=task_url(context),
            run_url=run_page(context, ti.task_id),
        )
    ]
