"""docker-compose.yml and the Dockerfile, held against the Compose schema, Airflow, and what `make up` starts.

No container is run here: this is as far as files can be compared.
"""

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import airflow
from sandbox.settings import Sandbox, Secrets

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()

SANDBOX = Sandbox()
SECRETS = Secrets(
    databricks_token="t", databricks_service_token="s", jwt_secret="j", api_secret_key="a", fernet_key="f"
)
UP = airflow.settings(SANDBOX, SECRETS)

# What differs between containers and a laptop, and why.
ONLY_UP = {
    "AIRFLOW_HOME": "the image has its own",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "a deployment starts its DAGs when a person says so",
    "AIRFLOW__CORE__PARALLELISM": "a laptop's memory",
    "AIRFLOW__CORE__PLUGINS_FOLDER": "the image has the distribution, whose entry point Airflow loads",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "no login on the loopback interface only",
    "AIRFLOW__API__WORKERS": "a laptop's memory",
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "a laptop's memory",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "a changed DAG file is seen soon",
    "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "output goes to a file",
}
ONLY_COMPOSE = {
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "a login",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": "a login",
    "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "asked by the health check",
}


def environment(service: str) -> dict[str, str]:
    return dict(SERVICES[service].get("environment", {}))


def airflow_services() -> list[str]:
    return [name for name, service in SERVICES.items() if service.get("image") == "cloudtrail-airflow"]


def options_of_airflow() -> set[str]:
    """Every option of Airflow's own configuration, as the environment variable that sets it."""
    spec = importlib.util.find_spec("airflow")
    assert spec
    assert spec.submodule_search_locations
    template = Path(spec.submodule_search_locations[0]) / "config_templates" / "config.yml"
    sections = yaml.safe_load(template.read_text())
    return {
        f"AIRFLOW__{section.upper()}__{option.upper()}"
        for section, content in sections.items()
        for option in content["options"]
    }


def stages() -> dict[str, list[str]]:
    """Stage name → its instructions, comments and continuations removed."""
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", DOCKERFILE))
    found: dict[str, list[str]] = {}
    for line in filter(None, text.splitlines()):
        if match := re.fullmatch(r"FROM (\S+) AS (\S+)", line):
            found[match[2]] = [line]
        else:
            found[list(found)[-1]].append(line)
    return found


def test_it_is_valid_by_the_compose_specification() -> None:
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_every_process_of_airflow_is_a_service_with_the_command_of_make_up() -> None:
    commands = {
        f"airflow-{name}": tuple(SERVICES[name]["command"]) for name in airflow_services() if name != "init"
    }

    assert commands == airflow.COMPONENTS


def test_init_migrates_as_make_up_does() -> None:
    (script,) = SERVICES["init"]["command"]

    assert script.splitlines()[0] == " ".join(("airflow", *airflow.MIGRATE))


def test_init_reads_every_connection_that_make_up_sets() -> None:
    (script,) = SERVICES["init"]["command"]
    read = re.findall(r"airflow connections get (\w+) > /dev/null", script)

    assert {f"AIRFLOW_CONN_{name.upper()}" for name in read} == set(airflow.connections(SANDBOX, SECRETS))


@pytest.mark.parametrize("service", airflow_services())
def test_every_airflow_service_has_the_same_settings(service: str) -> None:
    common = dict(COMPOSE["x-airflow"]["environment"])
    own = {"ADMIN_PASSWORD"} if service == "init" else set()

    assert {name: value for name, value in environment(service).items() if name not in own} == common


def test_settings_are_options_that_airflow_has() -> None:
    set_somewhere = {name for name in {*environment("scheduler"), *UP} if re.match("AIRFLOW__", name)}

    assert set_somewhere - options_of_airflow() == set()


def test_settings_differ_from_make_up_only_where_it_is_meant() -> None:
    settings = {name for name in environment("scheduler") if not name.startswith("AIRFLOW_CONN_")}

    assert (set(UP) - settings, settings - set(UP)) == (set(ONLY_UP), set(ONLY_COMPOSE))


@pytest.mark.parametrize(
    "name", ["AIRFLOW__CORE__EXECUTOR", "AIRFLOW__CORE__LOAD_EXAMPLES", "AIRFLOW__API__PORT"]
)
def test_what_makes_an_airflow_what_it_is_is_the_same(name: str) -> None:
    assert environment("scheduler")[name] == UP[name]


