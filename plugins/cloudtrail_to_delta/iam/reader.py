"""What the reader role must be allowed to do, and the IAM policies for it.

Preflight simulates this list and prints it in remedies, and the recommended policy is generated from it, so
the three cannot differ. The role can only read the log files; the policy in the original Databricks guide
(2020) also allowed Put and Delete on the log bucket. Source of the actions: AWS Service Authorization
Reference, "Actions, resources, and condition keys for S3".
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from cloudtrail_to_delta.params.locations import ANY, LogsLocation, S3Location
from cloudtrail_to_delta.params.request import DIGESTS, IngestRequest
from cloudtrail_to_delta.params.values import partitions_by_region

READ = ("s3:GetObject",)
READ_WRITE = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
LIST = "s3:ListBucket"
# Databricks also publishes these for a storage credential's role ("Create a storage credential for connecting
# to AWS S3", step 1). Without the first one, a failed upload leaves its parts, which cost money. Nothing is
# known to be refused without them, so preflight only warns.
MULTIPART = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
LIST_UPLOADS = "s3:ListBucketMultipartUploads"
LOCATION = "s3:GetBucketLocation"
DECRYPT = ("kms:Decrypt",)
# A write into an encrypted bucket needs a data key, and Spark's multipart uploads must decrypt it.
ENCRYPT = ("kms:Decrypt", "kms:GenerateDataKey")
# A principal that reads the logs should not be able to do this: to their objects, their bucket, their key. A
# lifecycle rule deletes objects too, a bucket policy gives anybody any right, and without its key no log file
# can be read. Sources: Amazon S3 User Guide, "Security best practices"; AWS KMS Developer Guide, "Deleting
# keys".
TAMPER = ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention")
TAMPER_BUCKET = ("s3:PutLifecycleConfiguration", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy")
TAMPER_KEY = ("kms:ScheduleKeyDeletion", "kms:DisableKey")

# Statement ids of the policy, named by their purpose.
LOCATE = "LocateBuckets"
FIND_FOLDERS = "FindFolders"
LIST_LOGS = "ListLogs"
READ_LOGS = "ReadLogs"
LIST_TABLES = "ListTables"
WRITE_TABLES = "WriteTables"
READ_CODE = "ReadCode"
DECRYPT_CODE = "DecryptCode"
DECRYPT_LOGS = "DecryptLogs"
USE_TABLE_KEY = "UseTableKey"


@dataclass(frozen=True, kw_only=True)
class Access:
    """One action on one resource that the pipeline needs, and its purpose.

    `list_prefix` is the key prefix that a ListBucket requests; policies may be limited to it. `statement` is
    the policy statement that grants the access. `conditional` says whether that statement is limited to
    `list_prefix`. `advised` says that the pipeline works without it. `via` is the service that sends the
    request on the role's behalf, as `kms:ViaService` names it; the statement is limited to it.
    """

    action: str
    resource_arn: str
    purpose: str
    statement: str
    list_prefix: str = ""
    conditional: bool = False
    advised: bool = False
    via: str = ""


def required_access(requests: Mapping[str, IngestRequest], *, code_root: str) -> list[Access]:
    """Return everything that the reader role needs for these requests, without repetition.

    Args:
        requests: kind → request.
        code_root: the folder of the wheel; a code root in a Unity Catalog volume needs nothing from IAM.
    """
    needed: list[Access] = []
    for request in requests.values():
        partition = partitions_by_region()[request.region]
        needed += _read_logs(request, partition)
        needed.append(located(request.log_bucket, partition))
        for path, use in (
            (request.delta_path, "table"),
            (request.quarantine_path, "quarantine"),
            *([(request.verified_path, "verdicts")] if request.kind == DIGESTS else []),
            (request.checkpoint_path, "checkpoint"),
        ):
            needed += _write_folder(S3Location.parse(path), f"{request.kind} {use}", partition)
        if code_root.startswith("s3://"):
            code = S3Location.parse(code_root)
            needed.append(
                Access(
                    action=READ[0],
                    resource_arn=object_arn(code.bucket, f"{code.prefix}*", partition),
                    purpose="load the job wheel",
                    statement=READ_CODE,
                )
            )
            if request.kind == DIGESTS:
                needed.append(
                    Access(
                        action=LIST,
                        resource_arn=bucket_arn(code.bucket, partition),
                        purpose="read the public keys of digests",
                        statement=LIST_TABLES,
                        list_prefix=f"{code.prefix}public_keys/",
                    )
                )
    return list(dict.fromkeys(needed))


def key_access(
    requests: Mapping[str, IngestRequest],
    *,
    logs: Mapping[str, tuple[str, ...]],
    buckets: Mapping[str, str],
    code_root: str = "",
) -> list[Access]:
    """Return what the reader role needs on KMS keys.

    `logs` has the ARNs of each kind, `buckets` the ARN of each bucket of tables, checkpoints and `code_root`.
    The role only reads the wheel. S3 calls KMS for the role, so it needs no key for anything else. Sources:
    Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys", permissions; AWS KMS Developer
    Guide, "kms:ViaService".
    """
    needed: list[Access] = []
    for kind, request in requests.items():
        needed += [
            Access(
                action=action,
                resource_arn=key,
                purpose=f"decrypt the {kind} log files",
                statement=DECRYPT_LOGS,
                via=s3_of(key, request.region),
            )
            for key in logs.get(kind, ())
            for action in DECRYPT
        ]
        for path, use in ((request.delta_path, "tables"), (request.checkpoint_path, "checkpoints")):
            if key := buckets.get(S3Location.parse(path).bucket):
                needed += [
                    Access(
                        action=action,
                        resource_arn=key,
                        purpose=f"read and write the encrypted {use}",
                        statement=USE_TABLE_KEY,
                        via=s3_of(key),
                    )
                    for action in ENCRYPT
                ]
    code = S3Location.parse(code_root).bucket if code_root.startswith("s3://") else ""
    # The code may use the same key as the tables' bucket.
    if (key := buckets.get(code)) and key not in {access.resource_arn for access in needed}:
        needed += [
            Access(
                action=action,
                resource_arn=key,
                purpose="load the encrypted job wheel",
                statement=DECRYPT_CODE,
                via=s3_of(key),
            )
            for action in DECRYPT
        ]
    return list(dict.fromkeys(needed))


def pass_role(role: str) -> list[Access]:
    """Return what the Databricks deployment role needs to start clusters with this reader role."""
    return [
        Access(
            action="iam:PassRole",
            resource_arn=role,
            purpose="start clusters with the reader role",
            statement="PassReader",
        )
    ]


def assume_self(role: str) -> list[Access]:
    """Return what a storage credential's role also needs. Source: Databricks, "self-assuming" roles."""
    return [
        Access(
            action="sts:AssumeRole",
            resource_arn=role,
            purpose="assume itself, as Unity Catalog requires",
            statement="AssumeSelf",
        )
    ]


