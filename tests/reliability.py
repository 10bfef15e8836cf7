# ruff: noqa: E501 - the names of tests are sentences
"""The table of faults: what happens, what becomes of it, and the test that holds it.

`make reliability` writes docs/reference/reliability.md from it. tests/unit/repository/test_reliability.py checks
that each test exists.

Usage: python -m tests.reliability
"""

import sys
from typing import NamedTuple

JOB = "tests/integration/spark_jobs"
UNPACKING = "tests/unit/spark_jobs"
PLUGINS = "tests/integration/plugins/cloudtrail_to_delta"
UNIT = "tests/unit/plugins/cloudtrail_to_delta"
E2E = "tests/e2e"
HEAD = """# What was tried, and what becomes of it

Each row is a fault, its outcome, and the test that provokes it. Where a row does not say otherwise, no record is
lost and none is doubled. The tests run on the stand-ins, with a real Spark and, in `tests/e2e`, a real Airflow
scheduler. Nothing here was tried on AWS or Databricks. `make reliability` writes this page from
`tests/reliability.py`.
"""
TAIL = """
## Not provoked

- A worker, scheduler, triggerer or API server that is killed at each task of a run. Airflow's own recovery is
  relied on.
- 429 and 503 of the SQL statements API and of Unity Catalog's reads. The provider's hook retries them as it does
  for the Jobs API.
- A disk that is full while the job writes. An earlier version was tried by hand, and held.
- `VACUUM … RETAIN 0 HOURS` while an ingest reads, and a driver whose clock jumps during a run.
"""


class Case(NamedTuple):
    """One fault: what happens, the outcome, and `path::test`."""

    happens: str
    outcome: str
    test: str


