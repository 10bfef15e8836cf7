"""The summary of a run, as a person reads it."""

from dataclasses import replace
from datetime import UTC, datetime

from cloudtrail_to_delta.operators.report import render_summary
from cloudtrail_to_delta.records.outcome import Outcome
from cloudtrail_to_delta.records.preflight import PreflightResult

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PREFLIGHT = PreflightResult(summary="all ok")
OUTCOME = Outcome(
    table="organization_events",
    row_count=10,
    run_rows=5,
    run_files=2,
    newest_event=datetime(2026, 11, 25, 11, 59, tzinfo=UTC),
)


def summary(**changed):
    return render_summary([replace(OUTCOME, **changed)], PREFLIGHT, now=NOW)


def test_the_accounts_of_an_organizations_trail_that_delivered_are_named():
    told = summary(run_accounts=["111122223333", "444455556666"])
    assert "- organization_events: new log files of 2 account(s): 111122223333, 444455556666\n" in f"{told}\n"


def test_the_build_of_the_job_and_its_accelerators_are_named():
    said = summary(job_version="0.1.0+ha", accelerators=["isal 1.9.1", "msgspec 0.22.0"])
    assert (
        "- organization_events: written by cloudtrail_jobs 0.1.0+ha with isal 1.9.1, msgspec 0.22.0" in said
    )
    assert "Warning" not in said


def test_a_run_without_an_accelerator_carries_a_warning_and_the_remedy():
    said = summary(job_version="0.1.0+ha", missing_accelerators=["isal", "msgspec"])
    assert "with no accelerator" in said
    assert "**Warning**: organization_events: the job ran without isal and msgspec" in said
    assert "Set accelerators to package_index" in said


def test_of_many_accounts_the_first_are_named_and_the_others_counted():
    told = summary(run_accounts=[f"{n:012}" for n in range(70)])
    assert "new log files of 70 account(s): 000000000000, 000000000001" in told
    assert told.endswith(" and 20 more")


def test_a_damaged_file_is_new_in_the_quarantine_as_a_record_is():
    told = summary(quarantined=3, run_quarantined=3, reasons={"truncated_gzip": 3})
    assert "| organization_events | 10 | 5 | 2 | 3 (3) | 0 (0) | 2026-11-25T11:59:00Z |" in told


def test_a_continuous_stream_that_has_finished_nothing_yet_is_said_to_be_unproven():
    assert "the continuous stream has not finished a micro-batch yet" in summary(pending=True)
    assert "continuous" not in summary(pending=False)


def test_a_run_without_new_files_names_no_account():
    assert "account(s)" not in summary()