def s3_service(region: str, partition: str = "aws") -> str:
    """Return S3's name in `kms:ViaService`. Source: AWS KMS Developer Guide, "kms:ViaService"."""
    return f"s3.{region}.{'amazonaws.com.cn' if partition == 'aws-cn' else 'amazonaws.com'}"


def s3_of(key: str, region: str = "") -> str:
    """Return the S3 that uses a key: that of the key's region; `region` is for a key without an ARN yet."""
    parts = key.split(":")
    return (
        s3_service(parts[3], parts[1])
        if key.startswith("arn:")
        else s3_service(region, partitions_by_region()[region])
    )


def tampering(
    requests: Mapping[str, IngestRequest], *, logs_keys: Mapping[str, tuple[str, ...]] | None = None
) -> list[Access]:
    """Return what the reader role should not be allowed to do: change, delete or lose the log files.

    `logs_keys` has the ARNs of the log files' keys of each kind.
    """
    unwanted: list[Access] = []

    def add(actions: Iterable[str], resource: str, statement: str) -> None:
        unwanted.extend(
            Access(
                action=action,
                resource_arn=resource,
                purpose="change or delete the log files",
                statement=statement,
            )
            for action in actions
        )

    for request in requests.values():
        partition = partitions_by_region()[request.region]
        for access in _read_logs(request, partition):
            if access.statement == READ_LOGS:
                add(TAMPER, access.resource_arn, READ_LOGS)
        add(TAMPER_BUCKET, bucket_arn(request.log_bucket, partition), READ_LOGS)
    for key in (key for keys in (logs_keys or {}).values() for key in keys):
        add(TAMPER_KEY, key, DECRYPT_LOGS)
    return list(dict.fromkeys(unwanted))


