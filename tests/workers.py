"""How `make test` shares the tests out to its workers: what takes long to start is started by one of them.

A whole sandbox, a Spark, the stand-ins: each is a fixture of the session, and every worker is a session.
"""

import pytest

_PLUGINS = "tests/integration/plugins/cloudtrail_to_delta"
# Each of these folders is one worker's, the longest first; then what shares its servers with none of them. Of
# everything else, each file is. The Airflow of tests/e2e runs to the end of its worker: so it starts late.
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
# It needs the Spark of the tests of the job.
MOVED = {
    "tests/integration/plugins/cloudtrail_to_delta/tables/test_delta_log.py": "tests/integration/spark_jobs"
}


def group_of(nodeid):
    """The name of the group that a test belongs to."""
    path = nodeid.partition("::")[0]
    return MOVED.get(path) or next((part for part in WHOLE if path.startswith(f"{part}/")), path)


def pytest_collection_modifyitems(items):
    """The groups in their order, the tests of each together."""
    order = {group: number for number, group in enumerate(WHOLE)}
    items.sort(key=lambda item: order.get(group_of(item.nodeid), len(WHOLE)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A scheduler of xdist with these groups as scopes; xdist's own marker for it needs an older pytest."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group_of(nodeid)

    return Groups(config, log)
