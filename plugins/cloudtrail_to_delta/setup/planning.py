"""Turn resources into a plan. Read-only."""

from collections.abc import Container, Mapping, Sequence

from cloudtrail_to_delta.setup.facts import fill, named
from cloudtrail_to_delta.setup.plan import Change, Plan, Verb
from cloudtrail_to_delta.setup.refusals import refused_calls
from cloudtrail_to_delta.setup.resources import Clouds, Document, Found, Resource
from cloudtrail_to_delta.setup.standing import deleted_trails, with_needed, with_relying


def plan_setup(
    resources: Sequence[Resource], clouds: Clouds, *, setup: str, change_adopted: Container[str] = ()
) -> Plan:
    """Plan the changes that bring every resource to its wanted state.

    Args:
        resources: the resources, in the order in which they are applied.
        clouds: the clients that read them.
        setup: the set-up's name.
        change_adopted: the actions that may also change adopted resources.

    Raises:
        ImpossibleChangeError: if a service is known to refuse a change.
    """
    found = with_relying(resources, read_all(resources, clouds), clouds)
    facts = known_facts(found)
    changes = [
        _decide(resource, found[resource.name], facts, may_change=resource.action in change_adopted)
        for resource in resources
    ]
    for resource, change in zip(resources, changes, strict=True):
        if change.writes:
            with refused_calls(resource.name, clouds):
                resource.require_possible(clouds, found[resource.name])
    return Plan(setup=setup, mode="apply", changes=tuple(changes))


def plan_removal(resources: Sequence[Resource], clouds: Clouds, *, setup: str) -> Plan:
    """Plan the removal of everything that the set-up owns and no other trail needs, in reverse order."""
    found = read_all(resources, clouds)
    found = with_relying(resources, found, clouds, leaving=deleted_trails(resources, found))
    found = with_needed(resources, found)
    changes = [_decide_removal(resource, found[resource.name]) for resource in reversed(resources)]
    return Plan(setup=setup, mode="remove", changes=tuple(change for change in changes if change))


def read_all(resources: Sequence[Resource], clouds: Clouds) -> dict[str, Found | None]:
    """Return the current state of each resource, by its name.

    Raises:
        SetupRefusedError: if a service refuses to show a resource.
    """
    read: dict[str, Found | None] = {}
    for resource in resources:
        with refused_calls(resource.name, clouds):
            read[resource.name] = resource.read(clouds)
    return read


def known_facts(found: Mapping[str, Found | None]) -> dict[str, str]:
    """Return the facts of all existing resources, as `resource: fact` → value."""
    return {
        name: value
        for resource, one in found.items()
        if one
        for name, value in named(resource, one.facts).items()
    }


def _decide(resource: Resource, found: Found | None, facts: Mapping[str, str], *, may_change: bool) -> Change:
    wanted = fill(resource.wanted(found), facts)
    before = found.document if found else None
    if resource.locked and wanted != before:
        return _change(resource, "adopt", found, after=before, left=wanted, note=resource.locked)
    if found and resource.tagged and found.owner != resource.setup:
        note = f"created by set-up {found.owner!r}" if found.owner else ""
        if not may_change or wanted == before:
            left = wanted if wanted != before else None
            return _change(resource, "adopt", found, after=before, left=left, note=note)
        note = note or "not managed by this set-up; change_adopted allows the change"
        return _change(resource, "change", found, after=wanted, note=note)
    if before is None:
        return _change(resource, "create", found, after=wanted)
    return _change(resource, "keep" if wanted == before else "change", found, after=wanted)


def _decide_removal(resource: Resource, found: Found | None) -> Change | None:
    if found is None:
        return None
    if not resource.tagged:
        left = resource.released(found)
        if left == found.document:
            return None
        return _change(resource, "delete" if left is None else "change", found, after=left)
    if found.owner != resource.setup:
        return _change(resource, "adopt", found, after=found.document)
    if found.kept_because:
        return _change(resource, "release", found, after=found.document, note=found.kept_because)
    return _change(resource, "delete", found, after=None)


def _change(
    resource: Resource,
    verb: Verb,
    found: Found | None,
    *,
    after: Document | None,
    left: Document | None = None,
    note: str = "",
) -> Change:
    remark = resource.remark(found, after) if verb != "release" else ""
    return Change(
        action=resource.action,
        resource=resource.name,
        verb=verb,
        before=found.document if found else None,
        after=after,
        left=left,
        note=", ".join(filter(None, (note, remark))),
    )