def bucket_arn(bucket: str, partition: str) -> str:
    """Return the ARN of a bucket."""
    return f"arn:{partition}:s3:::{bucket}"


def object_arn(bucket: str, key: str, partition: str) -> str:
    """Return the ARN of an object, or of several objects if the key has a `*`."""
    return f"{bucket_arn(bucket, partition)}/{key}"


def reader_policy(accesses: Iterable[Access]) -> dict[str, Any]:
    """Return the least-privilege policy of the reader role: one statement per use and set of actions."""
    statements = []
    by_statement = sorted(accesses, key=lambda access: access.statement)
    for sid, group in groupby(by_statement, key=lambda access: access.statement):
        members = list(group)
        statements.append(
            _allow(
                actions=sorted({access.action for access in members}),
                resources=sorted({access.resource_arn for access in members}),
                prefixes=sorted({value for access in members for value in _condition_values(access)}),
                via=sorted({access.via for access in members if access.via}),
            )
            | {"Sid": sid}
        )
    return {"Version": "2012-10-17", "Statement": statements}


def resource_policy(accesses: Iterable[Access], *, principal: str) -> dict[str, Any]:
    """Return the policy that a bucket or key needs, to allow this to `principal`, a role's ARN."""
    policy = reader_policy(accesses)
    for statement in policy["Statement"]:
        statement["Principal"] = {"AWS": principal}
    return policy


def fix_policy(action: str, resource: str, *, list_prefix: str = "", via: str = "") -> dict[str, Any]:
    """Return the statement that allows an action on a resource, limited to a prefix or service if set."""
    return _allow(
        actions=[action],
        resources=[resource],
        prefixes=list_prefixes(list_prefix) if list_prefix else [],
        via=[via] if via else [],
    )


