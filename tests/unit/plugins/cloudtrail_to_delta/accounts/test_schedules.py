"""Schedules spread over the hour and the day, the same in every process."""

from collections import Counter

import pytest

from cloudtrail_to_delta.accounts.schedules import cron_of, schedule_complaint

IDS = [f"cloudtrail_ingest__account_{n}" for n in range(500)]


def test_hourly_spreads_over_the_hour_evenly_enough():
    minutes = Counter(int(cron_of("hourly", dag_id).split()[0]) for dag_id in IDS)
    assert len(minutes) == 60
    # 500 over 60 minutes are 8 a minute; chance makes it more here and there.
    assert max(minutes.values()) <= 20


def test_daily_spreads_over_the_day():
    crons = {cron_of("daily", dag_id) for dag_id in IDS}
    assert len({cron.split()[1] for cron in crons}) == 24
    assert len(crons) > 350
    assert {tuple(cron.split()[2:]) for cron in crons} == {("*", "*", "*")}


def test_the_minute_of_a_dag_never_changes():
    assert cron_of("hourly", "cloudtrail_ingest__payments") == "22 * * * *"


@pytest.mark.parametrize(("schedule", "cron"), [("none", None), ("5 4 * * 1", "5 4 * * 1")])
def test_what_is_named_is_what_runs(schedule, cron):
    assert cron_of(schedule, "cloudtrail_ingest__payments") == cron


@pytest.mark.parametrize(
    "schedule",
    [
        *("@hourly", "* * * * * *", "99 * * * *", "a b c d e", "", 5, None, ["hourly"]),
        *("0 0 31 4 *", "0 0 30 2 *", "R R * * *", "R(0-29) * * * *", "H * * * *", "r 0 * * *"),
    ],
)
def test_what_is_no_schedule_is_refused(schedule):
    assert "five cron fields" in schedule_complaint(schedule)


@pytest.mark.parametrize(
    "schedule", ["0 0 29 2 *", "0 0 L * *", "0 0 * * fri#1", "15 */6 * mar,apr *", "0 0 * * thu-sat"]
)
def test_a_schedule_that_runs_at_the_same_times_whenever_it_is_read_is_sound(schedule):
    assert schedule_complaint(schedule) is None
