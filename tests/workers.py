"""The distribution of tests to the workers of `make test`, so that only one worker starts each slow fixture.

A whole sandbox, a Spark and the stand-ins are session fixtures, and every worker is a session.
"""

import pytest

# One worker runs all tests of such a folder; the longest come first. Of all other tests, it runs a file.
WHOLE = (
    "tests/e2e",
    "tests/integration/spark_jobs",
    "tests/integration/plugins",
    "tests/integration/sandbox",
    "tests/install",
)
# This file needs the Spark of the job's tests.
MOVED = {"tests/integration/plugins/cloudtrail_to_delta/test_delta_log.py": "tests/integration/spark_jobs"}


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
