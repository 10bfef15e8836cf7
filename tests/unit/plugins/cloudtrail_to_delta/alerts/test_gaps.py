"""Alerts about gaps: one for each gap, which ends when its day was compared again, and not before."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cloudtrail_to_delta.alerts.gaps import gap_ending, gap_events
from cloudtrail_to_delta.alerts.grouping import weigh
from cloudtrail_to_delta.completeness.reconciliation import FIRST_DAY
from cloudtrail_to_delta.completeness.report import render
from cloudtrail_to_delta.records.alert_events import EVENTS
from cloudtrail_to_delta.records.completeness import Completeness, Gap, Signatures

NOW = datetime(2026, 5, 3, tzinfo=UTC)
GAP = Gap(
    state="missing",
    account="111122223333",
    region="us-east-1",
    day="2026-05-02",
    files=30,
    names=("k1", "k2"),
)
CHECKED = Completeness(
    kind="events",
    table="main.audit.events",
    checked_at=NOW,
    files={"held": 7, "missing": 30},
    days=("2026-05-02", "2026-05-03"),
    gap_count=1,
    gaps=(GAP,),
)
SOUND = replace(CHECKED, gap_count=0, gaps=(), files={"held": 37})


def causes(found):
    return [weigh(event, None, account="a", now=NOW)[1] for event in gap_events(found)]


def test_each_gap_is_an_event_of_its_own_that_names_where_and_an_example():
    other = replace(GAP, day="2026-05-03", state="overwritten")
    events = list(gap_events(replace(CHECKED, gaps=(GAP, other))))
    assert [event.name for event in events] == ["incomplete", "incomplete"]
    assert len({event.cause for event in events}) == 2
    assert events[0].what == (
        "30 log file(s) not in the tables: account 111122223333, us-east-1, 2026-05-02, for example k1"
    )
    assert EVENTS["incomplete"].lasting


def test_a_gap_that_grows_is_the_same_cause():
    (before,), (after,) = gap_events(CHECKED), gap_events(replace(CHECKED, gaps=(replace(GAP, files=31),)))
    assert before.cause == after.cause


@pytest.mark.parametrize(
    ("later", "ended"),
    [
        (CHECKED, False),
        (SOUND, True),
        (replace(SOUND, days=("2026-05-03",)), False),
        (replace(SOUND, table="main.audit.other"), False),
        # More gaps than a record lists: it may be one of the others.
        (replace(CHECKED, gaps=(replace(GAP, state="archived"),), gap_count=400), False),
    ],
    ids=["still there", "compared", "not compared", "another table", "too many to list"],
)
def test_a_gap_ends_when_its_day_was_compared_and_has_none(later, ended):
    (cause,) = causes(CHECKED)
    assert bool(gap_ending(cause, [later])) == ended


def test_days_that_were_not_compared_are_an_event_until_a_run_compares_all():
    cut = replace(SOUND, unchecked=9, requests=10)
    (cause,) = causes(cut)
    assert not gap_ending(cause, [cut])
    assert gap_ending(cause, [SOUND]) == "ok again"


def test_a_very_long_name_of_a_table_does_not_keep_a_gap_from_ending():
    table = ".".join("x" * 200 for _ in range(3))
    (cause,) = causes(replace(CHECKED, table=table))
    assert gap_ending(cause, [replace(SOUND, table=table)]) == "ok again"


def test_a_failed_task_ends_when_the_check_succeeds():
    (cause,) = causes(CHECKED)
    assert gap_ending(replace(cause, name="task_failed"), [CHECKED]) == "ok again"


def test_the_report_names_each_gap_and_says_complete_only_without_any():
    assert "30 missing in account 111122223333, us-east-1, 2026-05-02: `k1`, `k2`" in render([CHECKED])
    assert "Every log file" not in render([CHECKED, SOUND])
    assert "Every log file" in render([SOUND])
    assert "9 days were not compared" in render([replace(SOUND, unchecked=9)])


def test_the_record_reads_what_it_wrote():
    assert Completeness.from_dict(CHECKED.to_dict()) == CHECKED


HOURS = Gap(
    state="hours",
    account="111122223333",
    region="us-east-1",
    day="2026-05-01",
    files=2,
    names=("04", "05"),
)
ALTERED = replace(GAP, state="altered", files=1)
SIGNED = Signatures(
    as_of=NOW,
    files={"altered": 1, "proven": 6},
    hours={"covered": 40, "gap": 2},
    calendar={"us-east-1": {"2026-05-01": "ccccgg" + "c" * 18}},
    gap_count=2,
    gaps=(ALTERED, HOURS),
)
UNPROVEN = replace(SOUND, signed=SIGNED)
PROVEN = replace(SOUND, signed=replace(SIGNED, gap_count=0, gaps=()))


def test_what_digests_do_not_prove_is_an_event_of_its_own_and_says_which_hours():
    altered, hours = gap_events(UNPROVEN)
    assert {altered.name, hours.name} == {"unproven"}
    assert altered.what == (
        "1 log file(s) whose content is not what CloudTrail signed: "
        "account 111122223333, us-east-1, 2026-05-02, for example k1"
    )
    assert hours.what == (
        "2 hour(s) without a signed digest: account 111122223333, us-east-1, 2026-05-01 04, 05 h UTC"
    )


@pytest.mark.parametrize(
    ("later", "ended"),
    [
        (UNPROVEN, False),
        (PROVEN, True),
        # The days that S3 lists say nothing about signatures.
        (SOUND, False),
        (replace(SOUND, signed=Signatures()), False),
        (replace(PROVEN, signed=replace(SIGNED, gap_count=400, gaps=(ALTERED,))), False),
        (replace(PROVEN, signed=replace(PROVEN.signed, first="2026-05-01", last="2026-05-01")), True),
        (replace(PROVEN, signed=replace(PROVEN.signed, first="2026-05-02")), False),
        (replace(PROVEN, signed=replace(PROVEN.signed, last="2026-04-30")), False),
    ],
    ids=[
        *("still there", "proven", "digests not asked", "nothing verified", "too many to list"),
        *("its day was asked about", "a later `from`", "an earlier `until`"),
    ],
)
def test_an_unproven_hour_ends_when_digests_were_asked_and_prove_it(later, ended):
    *_, cause = causes(UNPROVEN)
    assert bool(gap_ending(cause, [later])) == ended


def test_log_files_without_a_time_are_asked_about_whatever_the_days_are():
    undated = replace(SIGNED, gaps=(replace(ALTERED, day=FIRST_DAY.isoformat()),), gap_count=1)
    (cause,) = causes(replace(SOUND, signed=undated))
    later = replace(undated, gaps=(), gap_count=0, first="2026-05-02")
    assert gap_ending(cause, [replace(SOUND, signed=later)]) == "ok again"


def test_a_missing_file_and_one_that_digests_miss_do_not_end_each_other():
    both = replace(CHECKED, signed=replace(SIGNED, gaps=(GAP,), gap_count=1))
    listed, signed = causes(both)
    assert not gap_ending(signed, [replace(both, gaps=(), gap_count=0)])
    assert gap_ending(listed, [replace(both, gaps=(), gap_count=0)]) == "ok again"


def test_the_report_says_what_signatures_prove_and_when_they_prove_nothing():
    assert "signatures prove nothing here" in render([SOUND])
    assert "prove nothing yet" in render([replace(SOUND, signed=Signatures())])
    assert "| 1 altered, 6 proven | 40 covered, 2 gap | 2 |" in render([UNPROVEN])
    assert (
        "2 hour(s) without a signed digest in account 111122223333, us-east-1, 2026-05-01: 04, 05 h UTC"
        in (render([UNPROVEN]))
    )
    assert not UNPROVEN.is_complete
    assert "Signed digests prove every log file" in render([PROVEN])


def test_the_record_of_signatures_reads_what_it_wrote():
    assert Completeness.from_dict(UNPROVEN.to_dict()) == UNPROVEN
