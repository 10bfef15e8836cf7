"""The end of alerts in a DAG without `notify`: told by its last task, when that has succeeded."""

from airflow.sdk import BaseNotifier, Context

from cloudtrail.alerts.compose import Scene
from cloudtrail.alerts.context import keep_alerts, task_url, teller_of


class RecoveryNotifier(BaseNotifier):
    """Ends every lasting cause of the DAG and scope, since its task shows that all went through.

    It is for the last task of a DAG, as its `on_success_callback`. What it did is added to the task's XCom
    `alerts`. `title` is how its messages begin.
    """

    def __init__(self, title: str = Scene.title) -> None:
        super().__init__()
        self.title = title

    def notify(self, context: Context) -> None:
        """Tell what is over."""
        teller = teller_of(context, title=self.title)
        teller.tell_recovered(lambda _: "ok again", task_url=task_url(context))
        if teller.done:
            keep_alerts(context, teller)
