"""The real Airflow of the sandbox: its processes, its settings and its connections, all by environment.

Nothing in `dags/` or `plugins/` knows about the sandbox: what differs from production is here.
docker-compose.yml starts the same sub-commands (tests/unit/repository holds the two together).
"""

import json
import os
import sys
from collections.abc import Mapping

from sandbox.settings import HOST, ROOT, Sandbox, Secrets

# Process name → airflow sub-command. Task logs are read from the folder they share, so that neither the
# scheduler nor the triggerer needs a log server, and a port for it.
COMPONENTS: dict[str, tuple[str, ...]] = {
    "airflow-api-server": ("api-server",),
    "airflow-scheduler": ("scheduler", "--skip-serve-logs"),
    "airflow-dag-processor": ("dag-processor",),
    "airflow-triggerer": ("triggerer", "--skip-serve-logs"),
}
MIGRATE = ("db", "migrate")


def command(*arguments: str) -> list[str]:
    """The command line of an airflow sub-command, run by this Python."""
    return [sys.executable, "-m", "airflow", *arguments]


def environment(sandbox: Sandbox, secrets: Secrets) -> dict[str, str]:
    """The environment of every Airflow process: the caller's, without its own Airflow and AWS settings."""
    return inherited() | settings(sandbox, secrets) | connections(sandbox, secrets)


def inherited(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's environment, less what could lead to a real account or another Airflow."""
    foreign = ("AIRFLOW", "AWS_", "BOTO", "DATABRICKS_", "SPARK_", "PYSPARK_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    own = {
        # No credentials but those of the connections: neither a profile nor the machine's own role.
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
    """Airflow's configuration, as AIRFLOW__SECTION__OPTION."""
    return {
        "AIRFLOW_HOME": str(sandbox.airflow_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(sandbox.dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__FERNET_KEY": secrets.fernet_key,
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        # Every worker process takes memory; no task of ours holds one while it waits.
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
    """The two connections the DAG uses by default, pointing at the stand-ins."""
    aws = {
        "conn_type": "aws",
        # Airflow masks a password wherever it prints it: it must not be a word of names.
        "login": "sandbox",
        "password": "any-key-will-do",
        "extra": {
            "endpoint_url": sandbox.aws_url,
            "region_name": "us-east-1",
            # To assume a role the provider asks AWS itself, but for an endpoint of this service.
            "service_config": {"sts": {"endpoint_url": sandbox.aws_url}},
        },
    }
    databricks = {
        "conn_type": "databricks",
        "schema": "http",
        "host": HOST,
        "port": sandbox.databricks_port,
        "password": secrets.databricks_token,
    }
    return {
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(aws),
        "AIRFLOW_CONN_DATABRICKS_DEFAULT": json.dumps(databricks),
    }
