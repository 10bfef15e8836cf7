"""Upload the job wheel, and the evidence for digests, to a place where Databricks can read them."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk import BaseOperator, BaseXCom, Context
from airflow.sdk.bases.skipmixin import SkipMixin
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.completeness.evidence import gather
from cloudtrail_to_delta.errors import FatalError
from cloudtrail_to_delta.hooks.aws_errors import DENIED, error_code, refused_credentials
from cloudtrail_to_delta.hooks.databricks import IngestHook
from cloudtrail_to_delta.operators.submit import SubmitIngestOperator
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.params.request import DIGESTS, IngestRequest, code_root
from cloudtrail_to_delta.runs.wheel import find_wheel, place_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The key of the XCom with the path of the evidence for digests.
PUBLIC_KEYS_KEY = "public_keys"


class StageWheelOperator(BaseOperator, SkipMixin):
    """Uploads the `cloudtrail_jobs` wheel to `<code root>/<content hash>/`, unless it already exists there.

    The wheel is part of this package; see `runs.wheel`. Old wheels are never deleted, because an active run
    may still load one. An object that already exists there is compared: if it is not this wheel, the task
    fails, and nothing runs it.

    If the run reads digests, it also uploads CloudTrail's public keys and the signatures of the newest
    digests, to `<code root>/public_keys/`, with which the job verifies digests. The XCom `public_keys` is the
    file's path, or empty without a file. If AWS refuses it, the log says so, the run continues, and its
    digests stay unsigned until a later run has the file.

    It also skips the `submit` of each kind for which no Databricks run starts. The pool of these tasks has
    one slot, and nobody should wait for it while a task only skips itself. If no Databricks run starts at
    all, nothing is uploaded.

    Returns:
        the wheel's path for Databricks (`s3://…` or `/Volumes/…`); empty if no run starts.
    """

    template_fields: Sequence[str] = ("requests", "preflight", "aws_conn_id", "databricks_conn_id")

    def __init__(
        self,
        *,
        requests: Any,
        preflight: Any = None,
        aws_conn_id: str = "{{ params.aws_conn_id }}",
        databricks_conn_id: str = "{{ params.databricks_conn_id }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.requests = requests
        self.preflight = preflight
        self.aws_conn_id = aws_conn_id
        self.databricks_conn_id = databricks_conn_id

    def execute(self, context: Context) -> str:
        """Upload the wheel once and return its path; skip the task in a preflight-only run."""
        if context["params"].get("preflight_only"):
            raise AirflowSkipException("Param preflight_only is set: this run writes and submits nothing.")
        # An operator outside of a DAG has no list.
        below = self.downstream_list if self.downstream_task_ids else ()
        submits = [task for task in below if isinstance(task, SubmitIngestOperator)]
        skipped = [task for task in submits if self._starts_no_run(task)]
        path = "" if submits and skipped == submits else self._stage(context)
        if skipped:
            # Airflow's way to skip tasks ends this one without its return value.
            context["ti"].xcom_push(key=BaseXCom.XCOM_RETURN_KEY, value=path)
            self.skip(context["ti"], skipped)
        return path

    def _starts_no_run(self, submit: SubmitIngestOperator) -> bool:
        """Return whether a `submit` would only skip itself; say why."""
        if why := submit.reason_to_skip(self.requests, self.preflight):
            self.log.info("No Databricks run starts for %s: %s", submit.kind, why)
        return bool(why)

    def _stage(self, context: Context) -> str:
        """Upload the wheel, and the evidence for digests; return the wheel's path."""
        root, region = code_root(context["params"]), context["params"]["region"]
        # `submit` waits for this XCom, so it is pushed even if there is no file.
        context["ti"].xcom_push(key=PUBLIC_KEYS_KEY, value=self._upload_evidence(root, region))
        wheel = find_wheel()
        return self._upload(place_of(wheel, root), wheel.read_bytes(), region=region)

    def _upload_evidence(self, root: str, region: str) -> str:
        """Upload the evidence for digests and return its path; empty if the run has no digests or no file."""
        if DIGESTS not in self.requests:
            return ""
        request = IngestRequest.from_dict(self.requests[DIGESTS])
        evidence = self._evidence(request)
        if evidence is None:
            return ""
        target = f"{root}/public_keys/{_name(request.logs_path)}.json"
        return self._upload(target, evidence.encode(), region=region, replace=True)

    def _evidence(self, request: IngestRequest) -> str | None:
        """Return the file with the evidence for digests; None if AWS refuses it."""
        from botocore.exceptions import ClientError

        def public_keys(region: str, start: datetime, end: datetime) -> Mapping[str, bytes]:
            hook: Any = AwsBaseHook(
                aws_conn_id=self.aws_conn_id, client_type="cloudtrail", region_name=region
            )
            pages = hook.get_conn().get_paginator("list_public_keys").paginate(StartTime=start, EndTime=end)
            return {one["Fingerprint"]: one["Value"] for page in pages for one in page["PublicKeyList"]}

        s3 = S3Hook(aws_conn_id=self.aws_conn_id, region_name=request.region).get_conn()
        try:
            found = gather(s3, public_keys, request.logs, now=datetime.now(UTC))
        except ClientError as refused:
            if error_code(refused) not in DENIED:
                raise
            self.log.error(
                "This run does not verify digests: %s. Allow the identity of AWS connection %r "
                "cloudtrail:ListPublicKeys, and s3:ListBucket and s3:GetObject for %s (docs/permissions.md).",
                refused,
                self.aws_conn_id,
                request.logs_path,
            )
            return None
        self.log.info("Found %d public keys and %d signatures", len(found.keys), len(found.signatures))
        if found.left_out:
            self.log.warning(
                "Left out the signatures of the %d oldest digests without a successor: they stay unsigned. "
                "Run `cloudtrail-to-delta audit` for their days.",
                found.left_out,
            )
        return found.to_json()

    def _upload(self, target: str, content: bytes, *, region: str, replace: bool = False) -> str:
        """Upload a file and return its path."""
        name = target.rpartition("/")[2]
        if target.startswith("/Volumes/"):
            IngestHook(self.databricks_conn_id, caller=type(self).__name__).put_volume_file(target, content)
            self.log.info("Uploaded %s (%d bytes) to %s", name, len(content), target)
            return target
        hook = S3Hook(aws_conn_id=self.aws_conn_id, region_name=region)
        try:
            with refused_credentials(self.aws_conn_id):
                uploaded = put_file(hook.get_conn(), target, content, replace=replace)
        except Exception as refused:
            if error_code(refused) not in DENIED:
                raise
            raise FatalError(
                f"{name} could not be uploaded to {target!r}: {refused}. Allow the identity of AWS "
                f"connection {self.aws_conn_id!r} s3:PutObject on this path and, if its bucket has a KMS "
                "key, kms:GenerateDataKey on that key (docs/permissions.md). Then clear this task."
            ) from refused
        if uploaded:
            self.log.info("Uploaded %s (%d bytes) to %s", name, len(content), target)
        else:
            self.log.info("%s already exists", target)
        return target