def merge_statements(statements: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the fewest Allow statements that grant exactly what these statements of `fix_policy` grant.

    Merges actions on the same resource, then resources with the same actions. Statements with a condition on
    prefixes or on a service are not merged with statements without one.
    """
    found: dict[tuple[str, str, str, bool], list[Mapping[str, Any]]] = {}
    for statement in statements:
        via, limited = _via_of(statement), bool(_prefixes_of(statement))
        for resource in statement["Resource"]:
            key = (json.dumps(statement.get("Principal")), resource, json.dumps(via), limited)
            found.setdefault(key, []).append(statement)
    resources: dict[tuple[str, str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (principal, resource, through, _), group in found.items():
        names = sorted({action for one in group for action in one["Action"]})
        limits = sorted({prefix for one in group for prefix in _prefixes_of(one)})
        resources.setdefault((principal, through, tuple(names), tuple(limits)), []).append(resource)
    return [
        _allow(actions=list(names), resources=arns, prefixes=list(limits), via=json.loads(through))
        | ({} if principal == "null" else {"Principal": json.loads(principal)})
        for (principal, through, names, limits), arns in resources.items()
    ]


def _prefixes_of(statement: Mapping[str, Any]) -> list[str]:
    found: list[str] = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", [])
    return found


def _via_of(statement: Mapping[str, Any]) -> list[str]:
    found: list[str] = statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService", [])
    return found


def _allow(
    *, actions: list[str], resources: list[str], prefixes: list[str], via: list[str]
) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": actions, "Resource": resources}
    if via:
        statement["Condition"] = {"StringEquals": {"kms:ViaService": via}}
    if prefixes:
        statement["Condition"] = {"StringLike": {"s3:prefix": prefixes}}
    if actions == ["iam:PassRole"]:
        # Databricks passes it to the instances of a cluster. Source: IAM User Guide, "iam:PassedToService".
        domain = "amazonaws.com.cn" if resources[0].startswith("arn:aws-cn:") else "amazonaws.com"
        statement["Condition"] = {"StringEquals": {"iam:PassedToService": f"ec2.{domain}"}}
    return statement


def _condition_values(access: Access) -> list[str]:
    return list_prefixes(access.list_prefix) if access.conditional else []


def list_prefixes(prefix: str) -> list[str]:
    """Return the values of `s3:prefix` for listing below a folder, and for asking whether it is an object.

    S3 answers a HEAD of a missing key with 404 only to those who may list with that key as the prefix, and
    with 403 to others. Spark asks for a folder by its name without the slash before it lists. Sources: Amazon
    S3 API Reference, HeadObject; on the prefix, which AWS does not document: ceph/ceph#68577.
    """
    return [f"{prefix}*", *([prefix.rstrip("/")] if prefix.endswith("/") else [])]


def _read_logs(request: IngestRequest, partition: str) -> list[Access]:
    """Return the access to list from the last folder before a wildcard, and to get the files."""
    logs = request.logs
    keys = [f"{logs.region_prefix(logs.account, region)}*" for region in logs.regions]
    if logs.regions == (ANY,):
        keys = [f"{logs.folder_prefix(logs.account)}*"]
    purpose = f"read the {request.kind} log files"
    listed = Access(
        action=LIST,
        resource_arn=bucket_arn(logs.bucket, partition),
        purpose=f"list the {request.kind} log files",
        statement=LIST_LOGS,
        list_prefix=listing_prefix(logs),
        conditional=True,
    )
    return [
        listed,
        *(
            Access(
                action=action,
                resource_arn=object_arn(logs.bucket, key, partition),
                purpose=purpose,
                statement=READ_LOGS,
            )
            for action in READ
            for key in keys
        ),
    ]


def listing_prefix(logs: LogsLocation) -> str:
    """Return the longest key prefix without a wildcard, which a job on this logs path lists."""
    if logs.account == ANY:
        return logs.accounts_prefix
    if logs.regions == (ANY,) or len(logs.regions) > 1:
        return logs.folder_prefix(logs.account)
    return logs.region_prefix(logs.account, logs.regions[0])


def _write_folder(folder: S3Location, use: str, partition: str) -> list[Access]:
    # Not limited to a prefix: without ListBucket on the whole bucket, S3 answers 403 instead of 404 for an
    # object that does not exist yet, and Delta requests many of those (docs/adr/0015-permissions.md).
    listed = Access(
        action=LIST,
        resource_arn=bucket_arn(folder.bucket, partition),
        purpose=f"list the {use}",
        statement=LIST_TABLES,
        list_prefix=folder.prefix,
    )
    return [
        listed,
        *(
            Access(
                action=action,
                resource_arn=object_arn(folder.bucket, f"{folder.prefix}*", partition),
                purpose=f"read and write the {use}",
                statement=WRITE_TABLES,
            )
            for action in READ_WRITE
        ),
        found_folder(folder, partition),
        *uploads(folder, f"{folder.prefix}*", partition),
        located(folder.bucket, partition),
    ]


def found_folder(folder: S3Location, partition: str) -> Access:
    """Return the access to ask whether a folder's name is an object: open-source Spark does before it lists.

    S3 answers 403 to a HEAD of a key that the caller may not get, also if it is missing. Source: Amazon S3
    API Reference, HeadObject, permissions. Databricks' own client is not known to ask: preflight only warns.
    """
    return Access(
        action=READ[0],
        resource_arn=object_arn(folder.bucket, folder.prefix.rstrip("/"), partition),
        purpose="find the folder",
        statement=FIND_FOLDERS,
        advised=True,
    )


def located(bucket: str, partition: str) -> Access:
    """Return the access that Databricks advises for each bucket."""
    return Access(
        action=LOCATION,
        resource_arn=bucket_arn(bucket, partition),
        purpose="find the bucket's region",
        statement=LOCATE,
        advised=True,
    )


def uploads(folder: S3Location, keys: str, partition: str) -> list[Access]:
    """Return the accesses that Databricks advises where tables are written, for these keys of a bucket."""
    resources = dict.fromkeys(MULTIPART, object_arn(folder.bucket, keys, partition))
    resources[LIST_UPLOADS] = bucket_arn(folder.bucket, partition)
    return [
        Access(
            action=action,
            resource_arn=resource,
            purpose="remove the parts of failed uploads",
            statement=LIST_TABLES if action == LIST_UPLOADS else WRITE_TABLES,
            advised=True,
        )
        for action, resource in resources.items()
    ]
