"""A metadata database of each test's own, and the secret that Airflow's tokens need."""

import pytest

from tests.fixtures.metadata import Metadata
from tests.fixtures.pages import SECRET


@pytest.fixture
def metadata(tmp_path, monkeypatch):
    """An empty database."""
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", SECRET)
    found = Metadata(tmp_path / "airflow.db")
    yield found
    found.engine.dispose()
