"""The end of alerts in a DAG without `notify`: told by its last task, when that has succeeded."""

from collections.abc import Mapping

from airflow.sdk import BaseNotifier, Context

from cloudtrail_to_delta.alerts.compose import Scene
from cloudtrail_to_delta.alerts.context import keep_alerts, task_url, teller_of


class RecoveryNotifier(BaseNotifier):
    """Ends every lasting cause of the DAG and scope, since its task shows that all went through.

    It is for the last task of a DAG, as its `on_success_callback`. What it did is added to the task's XCom
    `alerts`.

    Args:
        title: how its messages begin.
        proof: a task that has to have succeeded as well, where the last one also does when nothing was done.
            Without that, only causes of tasks that succeeded in this run are over.
    """

    def __init__(self, title: str = Scene.title, *, proof: str = "") -> None:
        super().__init__()
        self.title = title
        self.proof = proof

    def notify(self, context: Context) -> None:
        """Tell what is over."""
        ti = context["ti"]
        states: Mapping[str, str] = {}
        if self.proof:
            states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
        went_through = not self.proof or states.get(self.proof) == "success"
        teller = teller_of(context, title=self.title)
        teller.tell_recovered(
            lambda record: "ok again" if went_through or states.get(record.subject) == "success" else "",
            task_url=task_url(context),
        )
        if teller.done:
            keep_alerts(context, teller)
