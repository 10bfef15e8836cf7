"""The acceptance run's job: what it answers on this Spark, and what a build that breaks a rule answers."""

from datetime import UTC, datetime

import pytest

from cloudtrail_jobs import accelerators, acceptance, release, source, tables
from cloudtrail_jobs.accelerators import NAMES
from cloudtrail_jobs.errors import ArgumentsError
from cloudtrail_to_delta.acceptance.databricks import answers_in
from cloudtrail_to_delta.acceptance.planted import first_delivery, logs_path
from tests.integration.spark_jobs.conftest import on_auto_loader

LARGE = 1024 * 1024


@pytest.fixture
def planted(lake):
    """The planted log files on local disk; returns the rows that the table must get."""
    found = first_delivery(datetime.now(UTC).date(), LARGE)
    for key, content in found.objects.items():
        path = lake.folder / "logs" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        if not key.endswith("/"):
            path.write_bytes(content)
    return found.rows


@pytest.fixture
def asked(lake, planted, capsys):
    """Asks every question, or those of this name; question → the answer as the acceptance run takes it."""

    def ask():
        words = lake.argv(logs_path=logs_path(f"{lake.folder}/logs"))
        scratch, arguments = acceptance.parse([f"--scratch={lake.folder}/probe", *words])
        acceptance.ask(lake.spark, scratch, arguments)
        answers = answers_in(capsys.readouterr().out, rows=planted)
        return {one.question.removeprefix("probe: "): one for one in answers}

    return ask


@on_auto_loader
def test_a_build_that_breaks_rules_fails_with_their_names_and_every_other_answer_is_sound(asked, monkeypatch):
    options = source.auto_loader_options
    monkeypatch.setattr(source, "auto_loader_options", lambda arguments, _: options(arguments, "default"))
    monkeypatch.setattr(accelerators, "versions", lambda: dict.fromkeys(NAMES))
    monkeypatch.setattr(release, "VERSION", "0.1.0+another")
    written = tables.append

    def append_always(rows, path, mark, at):
        rows.write.format("delta").mode("append").save(path) if "probe" in path else written(
            rows, path, mark, at
        )

    monkeypatch.setattr(tables, "append", append_always)
    found = asked()
    assert {name: one.rule for name, one in found.items() if one.status == "failed"} == {
        "accelerators": "D10",
        "imports": "D18",
        "append": "D16",
        "ingest": "D7",
    }
    assert [name for name, one in found.items() if one.status == "passed"] == [
        "runtime",
        "path_ddl",
        "optimize",
    ]
    assert found["runtime"].facts["source"] == "Auto Loader"


def test_its_arguments_are_those_of_an_ingest_and_a_scratch_folder(lake):
    with pytest.raises(ArgumentsError, match="--scratch=PLACE must be given once"):
        acceptance.parse(lake.argv())
    with pytest.raises(ArgumentsError, match="--kind is missing"):
        acceptance.parse(["--scratch=s3://lake/probe"])
