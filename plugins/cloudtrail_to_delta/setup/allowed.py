"""What an operator allows a set-up: lists in Airflow Variables, which no param can extend.

Anyone who may trigger `cloudtrail_setup` acts with the permissions of its connections. The lists say whose
roles it may change, which connections its params may name, and who may approve its plan. Each list holds its
items separated by commas or spaces. A Variable may also come from the environment: `AIRFLOW_VAR_` and its
name in capitals.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from cloudtrail_to_delta.errors import FatalError, InvalidRequestError

# The ARNs of the roles of others that a set-up may change. Without it: none.
ROLES_VARIABLE = "cloudtrail_setup_roles"
# The ids of the connections that its params may name. Without it: all.
CONNECTIONS_VARIABLE = "cloudtrail_setup_connections"
# The ids of the users who may approve a plan; `*` for everyone who may answer in Airflow. Without it: the
# same, and the param `approve` may answer instead.
APPROVERS_VARIABLE = "cloudtrail_setup_approvers"
EVERYONE = "*"
FORBIDDEN_APPROVE = (
    f"approve: a person must approve the plan, because the Airflow Variable {APPROVERS_VARIABLE} says who "
    "may. Trigger a run with approve off."
)


class NotAllowedError(FatalError):
    """A request that an operator's list forbids. Nothing was written."""


def locked_roles(arns: Iterable[str]) -> dict[str, str]:
    """Return those of these other people's roles that the list does not name, each with the reason."""
    listed = _listed(ROLES_VARIABLE)
    return {
        arn: f"the role is not this set-up's: add {arn} to the Airflow Variable {ROLES_VARIABLE} to allow it"
        for arn in arns
        if arn not in listed
    }


def named_approvers() -> tuple[str, ...]:
    """Return the ids of the users who may approve; `("*",)` for everyone, empty if the list is not set."""
    return _listed(APPROVERS_VARIABLE)


def forbidden_connections(ids: Iterable[str]) -> list[str]:
    """Return those of these connections that the list does not name; none if the list is not set."""
    listed = _listed(CONNECTIONS_VARIABLE)
    return [one for one in dict.fromkeys(ids) if listed and one not in listed]


def connections_of(params: Mapping[str, Any]) -> list[str]:
    """Return the ids of all connections that the params of a set-up name."""
    named = (*(params.get("accounts") or {}).values(), params.get("databricks_conn_id"))
    alerts = (
        *(params.get("alert_conn_ids") or ()),
        params.get("alert_topic_arn") and params.get("aws_conn_id"),
    )
    return [str(one) for one in dict.fromkeys((*named, *alerts)) if one]


def require_allowed(params: Mapping[str, Any]) -> None:
    """Check the params of a run against the lists, before anything is read or planned.

    Raises:
        InvalidRequestError: with everything that the lists forbid.
    """
    violations = [_forbidden(one) for one in forbidden_connections(connections_of(params))]
    if params.get("approve") and named_approvers():
        violations.append(FORBIDDEN_APPROVE)
    if violations:
        raise InvalidRequestError(violations)


def require_connections(ids: Iterable[str]) -> None:
    """Check connections before they are used: the list may have changed since the run began.

    Raises:
        NotAllowedError: if the list does not name one of them.
    """
    if found := forbidden_connections(ids):
        raise NotAllowedError(" ".join(_forbidden(one) for one in found))


def allowed_targets(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params without the alert targets whose connection the list forbids."""
    conn_ids = list(params.get("alert_conn_ids") or ())
    publisher = str(params.get("aws_conn_id") or "aws_default")
    forbidden = forbidden_connections([*conn_ids, publisher])
    topic = None if publisher in forbidden else params.get("alert_topic_arn")
    kept = [one for one in conn_ids if one not in forbidden]
    return {**params, "alert_conn_ids": kept, "alert_topic_arn": topic}


def _forbidden(connection: str) -> str:
    return (
        f"a set-up may not use the connection {connection!r}: name another one, or ask an operator to add it "
        f"to the Airflow Variable {CONNECTIONS_VARIABLE}."
    )


def _listed(variable: str) -> tuple[str, ...]:
    from airflow.sdk import Variable

    return tuple(str(Variable.get(variable, default="")).replace(",", " ").split())
