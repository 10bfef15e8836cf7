"""AWS clients of an account, by its Airflow connection, also by a role that the connection assumes there."""

from collections.abc import Callable
from typing import Any

from cloudtrail.errors import FatalError
from cloudtrail.values import partitions_by_region


class WrongAccountError(FatalError):
    """A connection leads to another account than the one it is given for."""


def connect(
    aws_conn_id: str,
    service: str,
    region: str,
    *,
    account: str,
    assume_role: str,
    note: Callable[[str], None],
) -> Any:
    """A client of `service`; it asks again when the service has been asked too often.

    Args:
        aws_conn_id: the Airflow connection.
        service: botocore's name of it.
        region: where.
        account: whose; `assume_role` is a role of that account.
        assume_role: the role that the connection assumes first; empty for none.
        note: hears of every call, as `service:Operation`.

    Raises:
        WrongAccountError: when the connection is of another account.
    """
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    from botocore.config import Config

    hook = AwsBaseHook(aws_conn_id, client_type=service, region_name=region)
    connection = hook.conn_config
    if assume_role:
        partition = partitions_by_region()[region]
        connection.role_arn = f"arn:{partition}:iam::{account}:role/{assume_role}"
        connection.assume_role_method = "assume_role"
    # What the connection says of retries comes first.
    patient = Config(retries={"mode": "standard", "total_max_attempts": 8})
    client: Any = hook.get_client_type(config=patient.merge(connection.botocore_config or Config()))
    client.meta.events.register(
        "before-call.*.*", lambda model, **_: note(f"{model.service_model.service_name}:{model.name}")
    )
    return client


def require_account(sts: Any, account: str, *, connection: str) -> None:
    """Make sure of whose account a connection's client is.

    Raises:
        WrongAccountError: when it is another one's.
    """
    found = sts.get_caller_identity()["Account"]
    if found != account:
        raise WrongAccountError(
            f"accounts: AWS connection {connection!r} is of account {found}, not {account}: correct "
            "`accounts`, or give `assume_role` a role that the connection may assume in that account."
        )
