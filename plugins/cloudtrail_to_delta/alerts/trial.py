"""The param `test_alert`: sends one message to every target, and does nothing else."""

from typing import NoReturn

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.alerts.compose import compose_test
from cloudtrail_to_delta.alerts.context import task_url, teller_of
from cloudtrail_to_delta.errors import FatalError
from cloudtrail_to_delta.records.notes import ALERTS_KEY


def send_test_alert(context: Context) -> NoReturn:
    """Send the test alert, note the result in the XCom `alerts`, and skip the rest of the DAG.

    Raises:
        AirflowSkipException: every target accepted it.
        FatalError: a target rejected it. The error names each such target and its answer.
    """
    teller = teller_of(context)
    deliveries = teller.send_unconditionally("test", compose_test(teller.scene, task_url=task_url(context)))
    context["ti"].xcom_push(key=ALERTS_KEY, value=teller.left())
    if lost := [delivery for delivery in deliveries if not delivery.ok]:
        lines = "\n".join(f"  - {delivery.target}: {delivery.error}" for delivery in lost)
        raise FatalError(
            f"{len(lost)} of {len(deliveries)} alert targets rejected the test alert:\n{lines}\n"
            "Correct the connection or the topic, then trigger the DAG again with test_alert."
        )
    targets = ", ".join(delivery.target for delivery in deliveries)
    raise AirflowSkipException(f"test_alert: sent a test alert to {targets}. The run does nothing else.")
