"""Names of Databricks runs. A name contains the run's checkpoints and the DAG run that submitted it.

`cloudtrail events s3://lake/checkpoints/events insights s3://… (dag, run)`: a pair of kind and checkpoint, or
several pairs if kinds share a run. Only the name identifies a rival run, because Databricks lists runs with
their names but without their parameters.
"""

from collections.abc import Sequence

from airflow.sdk import Context

from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.params.request import IngestRequest


def is_ingest_run(name: str) -> bool:
    """Return whether a Databricks run of this name belongs to this pipeline, in any Airflow."""
    return name.startswith(tuple(f"cloudtrail {kind} " for kind in KINDS))


def works_on(name: str, request: IngestRequest) -> bool:
    """Return whether a run of this name uses the request's checkpoint, alone or among others."""
    # Kinds and checkpoints contain no spaces, so this always matches a whole pair.
    return is_ingest_run(name) and f" {request.kind} {request.checkpoint_path} " in name


def run_name(requests: Sequence[IngestRequest], context: Context) -> str:
    """Return the run's name, from its checkpoints and the DAG run that submits it."""
    pairs = " ".join(f"{request.kind} {request.checkpoint_path}" for request in requests)
    return f"cloudtrail {pairs} {own_run(context)}"


def own_run(context: Context) -> str:
    """Return the end of the names of the runs that this DAG run submits."""
    dag_run = context["dag_run"]
    return f"({dag_run.dag_id}, {dag_run.run_id})"
