"""What a DAG file calls: Airflow finds the file, and its DAGs are the same however they are asked for."""

import inspect
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.api.datamodels._generated import DagRunType
from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.file import list_py_file_paths

from cloudtrail_to_delta.accounts import FILE_VARIABLE
from cloudtrail_to_delta.dags import factory
from cloudtrail_to_delta.guidance import COMPLETENESS, DIGEST, INGEST, SETUP, UPKEEP
from tests.unit.plugins.cloudtrail_to_delta.accounts.files import text

ROOT = Path(__file__).resolve().parents[5]
FILES = sorted((ROOT / "dags").glob("*.py"))
FORMS = {
    "cloudtrail_ingest",
    "cloudtrail_setup",
    "cloudtrail_digest",
    "cloudtrail_completeness",
    "cloudtrail_upkeep",
}
CHECKS = {"cloudtrail_completeness", "cloudtrail_completeness__payments"}
ACCOUNTS = {
    "cloudtrail_ingest__payments",
    "cloudtrail_setup__payments",
    "cloudtrail_ingest__broken",
    "cloudtrail_completeness__payments",
    "cloudtrail_upkeep__payments",
}
ENTRIES = text(
    'alias: payments\naccount: "111122223333"\nsetup: {accounts: {"123456789012": logs, "{account}": aws}}',
    'alias: broken\naccount: "777788889999"\nduplicates: drop',
)
# As the factory's documentation shows it, but for the function.
DAG_FILE = """\
# Airflow reads a file of the DAGs folder only when it has the words "airflow" and "dag".
from cloudtrail_to_delta.dags.factory import {build}

{build}(globals(), __file__{more})
"""
IMPORT = "from datetime import timedelta\n\n"


@pytest.fixture
def parse(tmp_path):
    """The DAGs of a folder with one DAG file, which calls a function of the factory, and an accounts.yaml."""

    def parse(build, more="", *, import_errors=False):
        (tmp_path / "accounts.yaml").write_text(ENTRIES)
        (tmp_path / "security.py").write_text(IMPORT + DAG_FILE.format(build=build, more=more))
        bag = DagBag(dag_folder=str(tmp_path))
        assert bool(bag.import_errors) == import_errors
        return bag.import_errors if import_errors else bag.dags

    return parse


@pytest.fixture
def worker(monkeypatch):
    """Makes this process parse as a worker does that runs a task of this DAG."""
    return lambda dag_id: monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)


def serialized(dag):
    """All that Airflow keeps of a DAG but for the file that it came from."""
    found = DagSerialization.to_dict(dag)
    found["dag"].pop("fileloc")
    found["dag"].pop("relative_fileloc", None)
    found["dag"]["tags"] = sorted(found["dag"]["tags"])
    return found


def test_airflow_finds_every_dag_file_with_its_default_settings(tmp_path):
    shutil.copytree(ROOT / "dags", tmp_path / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    # Airflow passes over it: it looks for the two words.
    (tmp_path / "dags/library.py").write_text("from cloudtrail_to_delta import __version__\n")
    found = {Path(path).name for path in list_py_file_paths(tmp_path / "dags")}
    assert found == {f"{name}.py" for name in FORMS}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dag_file_says_what_its_dag_is_and_calls_the_factory(file):
    source = file.read_text(encoding="utf-8")
    docstring, _, _ = source.removeprefix('"""').partition('"""')
    assert f"`{file.stem}`" in docstring
    assert (ROOT / "plugins" / re.search(r"`(\S+/dags/\S+)`", docstring)[1]).is_file()
    (build,) = re.findall(r"import (\w+)", source)
    assert source.endswith("\n" + DAG_FILE.format(build=build, more=""))


def test_one_file_that_builds_all_gives_what_the_dag_files_give(parse, tmp_path, monkeypatch):
    together = parse("build_all")
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "accounts.yaml"))
    apart = DagBag(dag_folder="dags").dags
    assert set(together) == set(apart) == FORMS | ACCOUNTS
    for dag_id, dag in together.items():
        assert serialized(dag) == serialized(apart[dag_id]), dag_id


def test_no_dag_has_two_runs_at_once_and_none_can_be_backfilled(parse):
    for dag_id, dag in parse("build_all").items():
        assert (dag.max_active_runs, dag.catchup) == (1, False), dag_id
        assert set(DagRunType) - set(dag.allowed_run_types) == {DagRunType.BACKFILL}, dag_id


def test_airflow_knows_each_dag_by_the_users_file_and_never_by_the_packages(parse, tmp_path):
    assert {dag.fileloc for dag in parse("build_all").values()} == {str(tmp_path / "security.py")}


