"""The pool is made in a real database of Airflow's, of both kinds, whoever is in the middle of what."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[5]
CODE = """
from types import SimpleNamespace
from airflow.jobs.job import Job
from airflow.models.pool import Pool
from airflow.utils.session import create_session
from cloudtrail_to_delta.runs import pools

def shown():
    with create_session(scoped=False) as session:
        pool = Pool.get_pool(pools.SUBMIT_POOL, session=session)
        return pool and (pool.slots, pool.include_deferred)

ours, other = SimpleNamespace(dag_id="cloudtrail_ingest__payments"), SimpleNamespace(dag_id="other")
print(shown())
Job()
print(shown())
Pool.create_or_update_pool(pools.SUBMIT_POOL, slots=3, description="ours", include_deferred=True)
Job()
pools.on_dag_run_running(ours, "")
print(shown())
Pool.delete_pool(pools.SUBMIT_POOL)
pools.on_dag_run_running(other, "")
print(shown())
with create_session() as session:
    # As in the scheduler: a transaction that has read, and goes on afterwards.
    Pool.get_pools(session=session)
    pools.on_dag_run_running(ours, "")
    Pool.get_pools(session=session)
print(shown())
"""


@pytest.fixture(scope="module")
def printed(new_database, tmp_path_factory):
    home = tmp_path_factory.mktemp("airflow")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": new_database(),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "PYTHONPATH": str(ROOT / "plugins"),
    }
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_process_of_airflows_own_makes_the_pool_when_it_starts(printed):
    assert printed[:2] == ["None", "(1, False)"]


def test_a_pool_that_is_there_is_never_changed(printed):
    assert printed[2] == "(3, True)"


def test_a_pool_that_was_deleted_is_made_again_when_a_run_of_ours_starts(printed):
    assert printed[3:] == ["None", "(1, False)"]