def test_tasks_reach_the_api_server_under_its_service_name_and_the_path_of_make_up() -> None:
    url = environment("scheduler")["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]

    assert url == UP["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].replace("127.0.0.1", "api-server")


def test_connections_of_the_example_are_those_of_make_up_on_other_hosts() -> None:
    lines = (line.partition("=") for line in (ROOT / ".env.example").read_text().splitlines())
    example = {
        name: json.loads(text.strip("'")) for name, _, text in lines if name.startswith("AIRFLOW_CONN_")
    }
    wanted = {name: json.loads(text) for name, text in airflow.connections(SANDBOX, SECRETS).items()}
    extra = wanted["AIRFLOW_CONN_AWS_DEFAULT"]["extra"]
    extra["endpoint_url"] = extra["service_config"]["sts"]["endpoint_url"] = "http://aws:5555"
    wanted["AIRFLOW_CONN_DATABRICKS_DEFAULT"] |= {"host": "databricks", "password": "sandbox"}

    assert example == wanted


def test_every_variable_has_a_default_or_a_message_and_stands_in_the_example() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    variables = re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", text)
    example = set(re.findall(r"(?m)^(\w+)=", (ROOT / ".env.example").read_text()))

    assert [name for name, default in variables if not re.match(r":\?\w+|:-", default)] == []
    assert {name for name, _ in variables} == example


def test_secrets_have_no_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    example = dict(re.findall(r"(?m)^(\w+)=(.*)$", (ROOT / ".env.example").read_text()))

    for name in ("POSTGRES_PASSWORD", "FERNET_KEY", "JWT_SECRET", "API_SECRET_KEY", "ADMIN_PASSWORD"):
        assert f"${{{name}:?" in text
        assert f"${{{name}:-" not in text
        assert example[name] == ""


def test_services_wait_for_services_that_exist_in_a_way_that_can_come_true() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "test" in SERVICES[other]["healthcheck"], f"{name} waits for {other}'s health"
            else:
                assert how["condition"] == "service_completed_successfully"
                assert SERVICES[other]["restart"] == "no", f"{other} never completes"


def test_every_lasting_service_has_a_health_check() -> None:
    lasting = {name for name, service in SERVICES.items() if service["restart"] != "no"}

    assert {name for name in lasting if "test" not in SERVICES[name].get("healthcheck", {})} == set()


def test_nothing_listens_beyond_this_machine() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert published == ["127.0.0.1:${AIRFLOW_PORT:-8080}:8080"]


def test_images_are_stages_of_the_dockerfile() -> None:
    targets = {
        service["build"]["target"]: (ROOT / service["build"]["context"]).resolve()
        for service in SERVICES.values()
        if "build" in service
    }

    assert set(targets) <= set(stages())
    assert set(targets.values()) == {ROOT}


def test_the_image_is_of_the_pinned_airflow() -> None:
    pinned = dict(re.findall(r"(?m)^([\w-]+)==(\S+)", (ROOT / "requirements.txt").read_text()))
    images = set(re.findall(r"FROM (apache/airflow:\S+)", DOCKERFILE))

    assert images == {f"apache/airflow:{pinned['apache-airflow']}-python3.11"}


@pytest.mark.parametrize("stage", ["airflow", "sandbox"])
def test_no_image_runs_as_root(stage: str) -> None:
    # The official image's user is airflow; the last USER instruction counts.
    users = [line.split()[1] for line in stages()[stage] if line.startswith("USER ")]

    assert users[-1:] in ([], ["airflow"])


def test_copied_paths_exist_and_are_sent_to_the_engine() -> None:
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    sent = [line[1:] for line in ignore if line.startswith("!")]
    copied = [
        source
        for lines in stages().values()
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for source in [word for word in line.split()[1:] if not word.startswith("--")][:-1]
    ]

    assert copied
    assert [path for path in copied if not (ROOT / path).exists()] == []
    assert [path for path in copied if not any(fnmatch(path, pattern) for pattern in sent)] == []


def test_dags_are_copied_to_where_airflow_looks() -> None:
    copied = {line.split()[-2]: line.split()[-1] for line in stages()["airflow"] if line.startswith("COPY ")}

    assert copied["dags"] == environment("scheduler")["AIRFLOW__CORE__DAGS_FOLDER"]


def test_the_distribution_is_installed_with_the_pins_of_the_image() -> None:
    (copied,) = [line.split() for line in stages()["airflow"] if "--from=distribution" in line]
    (install,) = [line.split() for line in stages()["airflow"] if line.startswith("RUN pip ")]

    assert install[install.index("--constraint") + 1] == '"${HOME}/constraints.txt"'
    assert '"apache-airflow==${AIRFLOW_VERSION}"' in install
    assert install[-1] == f"{copied[-1]}*.whl"
    (built,) = [line for line in stages()["distribution"] if "-m build" in line]
    assert copied[-2] == "/tmp/build/dist/*.whl"  # noqa: S108 - a path in the image
    assert "--outdir dist" in built


def test_what_the_wheels_are_built_of_is_copied() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())
    job = "spark_jobs"
    for stage, needed in (
        ("distribution", {"pyproject.toml", "hatch_build.py", build["project"]["readme"], "plugins", job}),
        ("sandbox", {"hatch_build.py", job, "sandbox"}),
    ):
        words = {word for line in stages()[stage] if line.startswith("COPY ") for word in line.split()}
        assert needed - words == set(), stage
    assert set(build["project"]["license-files"]) <= {
        word for line in stages()["distribution"] for word in line.split()
    }


def test_one_service_builds_each_image_and_the_others_never_pull_it() -> None:
    ours = {name: one for name, one in SERVICES.items() if one["image"].startswith("cloudtrail-")}
    builders = sorted(name for name, one in ours.items() if "build" in one)

    assert [ours[name]["image"] for name in builders] == ["cloudtrail-sandbox", "cloudtrail-airflow"]
    policies = {name: one["pull_policy"] for name, one in ours.items()}
    assert policies == {name: "build" if name in builders else "never" for name in ours}


@pytest.mark.parametrize("service", SERVICES)
def test_no_container_has_rights_that_it_does_not_need(service: str) -> None:
    # The entry point of the database's image changes the owner of the data, then the user.
    needed = {"postgres": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]}

    assert SERVICES[service]["cap_drop"] == ["ALL"]
    assert SERVICES[service].get("cap_add", []) == needed.get(service, [])
    assert SERVICES[service]["security_opt"] == ["no-new-privileges:true"]


