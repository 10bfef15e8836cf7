"""The principals that can be simulated, told apart by their ARNs."""

import re
from dataclasses import dataclass

from sandbox.aws.simulator.errors import InvalidInputError, ValidationError

_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):(user|group|role)/(?:[^/]+/)*([\w+=,.@-]+)")


@dataclass(frozen=True)
class Principal:
    """An IAM user, group or role: `kind` is one of these words, `name` is without the path."""

    arn: str
    account: str
    kind: str
    name: str


def principal_from_arn(arn: str) -> Principal:
    """The principal that `arn` names.

    Raises:
        ValidationError: when `arn` is shorter or longer than the API allows.
        InvalidInputError: when it is no user, group or role: a session, an instance profile, something else.
    """
    if not 20 <= len(arn) <= 2048:
        raise ValidationError(
            f"1 validation error detected: Value '{arn}' at 'policySourceArn' failed to satisfy constraint: "
            "Member must have length between 20 and 2048"
        )
    match = _PRINCIPAL.fullmatch(arn)
    if match is None:
        raise InvalidInputError(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    return Principal(arn=arn, account=match.group(1), kind=match.group(2), name=match.group(3))
