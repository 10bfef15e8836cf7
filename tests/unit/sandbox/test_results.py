"""What the demo reads from the tables, and when it calls that wrong."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from sandbox.results import Results, differences, read, render
from sandbox.sample_logs.summary import Counts
from sandbox.warehouse import Row

VALIDATION = {
    "table": "t",
    "row_count": 3,
    "log_rows": 3,
    "quarantined": 2,
    "run_files": 4,
    "run_records": 4,
    "run_rows": 3,
    "run_quarantined": 2,
}
RESULTS = Results(
    kind="events",
    table="t",
    by_date={"2026-01-01": 1, "2026-01-02": 2},
    by_name={"GetObject": 2, "PutObject": 1},
    quarantined={"not_json": 1, "no_event_time": 1},
    validation=VALIDATION,
)
PROMISED = Counts(
    files=4,
    rows=3,
    by_date=Counter({"2026-01-01": 1, "2026-01-02": 2}),
    by_name=Counter({"GetObject": 2, "PutObject": 1}),
    quarantined=Counter({"not_json": 1, "no_event_time": 1}),
)


def test_results_as_promised_have_no_differences() -> None:
    assert differences(RESULTS, PROMISED) == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"by_date": {"2026-01-01": 3}}, "rows per day"),
        ({"by_name": {"GetObject": 3}}, "rows per event name"),
        ({"quarantined": {"not_json": 2}}, "quarantine rows per reason"),
        ({"validation": VALIDATION | {"row_count": 2}}, r"rows by COUNT\(\*\): found 2, .* promise 3"),
        ({"validation": VALIDATION | {"log_rows": 2}}, "rows by the Delta log"),
        ({"validation": VALIDATION | {"quarantined": 1}}, "quarantine rows: found 1"),
        ({"validation": VALIDATION | {"run_files": 3}}, "log files of the run: found 3"),
    ],
)
def test_a_count_that_is_not_as_promised_is_named(found: dict[str, object], words: str) -> None:
    (difference,) = differences(replace(RESULTS, **found), PROMISED)  # type: ignore[arg-type] # one of each

    assert re.search(words, difference)


def test_tables_are_asked_for_days_names_and_reasons() -> None:
    asked: list[str] = []

    def sql(statement: str) -> list[Row]:
        asked.append(statement)
        return [{"what": "b", "n": "2"}, {"what": "a", "n": "1"}]

    found = read("insights", sql, VALIDATION)

    assert list(found.by_date) == ["a", "b"]
    assert found.by_name == {"b": 2, "a": 1}
    assert [re.findall(r"CAST\((\S+) AS .* FROM (\S+) GROUP", statement) for statement in asked] == [
        [("date", "t")],
        [("insightDetails.eventName", "t")],
        [("reason", "t_quarantine")],
    ]


def test_a_person_sees_the_counts_beside_each_other() -> None:
    assert render(RESULTS).splitlines() == [
        "t: 3 rows (COUNT(*) = Delta log), 2 quarantined; "
        "4 records in 4 files: 3 rows, 2 records and files quarantined",
        "  rows per day     most frequent eventName    quarantined",
        "  2026-01-01  1    GetObject  2               not_json       1",
        "  2026-01-02  2    PutObject  1               no_event_time  1",
    ]


def test_ten_names_are_shown() -> None:
    many = replace(RESULTS, by_name={f"Call{i:02}": 100 - i for i in range(12)})

    assert "Call09" in render(many)
    assert "Call10" not in render(many)


def test_nothing_quarantined_is_said() -> None:
    assert render(replace(RESULTS, quarantined={})).splitlines()[2].endswith("none")
