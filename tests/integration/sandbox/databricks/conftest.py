"""A wheel of tiny jobs in the session's stand-in."""

import pytest

from tests.integration.sandbox.databricks import probe


@pytest.fixture(scope="session")
def probe_wheel(tmp_path_factory):
    return probe.wheel(tmp_path_factory.mktemp("probe"))


@pytest.fixture(autouse=True)
def _nothing_left_behind(request):
    """A test that failed half-way leaves no run in the queue of the next."""
    yield
    if "databricks" in request.fixturenames:
        one = request.getfixturevalue("databricks")
        one.call("DELETE", "/sandbox/faults")
        one.cancel_all()


@pytest.fixture(scope="session")
def location(databricks, probe_wheel):
    """Where the wheel is in the session's stand-in."""
    return databricks.upload(probe_wheel)
