"""The built distribution in fresh environments, as an operator has it after `pip install`."""

import json
import re
import zipfile
from pathlib import Path

import pytest

from sandbox.settings import ROOT
from tests.install.environments import DEPENDENCIES, copy_folder

PROBE = Path(__file__).with_name("probe.py")
DAGS = [
    "cloudtrail_completeness",
    "cloudtrail_digest",
    "cloudtrail_ingest",
    "cloudtrail_setup",
    "cloudtrail_upkeep",
]


def probed(environment, what, **settings):
    """Return what `probe.py` finds in the environment."""
    return json.loads(environment.run("python", str(PROBE), what, settings=settings).stdout.splitlines()[-1])


def plugins(environment, **settings):
    """Return the plugins that Airflow shows, each with its name and source."""
    shown = environment.run("airflow", "plugins", "--output", "json", settings=settings).stdout
    return [(one["name"], one["source"]) for one in json.loads(shown.splitlines()[-1])]


def test_an_airflow_that_is_there_keeps_its_versions(environment):
    if not environment.case.airflow:
        pytest.skip("only for an environment that had an Airflow before")
    installed = probed(environment, "versions")
    text = environment.case.constraints.read_text().lower()
    pins = dict(re.findall(r"(?m)^([\w.-]+)==(\S+)$", text))
    pins["apache-airflow"] = pins["apache-airflow-core"] = environment.case.airflow
    both = set(pins) & set(installed)

    assert len(both) > 100
    assert {name: installed[name] for name in both} == {name: pins[name] for name in both}


def test_the_oldest_versions_of_the_ranges_are_tried(environment):
    if environment.case.resolution == "highest":
        pytest.skip("only for the environment with the lower ends of the ranges")
    installed = probed(environment, "versions")
    least = dict(re.fullmatch(r"([\w-]+)>=([\d.]+)(?:,.*)?", one).groups() for one in DEPENDENCIES)

    assert [
        name for name, version in least.items() if not f"{installed[name]}.".startswith(f"{version}.")
    ] == []


def test_every_module_can_be_imported_from_the_installed_package(environment):
    found = probed(environment, "modules")

    sources = ROOT / "plugins" / "cloudtrail_to_delta"
    assert len(found["names"]) == len([*sources.rglob("*.py")]) - len(["__init__", "__main__"])
    assert Path(found["package"]).is_relative_to(environment.folder)


def test_the_plugin_is_loaded_by_its_entry_point(environment):
    (source,) = [source for name, source in plugins(environment) if name == "cloudtrail"]

    assert "cloudtrail_to_delta.plugin:CloudTrailPlugin" in source


def test_there_is_one_plugin_also_beside_a_copied_plugins_folder(environment, tmp_path):
    copied = copy_folder("plugins", tmp_path / "plugins")
    shown = plugins(environment, AIRFLOW__CORE__PLUGINS_FOLDER=str(copied))

    assert [name for name, _ in shown].count("cloudtrail") == 1


def test_airflow_shows_the_package_among_its_providers(environment):
    shown = environment.run("airflow", "providers", "list", "--output", "json").stdout
    (ours,) = [
        one for one in json.loads(shown.splitlines()[-1]) if one["package_name"] == "cloudtrail-to-delta"
    ]

    assert ours["version"] == probed(environment, "versions")["cloudtrail-to-delta"]


def test_the_job_s_wheel_is_found_without_a_variable(environment):
    wheel = Path(probed(environment, "wheel"))

    assert wheel.is_relative_to(environment.folder)
    assert "cloudtrail_jobs/ingest.py" in zipfile.ZipFile(wheel).namelist()


def test_the_console_command_prints_what_the_checkout_holds(environment):
    for command, kept in (
        (("permissions",), "docs/permissions.md"),
        (("accounts-schema",), "dags/accounts.schema.json"),
        (("params",), "docs/params.md"),
    ):
        printed = environment.run("cloudtrail-to-delta", *command).stdout
        assert (ROOT / kept).read_text() == printed, command


def test_the_console_command_checks_the_accounts_file_of_the_dags_folder(environment):
    assert "0 accounts, no problems" in environment.run("cloudtrail-to-delta", "check-accounts").stdout


def test_a_slip_in_an_accounts_file_is_named_by_the_console_command(environment, tmp_path):
    file = tmp_path / "accounts.yaml"
    file.write_text("accounts:\n  - alias: payments\n    buckett: x\n")
    done = environment.run("cloudtrail-to-delta", "check-accounts", str(file), check=False)

    assert done.returncode == 1
    assert "accounts.yaml:3: buckett: unknown field" in done.stderr


def test_the_dag_files_alone_are_all_that_has_to_be_copied(environment):
    assert probed(environment, "dags") == {"ids": DAGS, "errors": {}}


@pytest.mark.parametrize("made", ["a folder", "a package"])
def test_no_folder_of_dags_named_cloudtrail_hides_the_package(environment, tmp_path, made):
    dags = copy_folder("dags", tmp_path / "dags")
    (dags / "cloudtrail").mkdir()
    if made == "a package":
        (dags / "cloudtrail" / "__init__.py").write_text("")

    assert probed(environment, "dags", AIRFLOW__CORE__DAGS_FOLDER=str(dags)) == {"ids": DAGS, "errors": {}}
