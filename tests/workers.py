"""The distribution of tests to the workers of `make test`, so that only one worker starts each slow fixture.

A whole sandbox, a Spark and the stand-ins are session fixtures, and every worker is a session.
"""

import pytest

_PLUGINS = "tests/integration/plugins/cloudtrail_to_delta"
# One worker runs all tests of such a folder; the longest come first. Of all other tests, it runs a file.
# The Airflow of tests/e2e keeps running until its worker ends, so it starts late.
WHOLE = (
    "tests/integration/spark_jobs",
    f"{_PLUGINS}/setup",
    f"{_PLUGINS}/ui",
    f"{_PLUGINS}/preflight",
    _PLUGINS,
    "tests/integration/sandbox",
    "tests/e2e",
    "tests/install",
)
# This file needs the Spark of the job's tests.
MOVED = {f"{_PLUGINS}/tables/test_delta_log.py": "tests/integration/spark_jobs"}


def group_of(nodeid):
    """Return the name of the group that a test belongs to."""
    path = nodeid.partition("::")[0]
    return MOVED.get(path) or next((part for part in WHOLE if path.startswith(f"{part}/")), path)


def pytest_collection_modifyitems(items):
    """Sort the tests by group."""
    order = {group: number for number, group in enumerate(WHOLE)}
    items.sort(key=lambda item: order.get(group_of(item.nodeid), len(WHOLE)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Return an xdist scheduler whose scopes are these groups; xdist's marker needs an older pytest."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group_of(nodeid)

    return Groups(config, log)
