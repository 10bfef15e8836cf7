"""The permissions that Airflow's AWS connection needs, for preflight, staging, row counts and alerts.

docs/permissions.md is generated from this module. A test makes all of Airflow's AWS calls with an identity
that has exactly this policy, and checks that every action in it was used.
"""

from collections.abc import Iterable, Mapping

from cloudtrail_to_delta.iam.reader import (
    LIST,
    READ,
    READ_LOGS,
    Access,
    bucket_arn,
    object_arn,
    required_access,
    s3_of,
)
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.params.request import DIGESTS, IngestRequest
from cloudtrail_to_delta.params.values import partitions_by_region

BUCKETS = ("s3:GetEncryptionConfiguration", "s3:GetBucketPolicy", LIST)
KEYS = ("kms:DescribeKey", "kms:GetKeyPolicy")
# The statements on keys that S3 uses for the connection.
_BY_S3 = frozenset({"ReadWithKey", "StageWithKey"})
# Statement → its purpose, in the order of the page.
PURPOSES = {
    "LookAtBuckets": "preflight lists the buckets and reads their encryption and policies; "
    "`wait_for_delta_log` lists the tables",
    "LookAtNotifications": "preflight, only for discovery `notifications`",
    "LookAtLogFiles": "preflight reads how log files are encrypted",
    "ReadTables": "preflight and the row counts read the Delta logs and the checkpoints' owner files",
    "StageCode": "`stage_code` uploads the job wheel, under a new name each time it changes, and "
    "CloudTrail's public keys",
    "CompareCode": "`stage_code` compares the wheel that is already there with its own; without it, every "
    "run uploads the wheel",
    "LookAtTrails": "preflight reads the status of the trails that deliver into the log bucket",
    "LookAtTrailStatus": "the same",
    "VerifyDigests": "preflight and `stage_code`, only with the kind `digests`",
    "LookAtKeys": "preflight, only with customer managed KMS keys",
    "ReadWithKey": "row counts and `stage_code`, only if the bucket of the tables or of the code has a "
    "customer managed KMS key",
    "StageWithKey": "`stage_code`, only if the code root's bucket has a customer managed KMS key",
    "SimulateRoles": "preflight, unless `iam_simulation` is `off`",
    "LookAtRoles": "preflight, if the reader role is set as an instance profile or a session, or has a "
    "permissions boundary",
    "LookAtBoundary": "preflight, only if the reader role's permissions boundary does not allow an action: "
    "whether that depends on the cluster's network",
    "Alert": "alerts and the daily digest, only with an alert topic",
}


