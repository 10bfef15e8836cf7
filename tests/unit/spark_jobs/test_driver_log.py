"""The driver's log has one line of JSON per step, and the error that ends the job."""

import json
from datetime import date

import pytest

from cloudtrail_jobs.driver_log import say, shown_error
from cloudtrail_jobs.errors import ArgumentsError


def test_a_step_is_one_line_of_json_whatever_its_facts_are(capsys):
    say("upkeep", since=date(2026, 1, 31), table="s3://lake/é\n")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {"step": "upkeep", "since": "2026-01-31", "table": "s3://lake/é\n"}


def test_an_error_of_the_job_is_printed_and_still_ends_it(capsys):
    with pytest.raises(ArgumentsError), shown_error():
        raise ArgumentsError(["--table is missing"])
    assert capsys.readouterr().err.startswith("ArgumentsError: ")


def test_any_other_error_is_left_to_python(capsys):
    with pytest.raises(KeyError), shown_error():
        raise KeyError
    assert capsys.readouterr().err == ""
