"""The recovery message of a DAG without `notify`: its last task sends it after it has succeeded."""

from collections.abc import Mapping

from airflow.sdk import BaseNotifier, Context

from cloudtrail_to_delta.alerts.compose import Scene
from cloudtrail_to_delta.alerts.context import keep_alerts, task_url, teller_of


class RecoveryNotifier(BaseNotifier):
    """Callback that ends every lasting cause of the DAG and scope: its task shows that all tasks succeeded.

    Use it as the `on_success_callback` of the last task of a DAG. It appends its notes to the task's XCom
    `alerts`.

    Args:
        title: the beginning of its messages' titles.
        proof: another task that must have succeeded, for a last task that also succeeds if nothing was done.
            If it did not succeed, only causes of tasks that succeeded in this run end.
    """

    def __init__(self, title: str = Scene.title, *, proof: str = "") -> None:
        super().__init__()
        self.title = title
        self.proof = proof

    def notify(self, context: Context) -> None:
        """Send the recovery message."""
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
