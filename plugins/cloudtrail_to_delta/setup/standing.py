"""The trails that exist and need a policy of the plan: a run must keep their rights.

The set-up's statements name trails that the params may no longer mention: of an account that was dropped, of
an earlier name, or adopted ones. Each is looked up. One that cannot be looked up counts as existing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from cloudtrail_to_delta.hooks.aws_errors import error_code
from cloudtrail_to_delta.setup.aws.deliveries import lets_cloudtrail_in, listed
from cloudtrail_to_delta.setup.aws.policies import StatementsOf
from cloudtrail_to_delta.setup.aws.trail import Trail, delivery_settings
from cloudtrail_to_delta.setup.refusals import DENIALS
from cloudtrail_to_delta.setup.resources import Clouds, Document, Found, Resource

Read = dict[str, Found | None]


def with_relying(
    resources: Sequence[Resource], found: Read, clouds: Clouds, *, leaving: Collection[str] = ()
) -> Read:
    """Return what was read, in which each policy also knows the trails that need it after the plan.

    Args:
        resources: the resources of the plan.
        found: what was read, by name.
        clouds: the clients.
        leaving: the ARNs of the trails that the plan deletes.
    """
    trails = Trails(resources, found, clouds)
    result = dict(found)
    for policy in resources:
        now = found[policy.name]
        if now is None or not isinstance(policy, StatementsOf):
            continue
        named = policy.named_trails(now) - set(leaving)
        relying = sorted(arn for arn in named if trails.may_need(policy, arn))
        result[policy.name] = replace(now, relying=tuple(relying))
    return result


def with_needed(resources: Sequence[Resource], found: Read) -> Read:
    """Return what was read, in which a removal keeps a bucket, key or topic that trails still need.

    A trail needs it if the policy that the removal leaves still gives CloudTrail a right, even if
    others wrote that.
    """
    result = dict(found)
    for policy in resources:
        now = found[policy.name]
        if now is None or not isinstance(policy, StatementsOf):
            continue
        owner, left = result.get(policy.owner_resource), policy.released(now)
        if owner and left and lets_cloudtrail_in(left["policy"]):
            by = listed(now.relying) or "statements of others in its policy"
            why = f"CloudTrail still delivers through it: {by}"
            result[policy.owner_resource] = replace(owner, kept_because=owner.kept_because or why)
    return result


class Trails:
    """The trails of a plan and those that its policies name in addition; each is read once."""

    def __init__(self, resources: Sequence[Resource], found: Read, clouds: Clouds) -> None:
        self._clouds = clouds
        self._facts = {name: one.facts for name, one in found.items() if one}
        self._known: dict[str, Document | None] = {}
        for one in resources:
            if isinstance(one, Trail):
                now = found[one.name]
                self._known[one.arn] = now.document if now else None

    def may_need(self, policy: StatementsOf, arn: str) -> bool:
        """Return whether a trail exists, or may exist, and delivers through the policy's resource."""
        settings = self._settings(arn)
        return settings is not None and policy.serves(settings, self._facts)

    def _settings(self, arn: str) -> Document | None:
        """Return the trail's settings; None if it does not exist; empty if nobody may ask."""
        if arn not in self._known:
            self._known[arn] = self._read(arn)
        return self._known[arn]

    def _read(self, arn: str) -> Document | None:
        from botocore.exceptions import ClientError

        _, _, _, region, account, name = arn.split(":")
        if account not in self._clouds.connections or "*" in f"{region}{name}":
            return {}
        try:
            return delivery_settings(self._clouds.aws(account, "cloudtrail", region), arn)
        except ClientError as error:
            if error_code(error) in DENIALS:
                return {}
            raise


def deleted_trails(resources: Sequence[Resource], found: Mapping[str, Found | None]) -> set[str]:
    """Return the ARNs of the trails that a removal deletes: those of this set-up."""
    trails = [one for one in resources if isinstance(one, Trail)]
    return {one.arn for one in trails if (now := found[one.name]) and now.owner == one.setup}