CASES: dict[str, list[Case]] = {
    "Hostile or damaged log files": [
        Case(
            "truncated, foreign, empty and otherwise odd files",
            "quarantine, with a reason; files beside them are read",
            f"{JOB}/test_history.py::test_each_odd_file_ends_as_rows_or_as_a_reason_and_sound_files_beside_it_are_read",
        ),
        Case(
            "a truncated file",
            "what it still holds is kept as text",
            f"{JOB}/test_history.py::test_what_a_truncated_file_still_holds_is_kept_as_text",
        ),
        Case(
            "a batch of empty objects only",
            "the run succeeds",
            f"{JOB}/test_history.py::test_only_empty_objects_are_a_batch_too",
        ),
        Case(
            "any bytes, generated",
            "accounted for, in rows or with a reason",
            f"{JOB}/test_any_input.py::test_every_file_is_accounted_for_whatever_is_in_it",
        ),
        Case(
            "any object, generated, with limits",
            "rows that Arrow and Spark accept",
            f"{UNPACKING}/test_limits.py::test_any_object_becomes_rows_that_arrow_and_spark_take",
        ),
        Case(
            "a file beyond a limit: records, bytes, nesting",
            "one row with its numbers",
            f"{UNPACKING}/test_limits.py::test_a_file_beyond_a_limit_is_one_row_with_its_numbers",
        ),
        Case(
            "very many gzip members",
            "`unreadable`; a file with some of them is read",
            f"{UNPACKING}/test_limits.py::test_an_object_of_very_many_gzip_members_is_unreadable_and_one_of_some_is_read",
        ),
        Case(
            "gzip inside gzip",
            "a reason that says so",
            f"{UNPACKING}/test_limits.py::test_gzip_inside_gzip_says_so",
        ),
        Case(
            "a record that is too large",
            "costs only itself and keeps its text",
            f"{UNPACKING}/test_limits.py::test_a_record_that_is_too_large_costs_only_itself_and_keeps_its_text",
        ),
        Case(
            "half a surrogate pair in a key",
            "read",
            f"{UNPACKING}/test_limits.py::test_half_of_a_surrogate_pair_in_a_key_costs_nothing",
        ),
        Case(
            "an event time of 100 kB",
            "read, and not kept in memory",
            f"{UNPACKING}/test_limits.py::test_a_long_time_is_read_and_not_kept_in_memory",
        ),
        Case(
            "an error that nobody foresaw",
            "costs only its file",
            f"{UNPACKING}/test_limits.py::test_a_failure_that_nobody_foresaw_costs_only_its_file",
        ),
        Case(
            "an object of 2 GiB",
            "never opened; the others become rows",
            f"{JOB}/test_refused.py::test_an_object_that_is_too_large_is_never_opened_and_the_others_become_rows",
        ),
        Case(
            "archived, denied and vanished objects",
            "quarantine, with the cause; the others become rows",
            f"{JOB}/test_refused.py::test_refused_objects_are_quarantined_and_the_others_become_rows",
        ),
        Case(
            "fields of another type or without a column",
            "a row that says so",
            f"{JOB}/test_odd_records.py::test_each_odd_record_is_a_row_that_says_so",
        ),
        Case(
            "a secret in an error",
            "removed from alerts",
            f"{UNIT}/alerts/test_redaction.py::test_what_looks_like_a_secret_is_cut_out",
        ),
        Case(
            "a text that keeps a pattern busy",
            "read once",
            f"{UNIT}/alerts/test_redaction.py::test_a_field_of_a_log_file_cannot_keep_an_alert_busy",
        ),
        Case(
            "a line break in a field that an alert quotes",
            "forges no line",
            f"{UNIT}/alerts/test_dispatch.py::test_no_text_from_elsewhere_forges_a_line_of_a_message",
        ),
    ],
    "Log files that come, change or go": [
        Case(
            "gone between listing and reading",
            "`missing_file`; the others are read",
            f"{JOB}/test_vanished.py::test_a_file_that_is_gone_before_it_is_read_is_missing_and_the_others_are_read",
        ),
        Case(
            "overwritten between the two writes of a batch",
            "refused until it is restored",
            f"{JOB}/test_vanished.py::test_a_file_that_changes_between_the_two_writes_is_refused_until_it_is_restored",
        ),
        Case(
            "overwritten after it was read",
            "named by the completeness check",
            f"{UNIT}/completeness/test_reconciliation.py::test_a_file_that_was_written_again_after_it_was_read_is_overwritten",
        ),
        Case(
            "altered in the bucket",
            "named by the audit",
            f"{PLUGINS}/completeness/test_audit.py::test_a_file_that_was_overwritten_after_it_was_read_is_found_when_files_are_read",
        ),
        Case(
            "deleted before it was read",
            "named by the audit as missing",
            f"{PLUGINS}/completeness/test_audit.py::test_a_file_that_was_deleted_before_it_was_read_is_missing",
        ),
        Case(
            "a digest that was altered",
            "proves nothing",
            f"{PLUGINS}/completeness/test_audit.py::test_a_digest_that_was_altered_proves_nothing",
        ),
        Case(
            "a digest that was deleted",
            "named; its hour is not covered",
            f"{PLUGINS}/completeness/test_audit.py::test_a_digest_that_was_deleted_is_named_and_its_hour_is_not_covered",
        ),
        Case(
            "added by somebody else",
            "named by the audit",
            f"{PLUGINS}/completeness/test_audit.py::test_a_file_that_no_digest_names_in_an_hour_with_a_digest_was_not_cloudtrails",
        ),
        Case(
            "a name that Spark hides",
            "named as passed over",
            f"{UNIT}/completeness/test_reconciliation.py::test_a_name_that_spark_hides_is_passed_over",
        ),
        Case(
            "older than all others, and late",
            "read",
            f"{JOB}/test_history.py::test_a_file_that_is_older_than_all_others_and_comes_later_is_read",
        ),
        Case(
            "late, in a folder of an old day",
            "found by a sweep",
            f"{JOB}/test_discovery.py::test_a_later_run_lists_recent_days_and_a_sweep_finds_what_came_into_old_ones",
        ),
        Case(
            "a change of the month",
            "batches share no number",
            f"{JOB}/test_discovery.py::test_the_batches_of_two_months_share_no_number_and_the_log_names_them_as_the_table_does",
        ),
        Case(
            "delivered twice by CloudTrail",
            "in the table twice, or once with `duplicates=remove`",
            f"{JOB}/test_duplicates.py::test_by_default_what_was_delivered_twice_is_there_twice",
        ),
    ],
    "The job and its tables": [
        Case(
            "the driver is killed between the writes, twice",
            "each record once",
            f"{JOB}/test_restarts.py::test_a_job_that_is_killed_twice_and_started_again_has_each_record_once",
        ),
        Case(
            "a batch fails with Auto Loader's source",
            "read again, no file twice",
            f"{JOB}/test_auto_loader.py::test_a_batch_that_fails_is_read_again_and_no_file_twice",
        ),
        Case(
            "a batch is repeated with `duplicates=remove`",
            "its own rows are no duplicates",
            f"{JOB}/test_duplicates.py::test_a_batch_that_is_repeated_does_not_take_its_own_rows_for_earlier_ones",
        ),
        Case(
            "checkpoint lost",
            "refused",
            f"{JOB}/test_lost_checkpoint.py::test_a_checkpoint_that_knows_no_log_file_is_refused_for_tables_that_have_their_rows",
        ),
        Case(
            "checkpoint rolled back",
            "refused before files are lost",
            f"{JOB}/test_vanished.py::test_a_checkpoint_that_was_rolled_back_is_refused_before_the_files_of_its_batch_are_lost",
        ),
        Case(
            "checkpoint of another program",
            "refused",
            f"{JOB}/test_conflicts.py::test_a_checkpoint_that_another_program_uses_is_refused",
        ),
        Case(
            "RESTORE and a rolled-back checkpoint",
            "the files come back once, with `read_again`",
            f"{JOB}/test_read_again.py::test_files_that_a_restore_and_a_rolled_back_checkpoint_lost_come_back_once",
        ),
        Case(
            "killed while it reads again",
            "finished by the next run",
            f"{JOB}/test_read_again.py::test_a_re_read_that_was_killed_between_its_two_writes_is_finished_by_the_next_run",
        ),
        Case(
            "a table that was doubled",
            "restored, and ingests again",
            f"{JOB}/test_lost_checkpoint.py::test_a_table_that_was_doubled_is_restored_and_goes_on_without_its_lost_checkpoint",
        ),
        Case(
            "a table or quarantine that is gone",
            "refused while the checkpoint knows its files",
            f"{JOB}/test_vanished.py::test_a_table_that_is_gone_is_not_created_anew_while_the_checkpoint_knows_its_files",
        ),
        Case(
            "a column of another type",
            "refused, with its path",
            f"{JOB}/test_conflicts.py::test_a_column_of_another_type_is_refused_by_its_path",
        ),
        Case(
            "other files in the table's folder",
            "refused before anything is written",
            f"{JOB}/test_conflicts.py::test_a_delta_path_with_other_files_is_refused_before_anything_is_written",
        ),
        Case(
            "rows that somebody deletes",
            "a mismatch until they are restored or accepted",
            f"{PLUGINS}/operators/test_validate_rows.py::test_rows_that_somebody_else_deletes_are_a_mismatch_until_they_are_restored_or_accepted",
        ),
        Case(
            "a record in neither table",
            "the task fails and names its file",
            f"{PLUGINS}/operators/test_validate_rows.py::test_a_record_that_is_in_neither_table_fails_the_task_and_names_its_file",
        ),
        Case(
            "a record written twice",
            "the task fails",
            f"{PLUGINS}/operators/test_validate_rows.py::test_a_record_that_was_written_twice_fails_the_task",
        ),
        Case(
            "a loss that nobody repairs",
            "open in every later run",
            f"{PLUGINS}/operators/test_validate_rows.py::test_what_a_run_lost_stays_open_in_later_runs_until_its_log_files_balance",
        ),
        Case(
            "commits that log clean-up removed",
            "checked by the time of reading",
            f"{UNIT}/tables/test_open_commits.py::test_what_the_logs_have_forgotten_is_checked_by_the_time_at_which_it_was_read",
        ),
        Case(
            "OPTIMIZE and VACUUM since the last validation",
            "no change of rows",
            f"{UNIT}/tables/test_open_commits.py::test_upkeep_is_no_change",
        ),
        Case(
            "a compaction that fails",
            "said, and stops nothing",
            f"{JOB}/test_upkeep.py::test_a_compaction_that_is_refused_is_said_and_stops_nothing",
        ),
        Case(
            "a deletion is killed between its two commits",
            "every log file balances; its repeat ends it, and a new deletion withdraws its traces",
            f"{JOB}/test_deletion.py::test_an_expiry_that_was_killed_between_its_writes_balances_and_its_repeat_ends_it",
        ),
        Case(
            "a batch is killed, then a deletion takes records of it and leaves the table unlocked",
            "the next ingest repeats the batch and locks the table",
            f"{JOB}/test_deletion.py::test_the_next_ingest_repeats_a_batch_that_was_killed_before_a_deletion_and_locks_its_table_again",
        ),
        Case(
            "a deletion under a legal hold",
            "refused, and nothing is written",
            f"{JOB}/test_deletion.py::test_a_hold_forbids_to_expire_and_to_erase",
        ),
        Case(
            "somebody else deletes rows of a locked table",
            "Delta refuses",
            f"{JOB}/test_deletion.py::test_append_only_tables_stay_append_only_for_everybody_else",
        ),
        Case(
            "a clock that was ahead",
            "30 days are listed by every run",
            f"{UNPACKING}/test_discovery.py::test_a_checkpoint_from_the_future_is_listed_back_30_days_by_every_run",
        ),
        Case(
            "a driver's clock that jumps between runs, days or a year ahead or behind",
            "a run with the right time has listed each file",
            f"{UNPACKING}/test_discovery.py::test_whatever_a_clock_says_a_run_with_the_right_time_has_listed_each_file",
        ),
        Case(
            "another build of the job on a running cluster",
            "refused before it does anything",
            f"{UNPACKING}/test_release.py::test_a_job_refuses_to_run_as_another_version_before_it_does_anything",
        ),
    ],
    "Databricks runs": [
        Case(
            "a continuous stream ends, after its DAG run",
            "the daily check fails and alerts, and names the DAG that starts it again",
            f"{UNIT}/operators/test_check_stream.py::test_an_ended_stream_is_named_with_the_dag_that_starts_it_again",
        ),
        Case(
            "submit, list or get: 429, 503, time-out, no answer, lost answer",
            "one run",
            f"{PLUGINS}/test_faults.py::test_a_call_of_the_jobs_api_that_fails_submits_one_run",
        ),
        Case(
            "credentials that Databricks refuses",
            "the error names the connection",
            f"{PLUGINS}/test_faults.py::test_credentials_that_databricks_refuses_are_named",
        ),
        Case(
            "a retry of `submit`",
            "the active run",
            f"{PLUGINS}/operators/test_submit.py::test_a_retry_gets_the_active_run_back",
        ),
        Case(
            "`submit` is cleared after a success",
            "nothing starts",
            f"{PLUGINS}/operators/test_submit.py::test_clearing_after_a_success_starts_nothing",
        ),
        Case(
            "a run that is lost, canceled or deleted",
            "followed by another",
            f"{PLUGINS}/operators/test_submit.py::test_a_run_is_followed_by_another_however_it_ended_without_success",
        ),
        Case(
            "a run that is being canceled",
            "waited for, then followed by another",
            f"{PLUGINS}/operators/test_submit.py::test_a_run_that_is_being_canceled_is_waited_for_and_followed_by_another",
        ),
        Case(
            "a run and its token are forgotten after 60 days",
            "another run",
            f"{PLUGINS}/operators/test_submit.py::test_a_token_that_databricks_has_forgotten_starts_a_run",
        ),
        Case(
            "a failed run that a person starts again beside its successor",
            "`submit` fails and names it",
            f"{PLUGINS}/operators/test_submit.py::test_a_failed_run_that_a_person_starts_again_beside_its_successor_is_named",
        ),
        Case(
            "a second DAG run on an active checkpoint",
            "refused, with the run's page",
            f"{PLUGINS}/operators/test_submit.py::test_a_second_dag_run_on_an_active_checkpoint_is_refused_with_the_runs_page",
        ),
        Case(
            "more runs at one moment than may be",
            "the later ones are canceled and wait",
            f"{PLUGINS}/operators/test_submit.py::test_of_runs_submitted_at_one_moment_those_beyond_the_bound_are_canceled_and_wait",
        ),
        Case(
            "a person cancels the run",
            "the error names the task to clear",
            f"{PLUGINS}/operators/test_wait.py::test_a_run_that_a_person_cancels_says_which_task_starts_another",
        ),
        Case(
            "`wait_for_run` of a deleted run",
            "fails for good, with what to do",
            f"{PLUGINS}/operators/test_wait.py::test_a_run_that_is_gone_fails_the_task_for_good_and_says_how_to_go_on",
        ),
        Case(
            "`validate_rows` of a deleted run",
            "fails for good, with what to do",
            f"{PLUGINS}/operators/test_wait.py::test_a_validation_of_a_run_that_is_gone_says_how_to_go_on",
        ),
        Case(
            "`wait_for_delta_log` of a deleted run",
            "ends at once",
            f"{PLUGINS}/sensors/test_delta_log.py::test_a_run_that_is_gone_ends_the_wait_at_once",
        ),
        Case(
            "a driver that dies silently",
            "the task fails",
            f"{PLUGINS}/operators/test_wait.py::test_a_driver_that_dies_silently_fails_the_task",
        ),
        Case(
            "a commit that never comes",
            "the run is canceled, with what was looked for",
            f"{PLUGINS}/sensors/test_delta_log.py::test_a_commit_that_never_comes_says_what_was_looked_for_and_cancels_the_run",
        ),
        Case(
            "the pool of `submit` is deleted",
            "made again",
            f"{PLUGINS}/runs/test_pools.py::test_a_pool_that_was_deleted_is_made_again_when_a_run_of_ours_starts",
        ),
    ],
    "Airflow, S3 and alerts": [
        Case(
            "Airflow's database does not answer, or hangs",
            "`/cloudtrail/health` says so with 503",
            f"{PLUGINS}/ui/test_health.py::test_the_page_is_unhealthy_while_the_database_does_not_answer",
        ),
        Case(
            "XComs are stored outside the database",
            "the page has the figures from asset events",
            f"{PLUGINS}/ui/test_any_record.py::test_figures_outside_the_database_are_those_of_asset_events",
        ),
        Case(
            "any task of a run is cleared",
            "no row changes, no second job starts",
            f"{E2E}/test_pipeline.py::test_clearing_any_task_changes_no_row_and_starts_no_second_job",
        ),
        Case(
            "a run is cleared while it is active",
            "it ends",
            f"{E2E}/test_clearing.py::test_a_whole_run_is_cleared_when_it_has_failed_and_again_while_it_goes_on",
        ),
        Case(
            "a task is marked as success",
            "what follows is tried again",
            f"{E2E}/test_clearing.py::test_a_task_of_a_failed_run_is_marked_as_success_and_what_follows_is_tried_again",
        ),
        Case(
            "two quick triggers, the first one killed",
            "each record once",
            f"{E2E}/test_trouble.py::test_two_quick_triggers_leave_each_record_once_also_when_the_first_was_killed",
        ),
        Case(
            "a job that is killed",
            "one alert, with the error",
            f"{E2E}/test_trouble.py::test_a_job_that_is_killed_fails_its_run_and_the_error_is_in_the_log_and_in_the_alert",
        ),
        Case(
            "a RESTORE in production",
            "named, read again once, and complete",
            f"{E2E}/test_completeness.py::test_what_a_restore_lost_is_named_and_read_again_once",
        ),
        Case(
            "a broken entry in accounts.yaml",
            "its DAG fails with the reason; the others run",
            f"{E2E}/test_accounts.py::test_a_broken_entry_is_a_dag_that_fails_with_the_reason_while_the_others_run",
        ),
        Case(
            "a record of another release",
            "read, or a clear error",
            f"{UNIT}/records/test_any_record.py::test_a_record_with_one_odd_field_is_read_or_is_a_clear_error",
        ),
        Case(
            "Databricks is busy for longer while the wheel is uploaded",
            "the error says so, and names no right",
            f"{UNIT}/hooks/test_databricks.py::test_a_busy_service_is_asked_again_and_is_no_missing_right",
        ),
        Case(
            "the upload of the wheel fails",
            "uploaded by a retry",
            f"{PLUGINS}/test_faults.py::test_a_wheel_whose_upload_fails_once_is_there",
        ),
        Case(
            "somebody put another wheel there first",
            "not run",
            f"{PLUGINS}/preflight/test_connection.py::test_a_wheel_that_somebody_else_put_there_first_is_not_run",
        ),
        Case(
            "expired AWS credentials",
            "the error names the connection; a retry continues",
            f"{PLUGINS}/test_faults.py::test_an_upload_with_expired_credentials_names_the_connection_and_a_retry_uploads",
        ),
        Case(
            "the Delta log cannot be listed",
            "looked at again",
            f"{PLUGINS}/test_faults.py::test_a_log_that_cannot_be_listed_once_is_looked_at_again",
        ),
        Case(
            "the alert topic fails once",
            "the alert arrives; after a lost answer it may arrive twice",
            f"{PLUGINS}/test_faults.py::test_an_alert_whose_topic_fails_once_arrives",
        ),
        Case(
            "a target that accepts no message",
            "tried again by the next run",
            f"{UNIT}/alerts/test_dispatch.py::test_a_message_that_no_target_takes_is_tried_again_by_the_next_run",
        ),
        Case(
            "the same failure each hour",
            "one alert, then one a day, then its end",
            f"{UNIT}/alerts/test_dispatch.py::test_a_failure_each_hour_is_told_once_and_once_a_day_and_its_end_is_told",
        ),
        Case(
            "a run that is late",
            "one alert",
            f"{PLUGINS}/alerts/test_deadline.py::test_a_run_that_goes_on_at_its_deadline_is_told_as_late",
        ),
    ],
    "The set-up": [
        Case(
            "killed at every write",
            "the state of a run that was not",
            f"{PLUGINS}/setup/test_interrupted.py::test_killed_at_every_write_in_turn_it_ends_in_the_state_of_a_run_that_was_not",
        ),
        Case(
            "every write fails: a lost answer, an expired token",
            "the same state, or words",
            f"{PLUGINS}/setup/test_interrupted.py::test_where_every_write_fails_once_it_ends_in_the_state_of_a_run_without_a_fault",
        ),
        Case(
            "a removal is killed at every write",
            "leaves nothing",
            f"{PLUGINS}/setup/test_interrupted.py::test_a_removal_killed_at_every_write_in_turn_leaves_nothing",
        ),
        Case(
            "a call of Databricks without an answer",
            "finished by the next try, nothing twice",
            f"{PLUGINS}/setup/databricks/test_interrupted.py::test_an_apply_whose_call_had_no_answer_is_finished_by_the_next_try",
        ),
        Case(
            "somebody changes something after the plan",
            "refused before anything is written",
            f"{PLUGINS}/setup/test_apply.py::test_a_change_between_plan_and_apply_is_refused_before_anything_is_written",
        ),
        Case(
            "an answer about an earlier plan",
            "approves nothing",
            f"{PLUGINS}/setup/test_approving.py::test_an_answer_to_the_question_of_an_earlier_plan_approves_nothing",
        ),
        Case(
            "a plan that is edited after its approval",
            "not applied",
            f"{UNIT}/setup/test_approval.py::test_a_plan_that_was_edited_after_its_approval_is_not_applied",
        ),
        Case(
            "two answers",
            "the first one counts",
            f"{PLUGINS}/setup/test_approving.py::test_the_first_of_two_answers_counts",
        ),
        Case(
            "nobody answers for three days",
            "one failure, and nobody is asked again",
            f"{UNIT}/setup/test_approval.py::test_a_plan_that_nobody_answers_fails_at_once_and_is_not_asked_about_again",
        ),
        Case(
            "a verification run that somebody deletes",
            "followed by another",
            f"{PLUGINS}/setup/databricks/test_verify_access.py::test_a_run_that_somebody_deletes_is_followed_by_another_when_the_task_is_cleared",
        ),
    ],
}


def page() -> str:
    """Return the page as Markdown."""
    total = sum(map(len, CASES.values()))
    parts = [HEAD, f"{total} cases:\n"]
    for area, cases in CASES.items():
        parts += [f"## {area}\n", "| what happens | what becomes of it | test |", "|---|---|---|"]
        parts += [
            f"| {one.happens} | {one.outcome} | [{short(one.test)}](../../{file_of(one)}) |" for one in cases
        ]
        parts.append("")
    return "\n".join(parts) + TAIL.lstrip("\n")


def file_of(case: Case) -> str:
    """Return the file of the case's test."""
    return case.test.partition("::")[0]


def short(test: str) -> str:
    """Return a test's name as a sentence."""
    return test.partition("::test_")[2].replace("_", " ")


if __name__ == "__main__":
    sys.stdout.write(page())
