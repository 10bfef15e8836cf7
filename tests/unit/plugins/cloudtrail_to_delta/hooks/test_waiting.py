"""The waits in one triggerer: one question for all, no place given twice, and nobody else is delayed."""

import asyncio
import threading

from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.hooks.waiting import Workspace, workspace

WAITERS = 200
SOON = 0.01


class Databricks:
    """The workspace's side: the names of its active runs, and every question."""

    def __init__(self, *names):
        self.names = list(names)
        self.questions = 0
        self.refuses = False
        self.cancelled = []
        self.answers = threading.Event()
        self.answers.set()

    def active_runs(self):
        self.questions += 1
        assert self.answers.wait(60)
        if self.refuses:
            raise CloudTrailError("the workspace does not answer")
        yield from ({"run_id": number, "run_name": name} for number, name in enumerate(self.names))

    def cancel_run(self, run_id):
        self.cancelled.append(run_id)


def run_name(number):
    return f"cloudtrail events s3://lake/checkpoints/{number} (account_{number}, run)"


async def seen_by(space, polls=1, seconds=SOON):
    """What one wait sees in its first polls."""
    seen = []
    async for active in space.polls(seconds):
        seen.append(active)
        if len(seen) == polls:
            return seen
    return None


def test_however_many_wait_one_question_serves_them_all():
    databricks = Databricks("other")
    space = Workspace(lambda: databricks)

    async def wait():
        return await asyncio.gather(*(seen_by(space, polls=3) for _ in range(WAITERS)))

    assert asyncio.run(wait()) == [[{0: {"run_id": 0, "run_name": "other"}}] * 3] * WAITERS
    assert databricks.questions == 3


def test_a_wait_that_begins_while_a_question_is_under_way_gets_a_newer_answer():
    databricks = Databricks("before")
    space = Workspace(lambda: databricks)

    async def begin_two():
        databricks.answers.clear()
        first = asyncio.create_task(seen_by(space))
        await asyncio.sleep(SOON)
        second = asyncio.create_task(seen_by(space))
        await asyncio.sleep(SOON)
        databricks.answers.set()
        await asyncio.gather(first, second)

    asyncio.run(begin_two())
    assert databricks.questions == 2


def test_a_wait_that_is_cancelled_leaves_the_question_to_the_others():
    databricks = Databricks()
    space = Workspace(lambda: databricks)

    async def cancel_the_asker():
        databricks.answers.clear()
        asker, other = asyncio.create_task(seen_by(space)), asyncio.create_task(seen_by(space))
        await asyncio.sleep(SOON)
        asker.cancel()
        databricks.answers.set()
        return await asyncio.gather(asker, other, return_exceptions=True)

    asker, other = asyncio.run(cancel_the_asker())
    assert isinstance(asker, asyncio.CancelledError)
    assert other == [{}]


def test_a_question_that_fails_fails_those_who_wait_for_it_and_no_later_one():
    databricks = Databricks()
    space = Workspace(lambda: databricks)

    async def ask_twice():
        databricks.refuses = True
        failed = await asyncio.gather(seen_by(space), seen_by(space), return_exceptions=True)
        databricks.refuses = False
        return failed, await seen_by(space)

    failed, later = asyncio.run(ask_twice())
    assert [str(error) for error in failed] == ["the workspace does not answer"] * 2
    assert later == [{}]


def test_a_service_that_does_not_answer_delays_no_cancellation_and_no_trigger_of_another_team():
    from asgiref.sync import sync_to_async

    databricks = Databricks()
    databricks.answers.clear()

    async def cancel_beside_stuck_checks():
        spaces = [Workspace(lambda: databricks) for _ in range(WAITERS)]
        stuck = [asyncio.create_task(seen_by(space)) for space in spaces]
        await asyncio.sleep(SOON)
        async with asyncio.timeout(30):
            await sync_to_async(lambda: None)()
            await asyncio.to_thread(lambda: None)
            await spaces[0].cancel(lambda hook: hook.cancel_run(7))
        databricks.answers.set()
        await asyncio.gather(*stuck)

    asyncio.run(cancel_beside_stuck_checks())
    assert databricks.cancelled == [7]


def test_as_many_are_woken_as_there_are_places_and_places_are_kept_until_the_runs_are_active():
    databricks = Databricks(run_name(1), "a run of another team", run_name(2))
    space = Workspace(lambda: databricks)

    async def waiters(numbers, limit=5):
        await seen_by(space)
        return [number for number in numbers if space.reserve(run_name(number), limit)]

    assert asyncio.run(waiters(range(10, 30))) == [10, 11, 12]
    # One of them has submitted its run, and a run has ended.
    databricks.names = [run_name(1), run_name(10)]
    assert asyncio.run(waiters(range(13, 30))) == [13]
    space.give_back(run_name(11))
    assert asyncio.run(waiters(range(14, 30))) == [14]


def test_the_kinds_of_a_shared_run_take_one_place():
    databricks = Databricks()
    space = Workspace(lambda: databricks)
    places = [space.reserve(run_name(number), 2) for number in (1, 1, 2, 3, 2)]
    assert places == [True, True, True, False, True]


def test_a_run_that_is_active_already_needs_no_place():
    databricks = Databricks(run_name(1))
    space = Workspace(lambda: databricks)
    asyncio.run(seen_by(space))
    assert space.reserve(run_name(1), 1)
    assert not space.reserve(run_name(2), 1)


def test_the_waits_of_one_event_loop_share_a_workspace_for_each_connection():
    async def workspaces():
        return workspace("one"), workspace("one"), workspace("two")

    first, again, other = asyncio.run(workspaces())
    assert first is again
    assert first is not other
    assert asyncio.run(workspaces())[0] is not first
