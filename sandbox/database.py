"""Airflow's metadata database of a sandbox: SQLite, a copy of one that was migrated at set-up.

A sandbox that was given the address of another database uses that one.

`airflow db migrate` of an empty database takes some ten seconds and always comes to the same, so that
`make setup` does it once per Airflow version.
"""

import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

from sandbox import airflow
from sandbox.errors import SandboxError
from sandbox.settings import ROOT, Sandbox, Secrets

CACHE = ROOT / ".cache"


def prepare(cache: Path = CACHE) -> Path:
    """The migrated empty database of this Airflow version, made when it is missing."""
    home = cache / f"airflow-{version('apache-airflow')}"
    if not (home / "migrated").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        migrate(f"sqlite:///{home / 'airflow.db'}", home)
        (home / "migrated").touch()
    return home / "airflow.db"


def create(sandbox: Sandbox, secrets: Secrets) -> None:
    """Give the sandbox its database; one of another Airflow version is migrated and keeps its runs.

    One that was given to the sandbox is left as it is.
    """
    home = sandbox.airflow_home
    if sandbox.database:
        home.mkdir(parents=True, exist_ok=True)
        return
    kept = home / "version"
    if kept.exists() and kept.read_text() == version("apache-airflow"):
        return
    home.mkdir(parents=True, exist_ok=True)
    if kept.exists():
        _migrate(airflow.environment(sandbox, secrets))
    else:
        shutil.copyfile(prepare(), home / "airflow.db")
    kept.write_text(version("apache-airflow"))


def migrate(address: str, home: Path) -> None:
    """Bring the database at `address` to this Airflow version's schema; `home` is its Airflow's folder."""
    _migrate(
        airflow.inherited(
            {
                "AIRFLOW_HOME": str(home),
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address,
            }
        )
    )


def _migrate(environment: dict[str, str]) -> None:
    done = subprocess.run(
        airflow.command(*airflow.MIGRATE),
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        shown = (done.stdout + done.stderr)[-3000:]
        raise SandboxError(f"`airflow db migrate` ended with {done.returncode}:\n{shown}")
