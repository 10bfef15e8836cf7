"""An apply that is killed after each of its writes in turn: what goes on from there ends the same."""

import json
import re

import pytest

from cloudtrail_to_delta.errors import CloudTrailError
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import LOGS

READS = re.compile(r":(Get|List|Describe|Head)")


class Killed(BaseException):
    """The worker is gone; nothing catches it."""


class Calls(list):
    """The calls of a run, which is killed in place of its second write."""

    def append(self, call):
        if not READS.search(call) and any(not READS.search(made) for made in self):
            raise Killed
        super().append(call)


def request_number(world, number):
    """A request of everything once, whose names have a number: no run meets what another one made."""
    return world.request(
        accounts={LOGS: "aws_default"},
        name=f"set{number}",
        bucket=f"logs-{number}",
        reader_role=f"reader-{number}",
        trail=f"trail-{number}",
        sns_topic=f"files-{number}",
        kms_key="new",
        insights=["ApiCallRateInsight"],
        expire_days=30,
    )


def killed_after_one_write(world, request, plan):
    """Apply the plan until one write is done; whether there was another one, at which it was killed."""
    accounts = world.clouds(request)._accounts.values()
    calls = Calls()
    for account in accounts:
        account._note = calls.append
    try:
        world.apply(request, plan)
    except Killed:
        return True
    finally:
        for account in accounts:
            account._note = world.clouds(request).calls.append
    return False


def anonymous(world, request, number):
    """The state without the number and without the ids that are made anew each time."""
    text = json.dumps(world.state(request), sort_keys=True)
    text = re.sub(r"key/[0-9a-f-]{36}", "key/K", text)
    return re.sub(rf"(set|logs-|reader-|trail-|files-|Set){number}(?![0-9])", r"\1N", text)


@pytest.mark.parametrize("anew", [False, True], ids=["by the same plan", "by a new plan"])
def test_killed_at_every_write_in_turn_it_ends_in_the_state_of_a_run_that_was_not(world, anew):
    request = request_number(world, 0)
    world.apply(request)
    expected = anonymous(world, request, 0)

    request = request_number(world, 1)
    plan, kills = world.plan(request), 0
    while killed_after_one_write(world, request, world.plan(request) if anew else plan):
        kills += 1
        assert kills < 60, "it does not get on"
    assert anonymous(world, request, 1) == expected
    assert kills >= 19
    assert world.plan(request).writes == ()


FAULTS = {
    "a lost answer": {"cut": "answer"},
    "an expired token": {"code": "ExpiredToken", "status": 400},
}


def test_where_every_write_fails_once_it_ends_in_the_state_of_a_run_without_a_fault(world):
    request = request_number(world, 0)
    world.apply(request)
    expected = anonymous(world, request, 0)
    writes = sorted(
        {call.partition(":")[2] for call in world.clouds(request).calls if not READS.search(call)}
    )
    assert len(writes) >= 15
    for number, (fault, how) in enumerate(FAULTS.items(), start=1):
        request = request_number(world, number)
        plan = world.plan(request)
        # Each expired token ends a try, which takes a second.
        for action in writes[::6] if fault == "an expired token" else writes:
            world.aws.fault(action=action, times=1, **how)
        said = tries(world, request, plan, most=2 * len(writes))
        world.aws.clear_faults()
        assert anonymous(world, request, number) == expected, fault
        assert world.plan(request).writes == ()
        # Each failure says what was done before it, and that of the credentials what to do.
        assert all("Done before the error" in one or "Nothing was changed before" in one for one in said)
        renewed = any("Correct the connection's credentials" in one for one in said)
        assert renewed == (fault == "an expired token")


def tries(world, request, plan, *, most):
    """Apply the plan until it succeeds, as a person who clears the task does; the errors on the way."""
    said = []
    while len(said) < most:
        try:
            world.apply(request, plan)
            break
        except CloudTrailError as error:
            said.append(str(error))
    return said


def test_a_removal_killed_at_every_write_in_turn_leaves_nothing(world):
    request = request_number(world, 0)
    world.apply(request)
    removal = world.request(**{**request.to_dict(), "mode": "remove"})
    plan, kills = world.plan(removal), 0
    while killed_after_one_write(world, removal, plan):
        kills += 1
        assert kills < 60, "it does not get on"
    assert set(world.state(request).values()) == {None}
    assert kills >= 9
