"""Apply a plan. Refuse if a resource has changed since; resume after an interruption.

Before the first write, every resource is read again. Each of its settings must have the value from before the
plan or the planned value. An earlier, interrupted try leaves the planned value. Any other value is somebody
else's change, and the task stops (docs/adr/0022-set-up-plan.md).
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cloudtrail_to_delta.hooks.aws_errors import error_code
from cloudtrail_to_delta.setup.facts import fill, named, unknown
from cloudtrail_to_delta.setup.plan import Change, Plan, unified_diff
from cloudtrail_to_delta.setup.planning import known_facts, read_all
from cloudtrail_to_delta.setup.refusals import (
    SetupFailedError,
    SetupRefusedError,
    WorldChangedError,
    refused_calls,
    until_then,
)
from cloudtrail_to_delta.setup.resources import Clouds, Found, Resource

log = logging.getLogger(__name__)

# AWS spreads a new role within seconds, rarely a minute. These tries take 2 minutes in total.
TRIES = 12
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class Patience:
    """The number of tries, and the pauses between them, while another resource spreads."""

    tries: int = TRIES
    pause: Callable[[float], None] = time.sleep

    def __iter__(self) -> Iterator[bool]:
        """Yield once per try, with a pause between tries: true on the last try, else false."""
        seconds = FIRST_PAUSE_SECONDS
        for number in range(1, self.tries + 1):
            yield number == self.tries
            self.pause(seconds)
            seconds = min(2 * seconds, LONGEST_PAUSE_SECONDS)


def apply_action(
    plan: Plan,
    action: str,
    resources: Sequence[Resource],
    clouds: Clouds,
    *,
    patience: Patience | None = None,
) -> list[str]:
    """Apply the changes of one action, in the plan's order, and return what was done.

    Args:
        plan: the approved plan.
        action: one of `ACTIONS`; the changes of the other actions are checked, not applied.
        resources: the resources of the request that the plan was made from.
        clouds: the clients.
        patience: how long to wait for resources that spread.

    Raises:
        WorldChangedError: before the first write, if a resource is in neither its old nor its planned state.
        SetupRefusedError: if a call was refused.
        SetupFailedError: if a call failed, or if a change did not become visible in time.
    """
    by_name = {resource.name: resource for resource in resources}
    found = read_all(resources, clouds)
    require_unchanged(plan, by_name, found)
    facts = known_facts(found)
    done: list[str] = []
    for change in plan.writes:
        if change.action != action:
            continue
        resource = by_name[change.resource]
        if resource.locked and plan.mode == "apply":
            raise SetupRefusedError(
                f"{change.resource} was not changed: {resource.locked}. {until_then(done)}"
            )
        if plan.mode == "remove" and found[resource.name] is None:
            continue  # an earlier try removed it, or the resource that it was a part of
        now = _apply(resource, change, clouds, facts, patience or Patience(), done)
        facts |= named(resource.name, now.facts) if now else {}
        done.append(f"{change.resource}: {change.verb}")
        log.info("%s: %s", change.resource, change.verb)
    return done


def require_unchanged(
    plan: Plan, resources: Mapping[str, Resource], found: Mapping[str, Found | None]
) -> None:
    """Compare the current state with the plan, resource by resource.

    Raises:
        WorldChangedError: with the differences of all resources that have changed.
    """
    missing = [change.resource for change in plan.changes if change.resource not in resources]
    if missing:
        raise WorldChangedError(
            f"the plan has {', '.join(missing)}, but the params do not: trigger a new run instead of "
            "clearing this one."
        )
    facts = known_facts(found)
    changed = []
    for change in plan.changes:
        resource, now = resources[change.resource], found[change.resource]
        if now is None and plan.mode == "remove":
            continue  # the resource that it is a part of may no longer exist
        if why := _what_changed(_filled(change, facts), resource, now):
            found_now = now.document if now else None
            labels = ("when planned", "current")
            shown = unified_diff(change.before, found_now, name=change.resource, labels=labels)
            changed.append(f"{change.resource}: {why}\n{shown}")
    if changed:
        raise WorldChangedError(
            "resources have changed since the plan was made; this task wrote nothing. Trigger a new run, "
            "which makes a new plan:\n" + "\n".join(changed)
        )


def _what_changed(change: Change, resource: Resource, now: Found | None) -> str:
    """Return why `now` is not a state before, during or after the change; empty if it is one."""
    if now is None:
        return "" if change.before is None or change.after is None else "it no longer exists"
    if resource.tagged and change.before is None and now.owner != resource.setup:
        return "somebody else has created it"
    settings = [document for document in (change.before, change.after) if document is not None]
    if change.before is None or change.after is None:
        # It is created, or removed, in several calls.
        settings.append(resource.initial())
    absent = object()
    wrong = [
        name
        for name in sorted({*now.document, *(key for document in settings for key in document)})
        if all(now.document.get(name, absent) != document.get(name, absent) for document in settings)
        and not (change.before is None and name not in now.document)
    ]
    return f"{', '.join(wrong)} changed" if wrong else ""


def _apply(
    resource: Resource,
    change: Change,
    clouds: Clouds,
    facts: Mapping[str, str],
    patience: Patience,
    done: Sequence[str],
) -> Found | None:
    change = _filled(change, facts)
    if change.after is not None and (waiting := unknown(change.after)):
        raise SetupFailedError(
            f"{change.resource} needs {', '.join(waiting)}, which does not exist yet: apply the action that "
            f"creates it first. {until_then(done)}"
        )
    with refused_calls(resource.name, clouds, done=done):
        for last in patience:
            try:
                _write(resource, change, clouds)
                break
            except Exception as error:
                if last or error_code(error) not in resource.not_yet:
                    raise
                log.info("%s: not possible yet (%s); trying again", resource.name, error)
        return _read_back(resource, change, clouds, patience, done)


def _write(resource: Resource, change: Change, clouds: Clouds) -> None:
    found = resource.read(clouds)
    if change.verb == "release":
        if found and found.owner == resource.setup:
            resource.release(clouds, found)
    elif change.after is None:
        if found:
            resource.remove(clouds, found)
    elif found is None or found.document != change.after:
        resource.apply(clouds, found, change.after)


def _read_back(
    resource: Resource, change: Change, clouds: Clouds, patience: Patience, done: Sequence[str]
) -> Found | None:
    """Read until the resource matches the plan: a change may take a while to become visible."""
    found = None
    for _ in patience:
        found = resource.read(clouds)
        if (found.document if found else None) == change.after and _owned_as_planned(change, resource, found):
            return found
    found_now, labels = found.document if found else None, ("planned", "current")
    shown = unified_diff(change.after, found_now, name=resource.name, labels=labels)
    raise SetupFailedError(
        f"{resource.name} does not show the change that was written. Clear this task to try again. "
        f"{until_then([*done, f'a part of {resource.name}'])}\n{shown}"
    )


def _owned_as_planned(change: Change, resource: Resource, found: Found | None) -> bool:
    if not resource.tagged or found is None or change.verb == "change":
        return True
    return (found.owner == resource.setup) == (change.verb == "create")


def _filled(change: Change, facts: Mapping[str, str]) -> Change:
    return replace(change, after=None if change.after is None else fill(change.after, facts))
