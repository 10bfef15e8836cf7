"""The parts of the acceptance run of Databricks that need no service."""

import json
import zipfile
from pathlib import Path

import pytest

from cloudtrail_to_delta.acceptance.command import databricks_connection, run_databricks
from cloudtrail_to_delta.acceptance.databricks import answers_in
from cloudtrail_to_delta.acceptance.report import Redaction, report_of, text_of
from cloudtrail_to_delta.acceptance.rules import RULES, rule_of
from cloudtrail_to_delta.acceptance.steps import Step, failed, passed, run_steps
from cloudtrail_to_delta.acceptance.workspace import upgraded
from tests.fixtures.databricks import build_wheel

ROOT = Path(__file__).resolve().parents[5]


def ask(*found):
    return lambda: list(found)


def boom():
    raise RuntimeError("PERMISSION_DENIED: User does not have READ FILES on External Location 'lake'.")


def test_a_step_whose_need_failed_is_not_asked_and_an_error_is_an_answer():
    steps = [
        Step(name="a", ask=ask(passed("a: one"), failed("a: two", "2 rows, expected 3", rule="D7"))),
        Step(name="b", ask=ask(passed("b")), needs=("a: one",)),
        Step(name="c", ask=boom, rule="D16"),
        Step(name="d", ask=ask(passed("d")), needs=("a: two", "c")),
        Step(name="e", ask=ask(passed("e")), needs=("d",)),
    ]
    found = {one.question: one for one in run_steps(steps)}
    assert {name: one.status for name, one in found.items()} == {
        "a: one": "passed",
        "a: two": "failed",
        "b": "passed",
        "c": "failed",
        "d": "not asked",
        "e": "not asked",
    }
    assert found["c"].words.startswith(f"D3, {RULES['D3']}: RuntimeError: PERMISSION_DENIED")
    assert found["d"].detail == "needs: a: two, c"


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("[NO_PARENT_EXTERNAL_LOCATION_FOR_PATH] No parent external location was found", "D1"),
        ("VersionError: This is cloudtrail_jobs 0.1.0, but 0.1.0+h1 was submitted: the compute", "D2"),
        ("Single-user check failed: user a attempted to run a command on single-user cluster b", "D4"),
        ("At least one EBS volume must be attached for clusters created with node type m7g", "D12"),
        ("ModuleNotFoundError: No module named 'cloudtrail_jobs'", "D18"),
        ("Java heap space: OutOfMemoryError", "D17"),
        ("something that nobody knows", "D16"),
    ],
)
def test_the_words_of_an_error_name_the_rule_that_they_are_about(words, rule):
    assert failed("probe", words, rule="D16").rule == rule
    assert rule_of(words, "D16") == rule


def test_answers_of_the_job_are_found_among_other_lines_and_a_missing_one_is_a_failure():
    lines = [
        "Spark says something {",
        json.dumps({"step": "tables", "kind": "events"}),
        json.dumps({"step": "acceptance", "question": "runtime", "problem": "", "facts": {"spark": "4.0"}}),
        json.dumps({"step": "acceptance", "question": "append", "problem": "left 4 rows", "facts": {}}),
    ]
    found = {one.question: one for one in answers_in("\n".join(lines), rows=3)}
    assert (found["probe: runtime"].status, dict(found["probe: runtime"].facts)) == (
        "passed",
        {"spark": "4.0"},
    )
    assert (found["probe: append"].rule, found["probe: append"].detail) == ("D16", "left 4 rows")
    assert found["probe: ingest"].detail == "the run's output has no answer"


def test_the_report_replaces_names_and_keeps_sentences_numbers_and_states():
    names = [
        "main.security.payments",
        "s3://acme-lake/delta",
        "ann@example.com",
        "acme-lake",
        "platform team",
    ]
    words = (
        "s3://acme-lake/delta/x is not in schema main.security of ann@example.com: User does not have "
        "READ FILES on External Location 'lake of acme'. The platform team ran 1234-567890-abcdef12, "
        "3 of 12 rows, [PATH_NOT_FOUND], account 111122223333, payments"
    )
    report = report_of([failed("table", words, rows=3)], names=names, compute="new_cluster")
    (answer,) = report["answers"]
    shown = answer["detail"]
    secrets = ("acme", "security", "ann@", "platform team", "567890", "111122223333", "payments")
    assert [secret for secret in secrets if secret in f"{shown}{text_of(report)}"] == []
    for kept in ("User does not have READ FILES on External Location", "3 of 12 rows", "[PATH_NOT_FOUND]"):
        assert kept in shown
    assert Redaction(names).text("acme-lake, acme-lake") == "name-1, name-1"
    assert text_of(report).splitlines()[-1] == "1 failed, 0 passed, 0 not asked"


def test_an_upgraded_wheel_has_another_version_everywhere_and_the_same_code(tmp_path):
    old = "0.1.0+h0123456789ab"
    wheel = build_wheel(tmp_path, "cloudtrail_jobs", "def main(): ...\n", version=old)
    (tmp_path / "new").mkdir()
    other = upgraded(wheel, tmp_path / "new")
    assert other.name == "cloudtrail_jobs-0.1.0+hba9876543210-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(other) as second:
        assert first.read("cloudtrail_jobs.py") == second.read("cloudtrail_jobs.py")
        info = "cloudtrail_jobs-0.1.0+hba9876543210.dist-info"
        assert b"Version: 0.1.0+hba9876543210\n" in second.read(f"{info}/METADATA")
        assert not [name for name in second.namelist() if old in name]
        assert set(second.read(f"{info}/RECORD").decode().replace(",,", "").split()) == set(second.namelist())


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            {"DATABRICKS_HOST": "https://dbc-1.example.com/", "DATABRICKS_TOKEN": "dapi"},
            {"schema": "https", "host": "dbc-1.example.com", "password": "dapi"},
        ),
        (
            {
                "DATABRICKS_HOST": "dbc-1.example.com",
                "DATABRICKS_CLIENT_ID": "5b3d",
                "DATABRICKS_CLIENT_SECRET": "dose",
            },
            {"schema": "https", "host": "dbc-1.example.com", "login": "5b3d", "password": "dose"},
        ),
    ],
)
def test_the_environment_of_the_databricks_cli_becomes_a_connection(environment, expected):
    found = json.loads(databricks_connection(environment))
    oauth = found.pop("extra", {})
    assert found == {"conn_type": "databricks", **expected}
    assert oauth == ({"service_principal_oauth": True} if "login" in expected else {})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("bucket: my-logs\n", "target_root is missing"),
        ("- a list\n", "must have params"),
        ("{", "neither YAML nor JSON"),
        (None, "No such file"),
    ],
)
def test_params_that_cannot_be_used_end_the_run_before_it_begins(
    content, said, tmp_path, capsys, monkeypatch
):
    monkeypatch.delenv("DATABRICKS_HOST", raising=False)
    file = tmp_path / "params.yaml"
    if content is not None:
        file.write_text(content)
    assert run_databricks(file, report=tmp_path / "report.json") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "report.json").exists()


def test_each_rule_that_a_failure_can_name_is_in_the_documentation():
    page = (ROOT / "docs" / "reference" / "acceptance.md").read_text()
    assert [rule for rule, words in RULES.items() if f"| {rule} | {words} |" not in page] == []
