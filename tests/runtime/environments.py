"""The Python environments and the Spark Connect server of `make test-matrix ARGS=17.3`.

The packages are those of Databricks Runtime 17.3 LTS. Source: github.com/databricks/containers,
`ubuntu/python/requirements.txt` ("Update DCS to match DBR 17.3", 2025-11-18), which has neither msgspec nor
isal. For Spark, Delta and Python: Databricks Runtime 17.3 LTS, "System environment".
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from sandbox import auto_loader, install, wheel
from sandbox.spark import ROOT, properties, resolve_jars, spark_environment, write_defaults

PYTHON = "3.12"
SPARK = ("pyspark==4.0.0", "pyarrow==19.0.1", "pandas==2.2.3", "numpy==2.1.3")
CONNECT = ("grpcio==1.67.0", "grpcio-status==1.67.0", "googleapis-common-protos==1.65.0")
JARS = ("io.delta:delta-spark_2.13:4.0.0",)
PATIENCE = 120


class EnvironmentMissingError(RuntimeError):
    """A tool that the profile needs is not on this machine."""


def interpreter() -> str:
    """Return a Python of the runtime's version: on the path, or one of pyenv's.

    Raises:
        EnvironmentMissingError: if there is none.
    """
    named = [found for found in (shutil.which(f"python{PYTHON}"),) if found]
    installed = sorted(Path.home().glob(f".pyenv/versions/{PYTHON}.*/bin/python{PYTHON}"))
    for candidate in (*named, *map(str, installed)):
        if subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    raise EnvironmentMissingError(f"Python {PYTHON} is missing: install it, or put it on the PATH")


def prepare(folder: Path, *, accelerators: bool) -> None:
    """Make the environments of the job's process and of the server, once for each content of the job."""
    built = _wheel(folder / "wheel")
    job = f"{built}[fast]" if accelerators else str(built)
    stamp = folder / "installed"
    wanted = repr((SPARK, CONNECT, job))
    if stamp.exists() and stamp.read_text() == wanted:
        return
    python, environment = interpreter(), install.uv_environment(install.pip_settings(), os.environ)
    uv = (sys.executable, "-m", "uv")
    for name in ("client", "server"):
        home = folder / name
        subprocess.run(
            [*uv, "venv", "--quiet", "--clear", "--python", python, home], env=environment, check=True
        )
        packages = (*SPARK, *CONNECT, job)
        into = [*uv, "pip", "install", "--quiet", "--python", home / "bin" / "python", *packages]
        subprocess.run(into, env=environment, check=True)
    stamp.write_text(wanted)


def _wheel(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return wheel.build(folder=folder)


@contextmanager
def server(folder: Path, log: Path):
    """Yield the address and the process of a Spark Connect server that passes for Databricks.

    Nothing of the job is on its path: it has the job's wheel as a package.
    """
    jars = resolve_jars(ROOT / ".cache" / "spark-jars-4.0", JARS).parent
    port = _free_port()
    settings = properties(aws_endpoint=None, jars=jars) | {"spark.connect.grpc.binding.port": str(port)}
    conf = write_defaults(log.parent / "conf", settings)
    python = folder / "server" / "bin" / "python"
    home = next((folder / "server").glob("lib/python*/site-packages/pyspark"))
    variables = auto_loader.environment() | {
        "PYSPARK_PYTHON": str(python),
        "PYSPARK_DRIVER_PYTHON": str(python),
        "SPARK_HOME": str(home),
    }
    command = [
        home / "bin" / "spark-submit",
        "--class",
        "org.apache.spark.sql.connect.service.SparkConnectServer",
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--name", "connect", "spark-internal"],
            env=spark_environment(conf, **variables),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(process, port, log)
            yield f"sc://127.0.0.1:{port}", process
        finally:
            process.terminate()
            process.wait(PATIENCE)


def run_client(folder: Path, address: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `client.py` as Databricks runs a wheel task: in an environment that has the wheel as a package."""
    return subprocess.run(
        [folder / "client" / "bin" / "python", Path(__file__).with_name("client.py"), *words],
        env=os.environ
        | {"SPARK_REMOTE": address, auto_loader.RUNTIME: "17.3", "TZ": "UTC", "PYTHONUNBUFFERED": "1"}
        | variables,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(process, port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise RuntimeError(f"the Spark Connect server did not start:\n{log.read_text()[-3000:]}")
