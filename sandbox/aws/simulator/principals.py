"""The principals that can be simulated, identified by their ARNs."""

import re
from dataclasses import dataclass

from sandbox.aws.simulator.errors import InvalidInputError, ValidationError

_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):(user|group|role)/(?:[^/]+/)*([\w+=,.@-]+)")


@dataclass(frozen=True)
class Principal:
    """An IAM user, group or role; `kind` is one of these words, and `name` is without the path."""

    arn: str
    account: str
    kind: str
    name: str


def principal_from_arn(arn: str) -> Principal:
    """Return the principal that `arn` names.

    Raises:
        ValidationError: if `arn` is shorter or longer than the API allows.
        InvalidInputError: if it is not a user, group or role, but a session or an instance profile.
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
