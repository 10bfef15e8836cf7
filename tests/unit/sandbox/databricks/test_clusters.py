"""What becomes of a cluster by itself: it stops when nothing has run on it for long enough."""

import pytest

from sandbox.databricks.clock import now_ms
from sandbox.databricks.cluster_policies import ClusterPolicies
from sandbox.databricks.clusters import KIND, Clusters
from sandbox.databricks.objects import Objects
from sandbox.databricks.settings import Settings

MINUTE = 60_000


@pytest.fixture
def clusters(tmp_path):
    """One cluster, started an hour ago, that stops after ten idle minutes."""
    cluster = {"cluster_id": "c", "state": "RUNNING", "autotermination_minutes": 10}
    cluster["last_restarted_time"] = now_ms() - 60 * MINUTE
    objects = Objects(tmp_path / "w.sqlite", {KIND: {"c": cluster}})
    settings = Settings(state=tmp_path, aws_endpoint="http://127.0.0.1:9", token="t")
    yield Clusters(objects, ClusterPolicies(objects), settings)
    objects.close()


@pytest.mark.parametrize(
    ("last_use", "state"),
    [
        (lambda _: 0, "TERMINATED"),
        (lambda _: now_ms() - 11 * MINUTE, "TERMINATED"),
        (lambda _: now_ms() - 9 * MINUTE, "RUNNING"),
        # A job runs on it now.
        (lambda _: None, "RUNNING"),
    ],
)
def test_it_stops_after_the_idle_minutes_that_it_has(clusters, last_use, state):
    clusters.last_use = last_use
    shown = clusters.get({"cluster_id": "c"})
    assert shown["state"] == state
    if state == "TERMINATED":
        assert shown["termination_reason"]["code"] == "INACTIVITY"


def test_a_job_starts_one_that_has_stopped_and_waits(clusters):
    clusters.last_use = lambda _: 0
    assert clusters.wanted_by_job("c") == "TERMINATED"
    assert clusters.record("c")["state"] == "PENDING"
    assert clusters.wanted_by_job("gone") == ""
