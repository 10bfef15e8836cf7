"""IAM's quota of a role's inline policies, which moto does not have.

Source: IAM User Guide, "IAM and AWS STS quotas": all inline policies of a role together have at most 10,240
characters. White space does not count.
"""

import json

from moto.iam.exceptions import LimitExceededException
from moto.iam.models import IAMBackend

from sandbox.aws.rules import RULES

INLINE_LIMIT = 10_240

_put_role_policy = IAMBackend.put_role_policy


def register() -> None:
    """Make IAM check the quota; call this before the server's first request."""
    IAMBackend.put_role_policy = _checked  # type: ignore[method-assign]


def _checked(self: IAMBackend, role_name: str, policy_name: str, policy_json: str) -> None:
    others = {name: one for name, one in self.get_role(role_name).policies.items() if name != policy_name}
    if RULES.inline_quota and sum(map(_size, [policy_json, *others.values()])) > INLINE_LIMIT:
        message = f"Maximum policy size of {INLINE_LIMIT} bytes exceeded for role {role_name}"
        raise LimitExceededException(message)
    _put_role_policy(self, role_name, policy_name, policy_json)


def _size(document: str) -> int:
    return len(json.dumps(json.loads(document), separators=(",", ":"), ensure_ascii=False))
