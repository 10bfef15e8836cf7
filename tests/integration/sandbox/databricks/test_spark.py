"""A job with a real Spark: the wheel's code in the workers, Delta on S3, and an end that leaves no JVM."""

import psutil

from sandbox import shared_classes
from sandbox.spark import JARS
from tests.fixtures.databricks import until
from tests.integration.sandbox.databricks import probe


def spark_processes(task_id):
    """The processes of a task run's Spark by name, known by the file with its settings."""
    settings = f"runs/{task_id}/conf/spark-defaults.conf"
    found = {}
    for process in psutil.process_iter():
        try:
            if settings in process.environ().get("PYSPARK_SUBMIT_ARGS", "") and process.status() != "zombie":
                found[process.name()] = process
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_a_spark_job_writes_delta_to_s3_and_cancelling_it_ends_its_jvm(databricks, location, aws):
    # The profile's role may write there.
    run_id = databricks.submit(probe.task(location, "spark", "s3://cloudtrail-lake/delta/doubled"))
    task_id = databricks.run(run_id)["tasks"][0]["run_id"]

    def written():
        output = databricks.output(task_id)
        assert "error" not in output, output["error_trace"]
        return "written" in output["logs"]

    until(written, "the table", seconds=180)
    listed = aws.client("s3").list_objects_v2(Bucket="cloudtrail-lake", Prefix="delta/doubled/")["Contents"]
    names = [one["Key"] for one in listed if one["Size"]]
    assert [name.endswith("/00000000000000000000.json") for name in names].count(True) == 1
    assert [name.endswith(".parquet") for name in names].count(True) == 1
    java = spark_processes(task_id)["java"]
    # It maps the classes that set-up has archived, instead of loading each of them.
    assert str(JARS / shared_classes.ARCHIVE) in {one.path for one in java.memory_maps()}
    databricks.call("POST", "/api/2.2/jobs/runs/cancel", json={"run_id": run_id})
    assert databricks.ended(run_id)["state"]["result_state"] == "CANCELED"
    assert spark_processes(task_id) == {}
    assert not (databricks.state / "runs" / str(task_id) / "tmp").exists()
