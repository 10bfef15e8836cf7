"""An existing cluster keeps the libraries of its runs, which is why every build needs its own version."""

import pytest
from databricks.sdk.service.compute import State

from tests.fixtures.databricks import CLUSTER_ID, build_wheel, until

SAYS = "import sys\ndef main():\n    print({words!r}, flush=True)\n"


@pytest.fixture
def run(tmp_path, databricks):
    """Runs a wheel of this version that prints the words; returns the driver's log."""

    def log_of(words, version, name, one=databricks):
        wheel = build_wheel(tmp_path, name, SAYS.format(words=words), version=version)
        task = {
            "task_key": "main",
            "existing_cluster_id": CLUSTER_ID,
            "libraries": [{"whl": one.upload(wheel)}],
            "python_wheel_task": {"package_name": name, "entry_point": "main"},
        }
        ended = one.ended(one.submit(task))
        return one.output(ended["tasks"][0]["run_id"])["logs"]

    return log_of


def restart(databricks):
    clusters = databricks.sdk().clusters
    clusters.delete(CLUSTER_ID)
    until(lambda: clusters.get(CLUSTER_ID).state == State.TERMINATED, "the cluster")


def test_a_wheel_of_an_installed_version_does_not_run_until_the_cluster_stops(run, databricks):
    assert "the old code" in run("the old code", "1.0", "kept")
    assert "the old code" in run("the new code", "1.0", "kept")
    assert "the new code" in run("the new code", "1.0+hb", "kept")
    assert "the old code" in run("the old code", "1.0+ha", "kept")
    restart(databricks)
    assert "the new code" in run("the new code", "1.0", "kept")


def test_without_the_rule_each_run_has_its_own_libraries(run, stand_in):
    one = stand_in("--without-rule", "cluster-libraries").start()
    assert "the old code" in run("the old code", "1.0", "alone", one)
    assert "the new code" in run("the new code", "1.0", "alone", one)


@pytest.mark.parametrize("compute", ["sandbox-no-profile", "serverless"])
def test_a_wheel_in_s3_needs_an_instance_profile(databricks, aws, tmp_path, compute):
    wheel = build_wheel(tmp_path, "in_s3", SAYS.format(words="ran"))
    # The profile's role may read there.
    key = f"code/{wheel.name}"
    aws.client("s3").put_object(Bucket="cloudtrail-lake", Key=key, Body=wheel.read_bytes())
    task = {"task_key": "main", "python_wheel_task": {"package_name": "in_s3", "entry_point": "main"}}
    libraries, more = {"libraries": [{"whl": f"s3://cloudtrail-lake/{key}"}]}, {}
    if compute == "serverless":
        spec = {"environment_version": "4", "dependencies": [f"s3://cloudtrail-lake/{key}"]}
        libraries = {"environment_key": "e"}
        more = {"environments": [{"environment_key": "e", "spec": spec}]}
    else:
        libraries |= {"existing_cluster_id": compute}
    ended = databricks.ended(databricks.submit(task | libraries, **more))
    assert "the cluster has no instance profile" in str(ended)
    if compute != "serverless":
        libraries |= {"existing_cluster_id": CLUSTER_ID}
        assert databricks.ended(databricks.submit(task | libraries))["state"]["result_state"] == "SUCCESS"
