"""Names of Databricks runs: they say on which checkpoints a run works, and which DAG run submitted it.

`cloudtrail events s3://lake/checkpoints/events insights s3://… (dag, run)`: a kind and its checkpoint, one
pair or, where kinds share a run, several. Nothing else tells a rival's run from others: Databricks lists runs
with their names and without their parameters.
"""

from collections.abc import Sequence

from airflow.sdk import Context

from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.params.request import IngestRequest


def is_ingest_run(name: str) -> bool:
    """Whether a Databricks run of this name is one of ours, whoever submitted it."""
    return name.startswith(tuple(f"cloudtrail {kind} " for kind in KINDS))


def works_on(name: str, request: IngestRequest) -> bool:
    """Whether a run of this name works on the request's checkpoint, alone or among others."""
    # Neither kinds nor checkpoints have spaces in them, so this is a whole pair wherever it stands.
    return is_ingest_run(name) and f" {request.kind} {request.checkpoint_path} " in name


def run_name(requests: Sequence[IngestRequest], context: Context) -> str:
    """The run's name: its checkpoints, and the DAG run that submitted it."""
    pairs = " ".join(f"{request.kind} {request.checkpoint_path}" for request in requests)
    return f"cloudtrail {pairs} {own_run(context)}"


def own_run(context: Context) -> str:
    """How the names of the runs that this DAG run submits end."""
    dag_run = context["dag_run"]
    return f"({dag_run.dag_id}, {dag_run.run_id})"
