"""Errors about a refused call: the call, the resource, the missing permission, and the work done so far."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowException

from cloudtrail_to_delta.errors import CloudTrailError, FatalError
from cloudtrail_to_delta.hooks.aws_errors import BAD_CREDENTIALS, DENIED, error_code
from cloudtrail_to_delta.setup.resources import Clouds

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

DENIALS = DENIED | {"UnauthorizedOperation", "AuthorizationError", "AccessDeniedError"}

# The calls that change nothing.
_READS = re.compile("Get|List|Describe|Head|AssumeRole")

# Calls whose permission has another name. Source: Service Authorization Reference, S3 and others. The
# permission for every other call is `service:Call`.
_PERMISSIONS = {
    "resourcegroupstaggingapi:GetResources": "tag:GetResources",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketTagging": "s3:PutBucketTagging",
    "s3:GetBucketAbac": "s3:GetBucketABAC",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:PutObjectLockConfiguration": "s3:PutBucketObjectLockConfiguration",
    "s3control:TagResource": "s3:TagResource",
    "s3control:UntagResource": "s3:UntagResource",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:PutBucketNotificationConfiguration": "s3:PutBucketNotification",
}


class SetupRefusedError(FatalError):
    """A refused call. The message names the call, the resource, the permission and the work done so far."""


class SetupFailedError(CloudTrailError):
    """A failed call that may succeed in another try. The work done so far stays."""


class NotApprovedError(FatalError):
    """A plan without a decision. Only a person can decide, so Airflow does not retry."""


class ImpossibleChangeError(FatalError):
    """A planned change that a quota or precondition of the service forbids. Nothing was written."""


class WorldChangedError(FatalError):
    """A resource is in neither its old nor its planned state. The set-up needs a new plan."""


def permission_for(service: str, operation: str) -> str:
    """Return the IAM action that a call needs: `permission_for("s3", "PutBucketEncryption")`."""
    call = f"{service}:{operation}"
    return _PERMISSIONS.get(call, call)


@contextmanager
def refused_calls(resource: str, clouds: Clouds, *, done: Sequence[str] = ()) -> Iterator[None]:
    """Turn a service's error about a resource into an error that a person can act on.

    Args:
        resource: the resource's name.
        clouds: the clients, which know the last AWS call.
        done: the work done so far, in words.

    Raises:
        SetupRefusedError: if a permission is missing or the credentials are wrong; a retry does not help.
        SetupFailedError: for any other error of a service.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    answered = len(clouds.answered)

    def so_far() -> str:
        return until_then([*done, *_within(resource, clouds.answered[answered:])])

    try:
        yield
    except ClientError as error:
        call = _last_call(error, clouds)
        permission = missing_action(error) or permission_for(*call.split(":", 1))
        said = f"AWS refused {call} on {resource}: {error}."
        if error_code(error) in DENIALS:
            advice = f"Allow {permission} on it for the identity of the AWS connection"
            raise SetupRefusedError(f"{said} {advice}, then clear this task. {so_far()}") from error
        if error_code(error) in BAD_CREDENTIALS:
            advice = "Correct the connection's credentials, then clear this task."
            raise SetupRefusedError(f"{said} {advice} {so_far()}") from error
        raise SetupFailedError(f"{said} Fix the cause, then clear this task. {so_far()}") from error
    except BotoCoreError as error:
        raise SetupFailedError(f"An AWS call on {resource} failed: {error}. {so_far()}") from error
    except CloudTrailError:
        raise
    except AirflowException as error:
        # The provider's hook puts the answer of Databricks into the text of the error.
        said = f"Databricks refused a call on {resource}: {error}."
        if re.search(r"PERMISSION_DENIED|Status Code: 40[13]", str(error)):
            advice = "Allow it for the identity of the Databricks connection"
            raise SetupRefusedError(f"{said} {advice}, then clear this task. {so_far()}") from error
        raise SetupFailedError(f"{said} {so_far()}") from error


def missing_action(error: "ClientError") -> str:
    """Return the action that AWS names, since a call may need several: CreateBucket with tags does."""
    found = re.search(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)", str(error))
    return found[1] if found else ""


def _last_call(error: "ClientError", clouds: Clouds) -> str:
    """Return the refused call: the last recorded one, or an STS call of the session, which is unrecorded."""
    last = clouds.calls[-1] if clouds.calls else ""
    return last if last.endswith(f":{error.operation_name}") else f"sts:{error.operation_name}"


def _within(resource: str, answered: Sequence[str]) -> list[str]:
    """Return the writes within one resource that AWS has accepted, in words."""
    writes = dict.fromkeys(call for call in answered if not _READS.match(call.partition(":")[2]))
    return [f"a part of {resource} ({', '.join(writes)})"] if writes else []


def until_then(done: Sequence[str]) -> str:
    """Return the work done before an error, in words."""
    return f"Done before the error: {'; '.join(done)}." if done else "Nothing was changed before the error."