def connection_access(
    requests: Mapping[str, IngestRequest],
    *,
    code_root: str,
    role: str,
    deployment_role: str = "",
    topic: str = "",
    notifications: bool = False,
    logs_keys: Iterable[str] = (),
    buckets: Mapping[str, str] | None = None,
) -> list[Access]:
    """Return everything that the connection needs for these requests, without repetition.

    Args:
        requests: kind → request.
        code_root: where the wheel is uploaded; a code root in a Unity Catalog volume needs nothing from IAM.
        role: the reader role's ARN.
        deployment_role: the ARN of the role with which Databricks starts clusters, if it is set.
        topic: the alert topic's ARN, if there is one.
        notifications: whether the discovery is `notifications`.
        logs_keys: the ARNs of the KMS keys of the log files.
        buckets: bucket of the tables or the code → the ARN of its KMS key.
    """
    needed: list[Access] = []
    encrypted = buckets or {}
    code = S3Location.parse(code_root) if code_root.startswith("s3://") else None

    def need(statement: str, actions: Iterable[str], *resources: str) -> None:
        needed.extend(
            Access(
                action=action,
                resource_arn=resource,
                purpose=PURPOSES[statement],
                statement=statement,
                via=s3_of(resource) if statement in _BY_S3 else "",
            )
            for action in actions
            for resource in resources
        )

    for request in requests.values():
        partition = partitions_by_region()[request.region]
        tables, checkpoint = S3Location.parse(request.delta_path), S3Location.parse(request.checkpoint_path)
        quarantine = S3Location.parse(request.quarantine_path)
        names = (request.log_bucket, tables.bucket, checkpoint.bucket)
        need("LookAtBuckets", BUCKETS, *(bucket_arn(name, partition) for name in names))
        if notifications:
            need("LookAtNotifications", ["s3:GetBucketNotification"], bucket_arn(names[0], partition))
        read = required_access({request.kind: request}, code_root=code_root)
        logs = [access.resource_arn for access in read if access.statement == READ_LOGS]
        need("LookAtLogFiles", READ, *logs)
        for folder, name in ((tables, "_delta_log"), (quarantine, "_delta_log"), (checkpoint, "owner")):
            need("ReadTables", READ, object_arn(folder.bucket, f"{folder.prefix}{name}/*", partition))
        if code:
            need("StageCode", ["s3:PutObject"], object_arn(code.bucket, f"{code.prefix}*", partition))
            need("CompareCode", READ, object_arn(code.bucket, f"{code.prefix}*", partition))
            # The code bucket's key is checked like the tables' keys, because the reader role loads the wheel.
            need("LookAtBuckets", BUCKETS, bucket_arn(code.bucket, partition))
        need("LookAtTrails", ["cloudtrail:DescribeTrails"], "*")
        # A trail of the organization or of another region, too.
        need("LookAtTrailStatus", ["cloudtrail:GetTrailStatus"], f"arn:{partition}:cloudtrail:*:*:trail/*")
        if request.kind == DIGESTS:
            # The Service Authorization Reference has no resource type for it.
            need("VerifyDigests", ["cloudtrail:ListPublicKeys"], "*")
        need("LookAtKeys", KEYS, *logs_keys, *encrypted.values())
        read_from = [*names[1:], *([code.bucket] if code else [])]
        need(
            "ReadWithKey", ["kms:Decrypt"], *dict.fromkeys(encrypted[n] for n in read_from if n in encrypted)
        )
        if code and code.bucket in encrypted:
            need("StageWithKey", ["kms:GenerateDataKey"], encrypted[code.bucket])
        account = role.split(":")[4]
        profiles = f"arn:{partition}:iam::{account}:instance-profile/*"
        need("SimulateRoles", ["iam:SimulatePrincipalPolicy"], role, *filter(None, [deployment_role]))
        need("LookAtRoles", ["iam:GetInstanceProfile", "iam:GetRole"], role, profiles)
        boundaries = f"arn:{partition}:iam::{account}:policy/*"
        need("LookAtBoundary", ["iam:GetPolicy", "iam:GetPolicyVersion"], boundaries)
        if topic:
            need("Alert", ["sns:Publish"], topic)
    return list(dict.fromkeys(needed))


def completeness_access(
    requests: Mapping[str, IngestRequest], *, tables_keys: Iterable[str] = ()
) -> list[Access]:
    """Return what the AWS connection of `cloudtrail_completeness` needs, without repetition.

    It reads data files of the tables, so it can read records. An ingest's connection cannot.

    Args:
        requests: kind → request.
        tables_keys: the ARNs of the KMS keys of the tables' buckets.
    """
    needed: list[Access] = []
    for request in requests.values():
        partition = partitions_by_region()[request.region]
        folders = [S3Location.parse(path) for path in (request.delta_path, request.quarantine_path)]
        lists = [bucket_arn(name, partition) for name in (request.log_bucket, folders[0].bucket)]
        reads = [object_arn(folder.bucket, f"{folder.prefix}*", partition) for folder in folders]
        granted = [
            *(("ListLogsAndTables", LIST, arn) for arn in lists),
            *(("ReadTables", action, arn) for action in READ for arn in reads),
            *(("ReadWithKey", "kms:Decrypt", key) for key in tables_keys),
        ]
        needed += [
            Access(
                action=action,
                resource_arn=arn,
                purpose="`reconcile`",
                statement=statement,
                via=s3_of(arn) if statement in _BY_S3 else "",
            )
            for statement, action, arn in granted
        ]
    return list(dict.fromkeys(needed))
