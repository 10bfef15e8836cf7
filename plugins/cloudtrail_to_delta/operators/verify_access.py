"""The verification job of the set-up: submit it once, wait without a worker slot, remove its traces."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from airflow.providers.databricks.exceptions import DatabricksApiError
from airflow.providers.databricks.hooks.databricks import RunState
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.errors import CloudTrailError, FatalError
from cloudtrail_to_delta.hooks.databricks import IngestHook
from cloudtrail_to_delta.operators.one_time_run import OneTimeRunOperator, may_be_a_used_token
from cloudtrail_to_delta.operators.setup import reached, require_approval
from cloudtrail_to_delta.operators.stage import put_file
from cloudtrail_to_delta.operators.submit import MAX_GENERATIONS, idempotency_token
from cloudtrail_to_delta.operators.wait import WaitForIngestRunOperator
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.records.setup import Approval, Planned
from cloudtrail_to_delta.runs.names import own_run
from cloudtrail_to_delta.runs.wheel import find_wheel, place_of
from cloudtrail_to_delta.setup.databricks.access import checks, compute_of, verify_payload, write_folders
from cloudtrail_to_delta.setup.refusals import refused_calls
from cloudtrail_to_delta.setup.request import SetupRequest
from cloudtrail_to_delta.setup.resources import Clouds


class VerifyAccessOperator(OneTimeRunOperator):
    """Submits the job that lists, reads, writes and deletes with the reader role; returns its run id.

    As in an ingest, a retried or cleared task finds its earlier run. It starts another run only if that one
    ended without success. It skips itself in mode `remove`, for a plan that was not approved, and if the
    set-up has no compute.
    """

    template_fields = (*OneTimeRunOperator.template_fields, "request", "planned", "approval")

    def __init__(self, *, request: Any, planned: Any, approval: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.request = request
        self.planned = planned
        self.approval = approval

    def execute(self, context: Context) -> int:
        """Stage the wheel, then submit the job or find the run of an earlier try. Return the run id."""
        require_approval(Planned.from_dict(self.planned), Approval.from_dict(self.approval))
        request = SetupRequest.from_dict(self.request)
        if request.mode != "apply":
            raise AirflowSkipException(f"the mode is {request.mode!r}: there is nothing to verify.")
        request, clouds = reached(self.request)
        compute = compute_of(request, clouds)
        if compute is None:
            raise AirflowSkipException(
                "the set-up has no compute to try the role on (databricks_compute is "
                f"{request.databricks_compute!r}, actions are {', '.join(request.actions)}): nothing "
                "was verified."
            )
        with refused_calls(f"the code root {request.code_root}", clouds):
            wheel = stage_wheel(request, clouds, self._hook)
        with refused_calls(f"the log bucket {request.bucket}", clouds):
            wanted = checks(request, clouds)
        self.json = verify_payload(
            compute,
            wanted,
            wheel=wheel,
            name=f"cloudtrail verify access {own_run(context)}",
            minutes=request.verify_timeout_minutes,
            principal=request.ingest_principal,
        )
        refused: DatabricksApiError | None = None
        for generation in range(MAX_GENERATIONS):
            self.idempotency_token = idempotency_token(context, self.task_id, generation)
            try:
                super().execute(context)
            except DatabricksApiError as refusal:
                if not may_be_a_used_token(refusal, context):
                    raise
                refused = refused or refusal
                continue
            run = self._hook.find_run(int(self.run_id or 0))
            if run is None:
                continue
            state = RunState(**run["state"])
            if state.life_cycle_state == "TERMINATING":
                raise CloudTrailError(
                    f"run {self.run_id} is being canceled: the next try starts another one once it has ended."
                )
            if not state.is_terminal or state.is_successful:
                self.log.info("Run %s (generation %s): %s", self.run_id, generation, state)
                return int(self.run_id or 0)
            self.log.info("Run %s of generation %s ended as %s", self.run_id, generation, state)
        raise refused or FatalError(
            f"{MAX_GENERATIONS} verification runs failed in this DAG run; the last one is {self.run_id}. Fix "
            "the error that it shows, then trigger a new DAG run."
        )


class WaitForVerifyOperator(WaitForIngestRunOperator):
    """Waits for the verification run and removes what Spark left. Fails with what the role cannot do.

    Returns:
        One line.
    """

    submits = "try_access"
    template_fields = (*WaitForIngestRunOperator.template_fields, "request")

    def __init__(self, *, request: Any, **kwargs: Any) -> None:
        super().__init__(stream_trigger="available_now", **kwargs)
        self.request = request

    @cached_property
    def databricks(self) -> IngestHook:
        """The hook of the set-up's connection."""
        return IngestHook(self.databricks_conn_id, caller=type(self).__name__)

    def execute(self, context: Context) -> str:  # type: ignore[override] # one line, an ingest returns nothing
        """Check the run once, then defer until it ends."""
        super().execute(context)
        return self._concluded()

    def conclude(self, context: Context, event: dict[str, Any]) -> str:  # type: ignore[override] # as above
        """Handle the trigger's event."""
        super().conclude(context, event)
        return self._concluded()

    def advised(self, failure: str, state: RunState) -> str:
        """Return why the run failed, and what to do; a run that failed by itself tried the permissions."""
        if state.result_state != "FAILED":
            return super().advised(failure, state)
        return (
            f"{failure} The permission is missing in the policy of the role, of the bucket or of the key, or "
            "a service control policy denies it. A new policy may take a minute to take effect. Fix the "
            f"policy, then run the set-up again, or clear `{self.submits}` with its downstream tasks."
        )

    def _concluded(self) -> str:
        request = SetupRequest.from_dict(self.request)
        left = remove_traces(request, request.clouds())
        if left:
            self.log.warning("The access check left objects that could not be deleted: %s", ", ".join(left))
        return (
            "the reader role can list and read the logs, as far as there are any, and write, read and delete "
            "in the target"
        )


