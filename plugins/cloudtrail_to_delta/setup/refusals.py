"""Which call on which resource was refused, the permission that is missing, and what had been done."""

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

# Where the permission is not named like the call. Source: Service Authorization Reference, S3 and others;
# every other call is `service:Call`.
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
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:PutBucketNotificationConfiguration": "s3:PutBucketNotification",
}


class SetupRefusedError(FatalError):
    """A call was refused. The message has the call, the resource, the permission, and what had been done."""


class SetupFailedError(CloudTrailError):
    """A call failed in a way that another try may mend; what had been done stays done."""


class NotApprovedError(FatalError):
    """Nobody has decided about this plan. Only a person can, so Airflow does not try again."""


class WorldChangedError(FatalError):
    """What is there is neither what the plan saw nor what it makes: plan again."""


def permission_for(service: str, operation: str) -> str:
    """The IAM action that a call needs: `permission_for("s3", "PutBucketEncryption")`."""
    call = f"{service}:{operation}"
    return _PERMISSIONS.get(call, call)


@contextmanager
def refused_calls(resource: str, clouds: Clouds, *, done: Sequence[str] = ()) -> Iterator[None]:
    """Turn a service's error about a resource into one that a person can act on.

    Args:
        resource: the resource's name.
        clouds: knows which call of AWS was the last one.
        done: what had been done by then, in words.

    Raises:
        SetupRefusedError: a permission is missing, or the credentials are wrong: no other try mends it.
        SetupFailedError: anything else that a service answers.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        call = _last_call(error, clouds)
        permission = permission_for(*call.split(":", 1))
        said = f"{call} on {resource} was refused: {error}."
        if error_code(error) in DENIALS:
            advice = f"Allow {permission} on it to the identity of the AWS connection"
            raise SetupRefusedError(f"{said} {advice}, then clear this task. {until_then(done)}") from error
        if error_code(error) in BAD_CREDENTIALS:
            raise SetupRefusedError(
                f"{said} Correct the connection's credentials. {until_then(done)}"
            ) from error
        raise SetupFailedError(
            f"{said} Mend what it names, then clear this task. {until_then(done)}"
        ) from error
    except BotoCoreError as error:
        raise SetupFailedError(f"{resource}: {error}. {until_then(done)}") from error
    except CloudTrailError:
        raise
    except AirflowException as error:
        # The provider's hook gives Databricks' own answer as the error's text.
        said = f"Databricks refused a call on {resource}: {error}."
        if re.search(r"PERMISSION_DENIED|Status Code: 40[13]", str(error)):
            advice = "Allow it to the identity of the Databricks connection"
            raise SetupRefusedError(f"{said} {advice}, then clear this task. {until_then(done)}") from error
        raise SetupFailedError(f"{said} {until_then(done)}") from error


def _last_call(error: "ClientError", clouds: Clouds) -> str:
    """The refused call: the last one made, or the session's own of STS, which nobody hears of."""
    last = clouds.calls[-1] if clouds.calls else ""
    return last if last.endswith(f":{error.operation_name}") else f"sts:{error.operation_name}"


def until_then(done: Sequence[str]) -> str:
    """What had been done before an error, in words."""
    return f"Done by then: {'; '.join(done)}." if done else "Nothing had been changed by then."