@pytest.mark.parametrize(
    ("build", "dag_ids"),
    [
        ("build_ingest", {"cloudtrail_ingest", "cloudtrail_ingest__payments", "cloudtrail_ingest__broken"}),
        ("build_ingest_form", {"cloudtrail_ingest"}),
        ("build_setup", {"cloudtrail_setup", "cloudtrail_setup__payments"}),
        ("build_completeness", CHECKS),
        ("build_upkeep", {"cloudtrail_upkeep", "cloudtrail_upkeep__payments"}),
        ("build_digest", {"cloudtrail_digest"}),
    ],
)
def test_who_wants_only_one_family_asks_for_it_and_finds_its_dags_in_the_files_globals(
    parse, tmp_path, build, dag_ids
):
    assert set(parse(build)) == dag_ids
    namespace = {}
    getattr(factory, build)(namespace, str(tmp_path / "security.py"))
    assert {dag_id: dag.dag_id for dag_id, dag in namespace.items()} == {name: name for name in dag_ids}


def test_without_an_accounts_file_beside_the_dag_file_no_account_has_a_dag(tmp_path):
    namespace = {}
    factory.build_all(namespace, str(tmp_path / "security.py"))
    assert set(namespace) == FORMS


@pytest.mark.parametrize(
    ("dag_id", "dag_ids"),
    [
        ("cloudtrail_ingest__payments", {"cloudtrail_ingest", "cloudtrail_ingest__payments"}),
        ("cloudtrail_setup", {"cloudtrail_setup"}),
        ("cloudtrail_digest", {"cloudtrail_digest"}),
        ("cloudtrail_completeness", {"cloudtrail_completeness"}),
        ("cloudtrail_completeness__payments", CHECKS),
        ("cloudtrail_upkeep__payments", {"cloudtrail_upkeep", "cloudtrail_upkeep__payments"}),
        ("somebody_elses", set()),
    ],
)
def test_a_worker_builds_only_the_family_of_its_task(parse, worker, dag_id, dag_ids):
    worker(dag_id)
    assert set(parse("build_all")) == dag_ids


@pytest.mark.parametrize("build", ["build_ingest", "build_ingest_form"])
def test_a_deadline_of_the_dag_file_replaces_the_one_that_follows_from_the_params(parse, build):
    found = parse(build, ", deadline=timedelta(seconds=1)")
    assert {dag.deadline[0].interval for dag in found.values()} == {timedelta(seconds=1).total_seconds()}


def test_a_second_ingest_for_the_form_has_an_id_that_the_plugin_knows(parse):
    assert set(parse("build_ingest_form", ', dag_id="cloudtrail_ingest_late"')) == {"cloudtrail_ingest_late"}


@pytest.mark.parametrize("dag_id", ["security", "cloudtrail_ingest__payments"])
def test_a_second_ingest_with_another_id_is_refused_with_what_to_choose(parse, dag_id):
    (error,) = parse("build_ingest_form", f", dag_id={dag_id!r}", import_errors=True).values()
    assert f"dag_id={dag_id!r}" in error
    assert "choose an id that begins with 'cloudtrail_ingest'" in error


def test_the_factorys_interface_takes_globals_and_file_first_and_everything_else_by_name_with_a_default():
    for name in factory.__all__:
        namespace, file, *others = inspect.signature(getattr(factory, name)).parameters.values()
        assert (namespace.name, file.name) == ("namespace", "file")
        for other in others:
            assert other.kind is other.KEYWORD_ONLY, (name, other.name)
            assert other.default is not other.empty, (name, other.name)


def test_a_dag_file_imports_only_what_its_own_dags_need():
    code = "import runpy, sys; runpy.run_path('dags/cloudtrail_digest.py'); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONPATH": "plugins", "PATH": "/usr/bin:/bin", "AIRFLOW_HOME": "/nonexistent/airflow"},
        capture_output=True,
        text=True,
        check=True,
    )
    ours = {f"cloudtrail_to_delta.dags.{name}" for name in ("factory", "digest", "one_run")}
    loaded = {name for name in done.stdout.split() if name.startswith("cloudtrail_to_delta.dags.")}
    assert loaded == ours


@pytest.mark.parametrize(
    ("dag_id", "guides"),
    [
        ("cloudtrail_ingest", INGEST),
        ("cloudtrail_setup", SETUP),
        ("cloudtrail_digest", DIGEST),
        ("cloudtrail_completeness", COMPLETENESS),
        ("cloudtrail_upkeep", UPKEEP),
    ],
)
def test_the_tasks_of_a_dag_are_the_rows_of_its_table_and_its_page_shows_each(dag_id, guides):
    dag = DagBag(dag_folder=f"dags/{dag_id}.py").dags[dag_id]
    groups = {"apply", "remove"} & guides.keys()
    names = {
        task_id.partition(".")[0] if task_id.partition(".")[0] in groups else task_id.rpartition(".")[2]
        for task_id in dag.task_ids
    }
    assert names == guides.keys()
    for name, guide in guides.items():
        assert f"| `{name}` | {guide.purpose} | {guide.remedy} |" in dag.doc_md
