"""Plan → world: refused when the world has changed, and resumed where it was interrupted.

Before anything is written every resource is read again. Each of its settings has to be as the plan saw it,
or already as the plan wants it: the first is the untouched world, the second what an earlier, interrupted try
has done. Anything else is somebody's change, and refused (docs/adr/0055-plan-and-apply.md).
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cloudtrail_to_delta.hooks.aws_errors import error_code
from cloudtrail_to_delta.setup.facts import fill, named, unknown
from cloudtrail_to_delta.setup.plan import Change, Plan, unified_diff
from cloudtrail_to_delta.setup.planning import known_facts, read_all
from cloudtrail_to_delta.setup.refusals import SetupFailedError, WorldChangedError, refused_calls, until_then
from cloudtrail_to_delta.setup.resources import Clouds, Found, Resource

log = logging.getLogger(__name__)

# A new role is known everywhere within seconds, seldom a minute: 2 minutes in all.
TRIES = 12
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How often, and how far apart, to try what another resource's spreading delays."""

    tries: int = TRIES
    pause: Callable[[float], None] = time.sleep

    def __iter__(self) -> Iterator[bool]:
        """Once per try, with a pause between; true on the last."""
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
    """Apply the changes of one action, in the plan's order, and say what was done.

    Args:
        plan: the approved plan.
        action: of `ACTIONS`; the changes of others are checked, not applied.
        resources: of the same request as the plan's.
        clouds: the clients.
        patience: how long to wait for what spreads.

    Raises:
        WorldChangedError: before anything was written, when something is neither as planned nor as before.
        SetupRefusedError: when a call was refused.
        SetupFailedError: when a call failed, or what was written did not show in time.
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
        if plan.mode == "remove" and found[resource.name] is None:
            continue  # an earlier try removed it, or what it was a part of
        now = _apply(resource, change, clouds, facts, patience or Patience(), done)
        facts |= named(resource.name, now.facts) if now else {}
        done.append(f"{change.resource}: {change.verb}")
        log.info("%s: %s", change.resource, change.verb)
    return done


def require_unchanged(
    plan: Plan, resources: Mapping[str, Resource], found: Mapping[str, Found | None]
) -> None:
    """Hold the world against the plan, resource by resource.

    Raises:
        WorldChangedError: with the differences of all that have changed.
    """
    missing = [change.resource for change in plan.changes if change.resource not in resources]
    if missing:
        raise WorldChangedError(
            f"the plan has {', '.join(missing)}, which the params do not: trigger a new run, do not clear "
            "this one."
        )
    facts = known_facts(found)
    changed = []
    for change in plan.changes:
        resource, now = resources[change.resource], found[change.resource]
        if now is None and plan.mode == "remove":
            continue  # what it is a part of may be gone by now
        if why := _what_changed(_filled(change, facts), resource, now):
            shown = unified_diff(change.before, now.document if now else None, name=change.resource)
            changed.append(f"{change.resource}: {why}\n{shown}")
    if changed:
        raise WorldChangedError(
            "what is there has changed since the plan was made; nothing was written by this task. Trigger a "
            "new run, which plans anew:\n" + "\n".join(changed)
        )


def _what_changed(change: Change, resource: Resource, now: Found | None) -> str:
    """Why `now` is neither before nor after the change, nor between; empty when it is."""
    if now is None:
        return "" if change.before is None or change.after is None else "it is gone"
    if resource.tagged and change.before is None and now.owner != resource.setup:
        return "somebody else has made it"
    settings = [document for document in (change.before, change.after) if document is not None]
    if change.before is None or change.after is None:
        # Made, or taken apart, in several calls.
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
            f"{change.resource} needs {', '.join(waiting)}, which is not there yet: apply the action that "
            f"makes it first. {until_then(done)}"
        )
    with refused_calls(resource.name, clouds, done=done):
        for last in patience:
            try:
                _write(resource, change, clouds)
                break
            except Exception as error:
                if last or error_code(error) not in resource.not_yet:
                    raise
                log.info("%s: not yet, %s; trying again", resource.name, error)
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
    """Read until it is as planned: what was written may take a while to show."""
    found = None
    for _ in patience:
        found = resource.read(clouds)
        if (found.document if found else None) == change.after and _owned_as_planned(change, resource, found):
            return found
    shown = unified_diff(change.after, found.document if found else None, name=resource.name)
    raise SetupFailedError(
        f"{resource.name} does not show what was written to it; clear this task to try again. "
        f"{until_then(done)}\n{shown}"
    )


def _owned_as_planned(change: Change, resource: Resource, found: Found | None) -> bool:
    if not resource.tagged or found is None or change.verb == "change":
        return True
    return (found.owner == resource.setup) == (change.verb == "create")


def _filled(change: Change, facts: Mapping[str, str]) -> Change:
    return replace(change, after=None if change.after is None else fill(change.after, facts))
