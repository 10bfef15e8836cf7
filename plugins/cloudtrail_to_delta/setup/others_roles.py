"""The roles of others that the set-up may change: an operator's list, which no param can extend.

Anyone who may trigger `cloudtrail_setup` acts with the permissions of its AWS connections. Without this list,
a param could give the policies and the trust of this set-up to any role that those connections may change.
"""

from collections.abc import Iterable

# An Airflow Variable with the ARNs of the roles, separated by commas or spaces.
ROLES_VARIABLE = "cloudtrail_setup_roles"


def locked_roles(arns: Iterable[str]) -> dict[str, str]:
    """Return those of these other people's roles that the list does not name, each with the reason."""
    from airflow.sdk import Variable

    listed = str(Variable.get(ROLES_VARIABLE, default="")).replace(",", " ").split()
    return {
        arn: f"the role is not this set-up's: add {arn} to the Airflow Variable {ROLES_VARIABLE} to allow it"
        for arn in arns
        if arn not in listed
    }
