"""The service control policies that limit an account, from moto's Organizations.

AWS Organizations User Guide, "SCP evaluation": at each level from the root to the account, a statement must
allow the call, and a deny at any level wins. The policies do not limit the management account.
"""

from collections.abc import Iterable

from moto.organizations.models import FakePolicy, organizations_backends

from sandbox.aws.simulator.documents import PolicyDocument, parse

# The policies of one level, such as the root or an organizational unit.
Level = tuple[PolicyDocument, ...]
KIND = "SERVICE_CONTROL_POLICY"


def control_levels(account: str) -> tuple[Level, ...]:
    """Return the levels from a member account to the root; none for any other account."""
    management = organizations_backends.master_accounts.get(account)
    if management is None:
        return ()
    owner, partition = management
    organization = organizations_backends[owner][partition]
    member = organization.get_account_by_id(account)
    above = {unit.id: unit for unit in organization.ou}
    levels, parent = [_policies(member.attached_policies)], str(member.parent_id)
    while parent in above:
        levels.append(_policies(above[parent].attached_policies))
        parent = str(above[parent].parent_id)
    return tuple(levels)


def _policies(attached: Iterable[FakePolicy]) -> Level:
    return tuple(
        parse(str(policy.content), source_id=str(policy.name), source_type="IAM Policy")
        for policy in attached
        if policy.type == KIND
    )
