"""The start of a task run's driver, and the reading of its outcome.

One folder has all files of a task run: task.json, conf/spark-defaults.conf, driver.log, and at the end
outcome.json. The installed libraries are in its site/, or in that of the existing cluster that it runs on.
"""

import json
import os
import shutil
import sys
from pathlib import Path

from sandbox.databricks import processes, states
from sandbox.databricks.cluster_rules import STANDARD
from sandbox.databricks.payloads import Json
from sandbox.databricks.processes import Child
from sandbox.databricks.rules import NOT_OF_THE_RUNTIME, Rule
from sandbox.databricks.run_access import RunAccess, runs_as
from sandbox.databricks.settings import Settings
from sandbox.databricks.states import State
from sandbox.databricks.store import Run, TaskRun
from sandbox.spark import properties, spark_environment, write_defaults

DRIVER = Path(__file__).with_name("driver.py")
# The driver must not inherit the token, another workspace's credentials, or the caller's packages.
_PRIVATE = ("SANDBOX_", "DATABRICKS_", "PYTHON", "VIRTUAL_ENV", "COVERAGE_")
_AWS = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_DEFAULT_REGION": "us-east-1"}


class Runner:
    """The means to start drivers and to read their outcomes, for one stand-in."""

    def __init__(self, settings: Settings, access: RunAccess) -> None:
        self._settings, self._access = settings, access

    def folder(self, run_id: int) -> Path:
        """Return the folder of a task run."""
        return self._settings.runs / str(run_id)

    def log(self, run_id: int) -> Path:
        """Return the file with the output of the driver and its children."""
        return self.folder(run_id) / "driver.log"

    def mark(self, run_id: int) -> str:
        """Return the mark in the environment of the task run's processes."""
        return f"{self._settings.state}:{run_id}"

    def launch(self, run: Run, task: TaskRun, cluster: Json) -> Child:
        """Start the driver of `task`, with the settings of its cluster."""
        folder = self.folder(task.run_id)
        folder.mkdir(parents=True, exist_ok=True)
        site = self._site(folder, cluster)
        hidden = NOT_OF_THE_RUNTIME if self._settings.enforces(Rule.RUNTIME_PACKAGES) else ()
        program = program_of(run, task) | {
            "volumes": str(self._settings.volumes),
            "aws_endpoint": self._settings.aws_endpoint,
            "site": str(site),
            "hidden": hidden,
            "s3": self._reads_s3(task, cluster),
        }
        who = runs_as(run.request)
        program["refused"] = self._access.refused_libraries(program["libraries"], who)
        keys = self._access.credentials(task.run_id, cluster, who)
        (folder / "task.json").write_text(json.dumps(program))
        return processes.start(
            [sys.executable, "-P", str(DRIVER), str(folder)],
            mark=self.mark(task.run_id),
            environment=self._environment(folder, site, cluster, keys),
            folder=folder,
            log=self.log(task.run_id),
        )

    def forget(self, cluster_id: str) -> None:
        """Remove the libraries of a cluster that stops or restarts."""
        shutil.rmtree(self._settings.clusters / cluster_id, ignore_errors=True)

    def _site(self, folder: Path, cluster: Json) -> Path:
        """Return the folder for the libraries: the run's, or that of the existing cluster."""
        if "cluster_id" in cluster and self._settings.enforces(Rule.CLUSTER_LIBRARIES):
            return self._settings.clusters / str(cluster["cluster_id"]) / "site"
        return folder / "site"

    def _reads_s3(self, task: TaskRun, cluster: Json) -> bool:
        """Return whether a library may come from S3: only to a cluster with an instance profile."""
        profile = cluster.get("aws_attributes", {}).get("instance_profile_arn")
        serverless = "environment_key" in task.spec
        return (bool(profile) and not serverless) or not self._settings.enforces(Rule.S3_WHEELS)

    def _environment(self, folder: Path, site: Path, cluster: Json, keys: dict[str, str]) -> dict[str, str]:
        settings = properties(
            aws_endpoint=self._settings.aws_endpoint, driver_memory=self._settings.job_memory
        )
        if keys:
            settings |= {
                "spark.hadoop.fs.s3a.access.key": keys["AWS_ACCESS_KEY_ID"],
                "spark.hadoop.fs.s3a.secret.key": keys["AWS_SECRET_ACCESS_KEY"],
                "spark.hadoop.fs.s3a.session.token": keys["AWS_SESSION_TOKEN"],
            }
        # Relative to its working folder, whose name may not be valid in lists.
        settings["spark.local.dir"] = "tmp"
        conf = write_defaults(folder / "conf", settings | cluster.get("spark_conf", {}))
        profile = cluster.get("aws_attributes", {}).get("instance_profile_arn")
        standard = cluster.get("data_security_mode") in STANDARD and profile
        denied = standard and self._settings.enforces(Rule.STANDARD_PROFILE)
        return private(
            spark_environment(conf),
            **({} if denied else _AWS | keys),
            AWS_ENDPOINT_URL=self._settings.aws_endpoint,
            # Spark's Python workers look here too.
            PYTHONPATH=os.pathsep.join((str(site), str(folder / "hidden"))),
            **cluster.get("spark_env_vars", {}),
        )

    def adopt(self, task: TaskRun) -> Child | None:
        """Return the driver that an earlier stand-in has started for `task`; it may have ended since."""
        if not task.launched:
            return None
        mark = self.mark(task.run_id)
        found = processes.adopt(mark, pid=task.pid, born=task.born)
        return found or Child(pid=task.pid, born=task.born, mark=mark)

    def installed(self, run_id: int) -> bool:
        """Return whether the driver has installed its libraries and started the job's code."""
        return (self.folder(run_id) / "running").exists()

    def outcome(self, run_id: int) -> dict[str, str]:
        """Return what the driver wrote when the code ended (result, error, error_trace); empty before."""
        path = self.folder(run_id) / "outcome.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def state_at_end(self, task: TaskRun, child: Child) -> State:
        """Return the state of a task run whose driver has ended by itself."""
        outcome = self.outcome(task.run_id)
        result = outcome.get("result")
        if result == "SUCCESS":
            return states.SUCCEEDED
        if result == "LIBRARY_FAILED":
            return states.library_failed(outcome["error"])
        return states.FAILED if result == "FAILED" else states.driver_lost(child.exit_code)

    def tidy(self, run_id: int) -> None:
        """Remove the files that a killed Spark leaves on disk."""
        shutil.rmtree(self.folder(run_id) / "tmp", ignore_errors=True)


def program_of(run: Run, task: TaskRun) -> Json:
    """Return what the driver must run: libraries, code and argv."""
    spec = task.spec
    libraries = [
        library["whl"] if "whl" in library else library["pypi"]["package"]
        for library in spec.get("libraries", [])
    ]
    for environment in run.request.get("environments", []):
        if environment["environment_key"] == spec.get("environment_key"):
            libraries += environment.get("spec", {}).get("dependencies", [])
    if "spark_python_task" in spec:
        script = spec["spark_python_task"]
        return {
            "libraries": libraries,
            "python_file": script["python_file"],
            "argv": script.get("parameters", []),
        }
    wheel = spec["python_wheel_task"]
    named = [f"--{name}={value}" for name, value in wheel.get("named_parameters", {}).items()]
    return {
        "libraries": libraries,
        "package_name": wheel["package_name"],
        "entry_point": wheel["entry_point"],
        "argv": wheel.get("parameters", []) or named,
    }


def private(environment: dict[str, str], **more: str) -> dict[str, str]:
    """Return `environment` with `more` and without the stand-in's secrets, for a process with users' code."""
    kept = {key: value for key, value in environment.items() if not key.startswith(_PRIVATE)}
    return kept | {"PYTHONUNBUFFERED": "1"} | more
