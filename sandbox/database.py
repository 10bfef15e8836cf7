"""The metadata database of a sandbox's Airflow.

It is an SQLite file, unless the sandbox has the address of another database. `airflow db migrate` takes about
10 seconds for an empty database and always gives the same result. So `make setup` runs it once for each
Airflow version, and every new sandbox gets a copy.
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
    """Return the migrated empty database of this Airflow version; create it if it is missing."""
    home = cache / f"airflow-{version('apache-airflow')}"
    if not (home / "migrated").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        migrate(f"sqlite:///{home / 'airflow.db'}", home)
        (home / "migrated").touch()
    return home / "airflow.db"


def create(sandbox: Sandbox, secrets: Secrets) -> None:
    """Create the sandbox's database; migrate one of another Airflow version, which keeps its runs.

    If the sandbox has the address of another database, that database is left unchanged.
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
    """Migrate the database at `address` to this Airflow version's schema; `home` is AIRFLOW_HOME."""
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
        raise SandboxError(f"`airflow db migrate` failed with exit code {done.returncode}:\n{shown}")