def _name(logs_path: str) -> str:
    """Return a name for the evidence of a logs path, so that entries of accounts.yaml share a code root."""
    return hashlib.sha256(logs_path.encode()).hexdigest()[:16]


def put_file(s3: "S3Client", target: str, content: bytes, *, replace: bool = False) -> bool:
    """Upload a file to an S3 path, unless it already exists there; return whether it was uploaded.

    S3 checks this itself (conditional write), so s3:PutObject is enough. An object that exists is read and
    compared. If the connection may not read it, the file is uploaded over it. Source: Amazon S3 User Guide,
    "How to prevent object overwrites with conditional writes".

    Raises:
        FatalError: if the object that exists there has another content.
    """
    from botocore.exceptions import ClientError

    where = S3Location.parse(target)
    if replace:
        s3.put_object(Bucket=where.bucket, Key=where.key, Body=content)
        return True
    try:
        s3.put_object(Bucket=where.bucket, Key=where.key, Body=content, IfNoneMatch="*")
    except ClientError as error:
        if error_code(error) != "PreconditionFailed":
            raise
        return not _is_there(s3, where, content) and put_file(s3, target, content, replace=True)
    return True


def _is_there(s3: "S3Client", where: S3Location, content: bytes) -> bool:
    """Return whether an object has this content; False if it may not be read."""
    from botocore.exceptions import ClientError

    try:
        # One byte more than it may have, whatever the object's size.
        found = s3.get_object(Bucket=where.bucket, Key=where.key)["Body"].read(len(content) + 1)
    except ClientError as error:
        if error_code(error) not in DENIED:
            raise
        return False
    if found == content:
        return True
    raise FatalError(
        f"{where.uri!r} is not the wheel of this installation: its content differs, and its folder is named "
        "by the content. Somebody else wrote it. Find out who (CloudTrail data events of the bucket), then "
        "delete the object and clear this task."
    )
