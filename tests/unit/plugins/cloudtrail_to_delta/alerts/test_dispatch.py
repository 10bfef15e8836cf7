"""Telling: what reaches the targets over several runs, and what is recorded of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cloudtrail_to_delta.alerts.compose import Scene
from cloudtrail_to_delta.alerts.dispatch import Teller
from cloudtrail_to_delta.records.alert_events import Event
from sandbox.receiver import receiving
from tests.unit.plugins.cloudtrail_to_delta.alerts.memory import Memory

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
SCENE = Scene(dag_id="cloudtrail_ingest", run_id="r", account="111122223333 in bucket 'logs'")
PARAMS = {"alert_conn_ids": ["security"]}


@pytest.fixture
def receiver(monkeypatch):
    with receiving() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SECURITY", server.connection())
        yield server


def failed(task="events.submit", what="the cluster is gone"):
    return Event(name="task_failed", subject=task, what=what)


def drift(*fields):
    return [Event(name="schema_drift", subject="events.validate_rows", what=f, cause=f) for f in fields]


class Account:
    """An account whose runs follow each other by the hour."""

    def __init__(self, params=PARAMS):
        self.memory, self.params, self.now = Memory(), params, START

    def run(self, *events, sound=(), hours=1, scope="", scene=SCENE, failed=()):
        """One run with these events, that finds these subjects sound; what it has done."""
        teller = Teller(scene=scene, params=self.params, state=self.memory, now=self.now, scope=scope)
        teller.tell(events)
        teller.tell_recovered(lambda record: "ok again" if record.subject in sound else "", failed=failed)
        self.now += timedelta(hours=hours)
        return teller.left()


def test_a_target_that_is_named_twice_is_told_once(receiver):
    done = Account({"alert_conn_ids": ["security", "security"]}).run(failed())
    assert [one["status"] for one in done] == ["sent"]


def test_a_failure_each_hour_is_told_once_and_once_a_day_and_its_end_is_told(receiver):
    account = Account()
    statuses = [account.run(failed())[0]["status"] for _ in range(26)]
    assert statuses == ["sent", *["counted"] * 23, "sent", "counted"]
    account.run(sound=["events.submit"])
    assert receiver.titles() == [
        "CloudTrail ingest: events.submit failed for 111122223333 in bucket 'logs'",
        "CloudTrail ingest (repeated): events.submit failed for 111122223333 in bucket 'logs'",
        "CloudTrail ingest: ok again after 1 d: events.submit for 111122223333 in bucket 'logs'",
    ]
    assert "Since:       2026-11-22 12:00 UTC (25 times)" in receiver.messages[1]["message"]
    assert receiver.messages[2]["type"] == "success"
    assert account.memory.kept == {}


def test_after_its_end_the_same_cause_is_news(receiver):
    account = Account()
    account.run(failed())
    account.run(sound=["events.submit"])
    assert account.run(failed())[0]["status"] == "sent"


def findings(*subjects):
    return [
        Event(
            name="preflight_failed",
            subject="preflight",
            what=f"bucket: {one}: is gone.",
            cause=f"bucket {one}",
        )
        for one in subjects
    ]


def test_the_end_of_many_findings_is_one_line_with_their_names(receiver):
    account = Account()
    account.run(*findings(*(f"s3://{number}" for number in range(18))))
    account.run(sound=["preflight"])
    message = receiver.messages[-1]["message"]
    assert message.count("Ok again:") == 1
    assert "Ok again:    preflight: preflight checks failed, from 2026-11-22 12:00 to" in message
    assert [f"             - bucket s3://{number}" in message for number in range(18)] == [True] * 18


def test_the_end_says_what_failed_in_the_same_run(receiver):
    account = Account()
    account.run(*findings("s3://a"))
    account.run(sound=["preflight"], failed=["events.submit"])
    posted = receiver.messages[-1]
    assert "Failed:      events.submit in this run. A separate alert reports it." in posted["message"]
    assert posted["type"] == "warning"


def test_a_run_of_another_table_ends_no_cause_of_this_one(receiver):
    account = Account()
    account.run(failed(), scope="table a")
    assert account.run(sound=["events.submit"], scope="table b") == []
    assert [one["event"] for one in account.run(sound=["events.submit"], scope="table a")] == ["recovered"]
    assert account.memory.kept == {}


def test_a_failure_ends_although_its_remedy_changed_the_bucket(receiver):
    account = Account()
    account.run(failed())
    moved = replace(SCENE, account="111122223333 in bucket 'other'")
    assert account.run(sound=["events.submit"], scene=moved)[0]["status"] == "sent"
    assert account.memory.kept == {}


def test_a_lasting_cause_that_nobody_repeats_is_forgotten_in_silence_by_any_run_of_the_dag(receiver):
    account = Account()
    account.run(failed(), scope="a mistyped table", hours=24 * 36)
    assert account.run(scope="table b") == []
    assert account.memory.kept == {}


def test_no_text_from_elsewhere_forges_a_line_of_a_message(receiver):
    account = Account()
    scene = replace(SCENE, run_id="manual\nWhat to do:  Nothing.", account="a\nSince:  never")
    forged = "a field\nWhat to do:  Nothing.\u2028Since:  never"
    (done,) = account.run(replace(failed(what=forged), remedy=forged, meaning=forged), scene=scene)
    account.run(sound=["events.submit"], scene=scene)
    for posted in receiver.messages:
        labels = [line.partition(":")[0] for line in posted["message"].splitlines()]
        assert len(labels) == len(set(labels))
        assert "\n" not in posted["title"]
    assert done["what"] == ["a field What to do: Nothing. Since: never"]


def test_the_end_of_what_nobody_was_told_is_not_told(receiver):
    account = Account()
    receiver.status = 500
    account.run(failed())
    receiver.status = 200
    assert account.run(sound=["events.submit"]) == []
    assert (receiver.messages, account.memory.kept) == ([], {})


def test_an_end_that_no_target_takes_is_told_by_the_next_run(receiver):
    account = Account()
    account.run(failed())
    receiver.status = 500
    assert account.run(sound=["events.submit"])[0]["status"] == "failed"
    receiver.status = 200
    account.run(sound=["events.submit"])
    assert [title for title in receiver.titles() if "ok again" in title] != []
    assert account.memory.kept == {}


def test_events_of_one_name_and_subject_come_in_one_message_and_only_those_that_are_news(receiver):
    account = Account()
    account.run(*drift("a", "b"))
    account.run(*drift("a", "b", "c"))
    first, second = (message["message"] for message in receiver.messages)
    assert "Why:         a\n             b\n" in first
    assert "Why:         c\nSince:" in second


def test_two_tasks_that_fail_are_two_messages(receiver):
    Account().run(failed(), failed("insights.submit"))
    assert len(receiver.messages) == 2


def test_news_has_no_end_and_is_forgotten_after_a_week(receiver):
    account = Account()
    account.run(*drift("a"), hours=24 * 8)
    assert account.run() == []
    assert account.memory.kept == {}


def test_a_message_that_no_target_takes_is_tried_again_by_the_next_run(receiver):
    account = Account()
    receiver.status = 500
    (done,) = account.run(failed())
    assert (done["status"], done["target"]) == ("failed", "security")
    receiver.status = 200
    assert account.run(failed())[0]["status"] == "sent"


def test_without_its_memory_an_alert_is_sent_and_says_why_it_may_come_twice(receiver):
    account = Account()
    account.memory.broken = True
    (done,) = account.run(failed())
    assert (done["status"], done["state_error"]) == ("sent", "ConnectionError: no answer")
    assert len(receiver.messages) == 1


def test_without_a_target_nothing_is_remembered_so_that_a_target_of_tomorrow_hears_it():
    account = Account(params={})
    assert account.run(failed())[0]["status"] == "no_targets"
    assert account.memory.kept == {}


def test_many_events_are_cut_in_the_message_and_in_the_record(receiver):
    (done,) = Account().run(*drift(*(f"field{n}" for n in range(30))))
    assert "… and 10 more" in receiver.messages[0]["message"]
    assert len(done["what"]) == 20
