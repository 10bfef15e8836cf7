"""The real Airflow of the sandbox: its processes, settings and connections, all set by the environment.

Nothing in `dags/` or `plugins/` knows about the sandbox: every difference from production is here.
docker-compose.yml starts the same sub-commands, which a test in tests/unit/repository compares.
"""

import json
import os
import sys
from collections.abc import Mapping

from sandbox.aws.seed import ACCOUNT, READER_ROLE
from sandbox.settings import HOST, ROOT, Sandbox, Secrets

# Process name → airflow sub-command. The processes share the folder of task logs, so that neither the
# scheduler nor the triggerer needs a log server, which would need a port.
COMPONENTS: dict[str, tuple[str, ...]] = {
    "airflow-api-server": ("api-server",),
    "airflow-scheduler": ("scheduler", "--skip-serve-logs"),
    "airflow-dag-processor": ("dag-processor",),
    "airflow-triggerer": ("triggerer", "--skip-serve-logs"),
}
MIGRATE = ("db", "migrate")
# Variables: the set-up may change the role that the sandbox is seeded with, as an operator would allow it.
VARIABLES = {"AIRFLOW_VAR_CLOUDTRAIL_SETUP_ROLES": f"arn:aws:iam::{ACCOUNT}:role/{READER_ROLE}"}


def command(*arguments: str) -> list[str]:
    """Return the command line of an airflow sub-command that this Python runs."""
    return [sys.executable, "-m", "airflow", *arguments]


def environment(sandbox: Sandbox, secrets: Secrets) -> dict[str, str]:
    """Return the environment of every Airflow process: the sandbox's settings over `inherited`."""
    own = settings(sandbox, secrets) | connections(sandbox, secrets) | VARIABLES
    return inherited() | own | dict(sandbox.settings)


def inherited(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the caller's environment, without the variables that could lead to a real account or Airflow."""
    foreign = ("AIRFLOW", "AWS_", "BOTO", "DATABRICKS_", "SPARK_", "PYSPARK_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    own = {
        # Only the connections supply credentials: neither a profile nor the machine's role does.
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": f"{HOST},localhost",
        "no_proxy": f"{HOST},localhost",
        "PYTHONUNBUFFERED": "1",
        "TZ": "UTC",
    }
    return kept | own | dict(more or {})


def settings(sandbox: Sandbox, secrets: Secrets) -> dict[str, str]:
    """Return Airflow's configuration as variables AIRFLOW__SECTION__OPTION."""
    return {
        "AIRFLOW_HOME": str(sandbox.airflow_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(sandbox.dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__FERNET_KEY": secrets.fernet_key,
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        # Every worker process takes memory. Our tasks hold none while they wait.
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{sandbox.airflow_url}/execution/",
        # The UI opens without a login, on the loopback interface only.
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(sandbox.airflow_port),
        "AIRFLOW__API__BASE_URL": sandbox.airflow_url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secrets.api_secret_key,
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.jwt_secret,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": sandbox.database
        or f"sqlite:///{sandbox.airflow_home / 'airflow.db'}?timeout=60",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(sandbox.airflow_home / "logs"),
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
    }


def connections(sandbox: Sandbox, secrets: Secrets) -> dict[str, str]:
    """Return the DAG's two default connections, which point at the stand-ins."""
    aws = {
        "conn_type": "aws",
        # Airflow masks a password in everything that it prints: it must not be a word that names contain.
        "login": "sandbox",
        "password": "any-key-will-do",
        "extra": {
            "endpoint_url": sandbox.aws_url,
            "region_name": "us-east-1",
            # To assume a role, the provider calls the real AWS unless STS has an endpoint here.
            "service_config": {"sts": {"endpoint_url": sandbox.aws_url}},
        },
    }
    databricks = {
        "conn_type": "databricks",
        "schema": "http",
        "host": HOST,
        "port": sandbox.databricks_port,
        # The service principal that runs the ingest. `sandbox.setup` adds the admin's connection.
        "password": secrets.databricks_service_token,
    }
    return {
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(aws),
        "AIRFLOW_CONN_DATABRICKS_DEFAULT": json.dumps(databricks),
    }