def test_only_who_writes_and_who_checks_the_login_can_read_its_password() -> None:
    folder = Path(environment("api-server")["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]).parent
    readers = {
        name
        for name in airflow_services()
        for volume in SERVICES[name]["volumes"]
        if folder.is_relative_to(volume.split(":")[1])
    }

    assert readers == {"init", "api-server"}
    assert f"RUN mkdir --mode=700 {folder}\n" in DOCKERFILE


def test_tasks_have_time_to_end_when_the_scheduler_is_stopped() -> None:
    assert SERVICES["scheduler"]["stop_grace_period"] == "5m"
    assert {SERVICES[name]["stop_grace_period"] for name in airflow_services()} == {"1m", "5m"}


def test_volumes_are_declared() -> None:
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}

    assert mounted == set(COMPOSE["volumes"])


def test_task_logs_are_on_a_volume_that_all_airflow_services_share() -> None:
    folder = environment("scheduler")["AIRFLOW__LOGGING__BASE_LOG_FOLDER"]

    assert all(f"airflow-logs:{folder}" in SERVICES[name]["volumes"] for name in airflow_services())


@pytest.mark.parametrize("service", [name for name, one in SERVICES.items() if "profiles" in one])
def test_stand_ins_are_started_with_options_that_their_modules_have(service: str) -> None:
    python, dash_m, module, *arguments = SERVICES[service]["command"]
    assert (python, dash_m) == ("python", "-m")

    source = ROOT.joinpath(*module.split("."))
    program = source / "__main__.py" if source.is_dir() else source.with_suffix(".py")
    options = {argument for argument in arguments if argument.startswith("--")}
    assert options <= set(re.findall(r'"(--[a-z-]+)"', program.read_text()))


def test_stand_ins_listen_where_the_connections_and_health_checks_look() -> None:
    for service, port in (("aws", SANDBOX.aws_port), ("databricks", SANDBOX.databricks_port)):
        command = SERVICES[service]["command"]
        assert command[command.index("--port") + 1] == str(port)
        assert f"http://localhost:{port}/" in " ".join(SERVICES[service]["healthcheck"]["test"])


def test_the_stand_in_and_its_connection_share_a_token_by_default() -> None:
    assert environment("databricks")["SANDBOX_DATABRICKS_TOKEN"] == "${SANDBOX_DATABRICKS_TOKEN:-sandbox}"