def stage_wheel(request: SetupRequest, clouds: Clouds, hook: IngestHook) -> str:
    """Put the job wheel under the code root, unless it is already there. Return its path.

    Its path contains a hash of its content.

    Raises:
        FatalError: if there is no wheel, or more than one.
    """
    wheel = find_wheel()
    content = wheel.read_bytes()
    target = place_of(wheel, request.code_root)
    if target.startswith("/Volumes/"):
        hook.put_volume_file(target, content)
        return target
    put_file(clouds.aws(request.reader_account, "s3"), target, content)
    return target


def remove_traces(request: SetupRequest, clouds: Clouds) -> list[str]:
    """Delete what commit protocols leave in the check's folders. Return what could not be deleted."""
    from botocore.exceptions import ClientError

    s3 = clouds.aws(request.reader_account, "s3")
    left = []
    for folder in map(S3Location.parse, dict.fromkeys(write_folders(request))):
        try:
            answer: Mapping[str, Any] = s3.list_objects_v2(Bucket=folder.bucket, Prefix=folder.prefix)
            for one in answer.get("Contents", []):
                s3.delete_object(Bucket=folder.bucket, Key=one["Key"])
            _remove_marker(s3, folder)
        except ClientError as refused:
            left.append(f"{folder.uri} ({refused})")
    return left


def _remove_marker(s3: Any, folder: S3Location) -> None:
    """Delete the empty object that Hadoop leaves in place of a folder after deleting its last file.

    Preflight would treat it as a file in the place of a table. It stays if the folder has other objects.
    """
    parent = f"{folder.key.rpartition('/')[0]}/"
    there = s3.list_objects_v2(Bucket=folder.bucket, Prefix=parent, MaxKeys=2).get("Contents", [])
    if [(one["Key"], one["Size"]) for one in there] == [(parent, 0)]:
        s3.delete_object(Bucket=folder.bucket, Key=parent)
