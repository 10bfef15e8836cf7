"""What survives a restart: runs by id and by token, how their tasks fared, statements."""

import pytest

from sandbox.databricks.store import Statement, Store

REQUEST = {"tasks": [{"task_key": "a"}, {"task_key": "b", "depends_on": [{"task_key": "a"}]}]}


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "state.sqlite")
    yield opened
    opened.close()


def test_a_run_has_one_task_run_for_each_task_with_an_id_of_its_own(store):
    run, new = store.add(REQUEST, submitted=1)
    tasks = store.tasks(run.run_id)
    assert new
    assert [(task.key, task.state) for task in tasks] == [("a", "PENDING"), ("b", "BLOCKED")]
    assert len({run.run_id, run.job_id, *(task.run_id for task in tasks)}) == 4


def test_a_token_gives_the_same_run_back_and_runs_without_a_token_are_all_new(store):
    first, _ = store.add(REQUEST | {"idempotency_token": "t"}, submitted=1)
    again, new = store.add(REQUEST | {"idempotency_token": "t"}, submitted=2)
    assert (again.run_id, new) == (first.run_id, False)
    assert store.add(REQUEST, submitted=3)[1]
    assert store.add(REQUEST | {"idempotency_token": ""}, submitted=3)[1]
    assert store.add(REQUEST | {"idempotency_token": ""}, submitted=3)[1]


def test_the_token_of_a_deleted_run_stays_taken(store):
    run, _ = store.add(REQUEST | {"idempotency_token": "t"}, submitted=1)
    store.delete(run.run_id)
    assert store.run(run.run_id) is None
    assert store.task(store.tasks(run.run_id)[0].run_id) is None
    with pytest.raises(LookupError) as deleted:
        store.add(REQUEST | {"idempotency_token": "t"}, submitted=2)
    assert deleted.value.args == (run.run_id,)


def test_a_request_to_cancel_is_not_lost_when_the_scheduler_writes_what_it_read_before(store):
    run, _ = store.add(REQUEST, submitted=1)
    store.request_cancel(run.run_id)
    store.save_run(run)
    assert store.run(run.run_id).cancelled


def test_the_next_attempt_appears_together_with_the_end_of_the_last(store):
    run, _ = store.add(REQUEST, submitted=1)
    task = store.tasks(run.run_id)[0]
    task.state, task.result = "TERMINATED", "FAILED"
    store.finish(task, again=500)
    attempts = [(t.key, t.attempt, t.state, t.ready) for t in store.tasks(run.run_id) if t.key == "a"]
    assert attempts == [("a", 0, "TERMINATED", 0), ("a", 1, "WAITING_FOR_RETRY", 500)]


def test_runs_are_listed_newest_first_and_active_ones_oldest_first(store):
    ids = [store.add(REQUEST, submitted=when)[0].run_id for when in (1, 2, 3)]
    ended = store.run(ids[1])
    ended.ended = 9
    store.save_run(ended)
    assert [run.run_id for run in store.runs()] == ids[::-1]
    assert [run.run_id for run in store.active()] == [ids[0], ids[2]]


def test_everything_is_there_when_the_file_is_opened_again(tmp_path):
    first = Store(tmp_path / "state.sqlite")
    run, _ = first.add(REQUEST, submitted=1)
    task = first.tasks(run.run_id)[0]
    task.pid, task.born = 12, 3.5
    first.save_task(task)
    first.save_statement(
        Statement(statement_id="s", request={"statement": "SELECT 1"}, submitted=2, rows=[["1"]])
    )
    first.close()
    again = Store(tmp_path / "state.sqlite")
    assert again.run(run.run_id) == run
    assert again.task(task.run_id) == task
    assert again.statement("s").rows == [["1"]]
    again.close()
