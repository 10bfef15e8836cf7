"""A metadata database of each test's own, one that is full of made-up accounts, and the rights to one DAG."""

import pytest
from airflow.api_fastapi.app import purge_cached_app

from tests.fixtures.made_up import fill
from tests.fixtures.metadata import Metadata
from tests.fixtures.pages import SECRET, Networked, OneDag


@pytest.fixture
def secret(monkeypatch):
    """What tokens are signed with."""
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", SECRET)


@pytest.fixture
def metadata(new_database, secret):
    """An empty database."""
    found = Metadata(new_database())
    yield found
    found.engine.dispose()


@pytest.fixture(scope="module")
def filled(new_database):
    """The database of the made-up accounts, which tests only read."""
    found = Metadata(new_database())
    fill(found)
    yield found
    found.engine.dispose()


@pytest.fixture
def made_up(filled, secret):
    """The same, for a test that signs in."""
    return filled


@pytest.fixture
def one_dag(monkeypatch):
    """Tells the auth manager which DAG everybody may read, and no other."""
    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", f"{OneDag.__module__}.{OneDag.__name__}")
    yield lambda dag_id: monkeypatch.setattr(OneDag, "allowed", dag_id)
    monkeypatch.undo()
    # Airflow keeps an auth manager as long as it is of the class that is wanted, or of one below it.
    purge_cached_app()


@pytest.fixture
def networked(monkeypatch, metadata):
    """The auth manager that keeps its questions."""
    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", f"{Networked.__module__}.{Networked.__name__}")
    monkeypatch.setattr(Networked, "questions", [])
    monkeypatch.setattr(Networked, "refused", set())
    monkeypatch.setattr(Networked, "connections", staticmethod(metadata.engine.pool.checkedout))
    yield Networked
    monkeypatch.undo()
    purge_cached_app()
