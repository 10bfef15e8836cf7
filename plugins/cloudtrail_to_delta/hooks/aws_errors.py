"""Explain AWS's errors: what failed and what to do. Source: Amazon S3, "Error responses"."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cloudtrail_to_delta.errors import CloudTrailError

NOT_FOUND = frozenset({"404", "NoSuchBucket"})
DENIED = frozenset({"403", "AccessDenied", "AccessDeniedException", "AllAccessDisabled"})
OTHER_REGION = frozenset({"301", "PermanentRedirect", "AuthorizationHeaderMalformed"})
BAD_CREDENTIALS = frozenset(
    {
        *("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"),
        *("InvalidClientTokenId", "UnrecognizedClientException"),
    }
)
NO_SUCH_ENTITY = frozenset({"NoSuchEntity", "NoSuchEntityException"})


def error_code(error: Exception) -> str:
    """Return the code of a botocore ClientError; empty for any other error."""
    response: Any = getattr(error, "response", None)
    return (
        str(response["Error"].get("Code", "")) if isinstance(response, dict) and "Error" in response else ""
    )


def caller_account(error: Exception) -> str:
    """Return the caller's account, as IAM's AccessDenied error names it; empty if it does not."""
    found = re.search(r"User: arn:[^:]+:[a-z]+::([0-9]{12}):", str(error))
    return found[1] if found else ""


def no_bucket(bucket: str) -> str:
    """Return the description of a bucket that does not exist."""
    return f"there is no bucket {bucket!r}"


@contextmanager
def refused_credentials(connection: str) -> Iterator[None]:
    """Name the AWS connection in an error about its credentials, which AWS does not.

    Raises:
        CloudTrailError: if AWS refused the credentials. A retry helps where they are renewed by themselves.
    """
    try:
        yield
    except Exception as error:
        if error_code(error) not in BAD_CREDENTIALS:
            raise
        raise CloudTrailError(
            f"{error}. AWS did not accept the credentials of AWS connection {connection!r}: renew or correct "
            "them, then clear this task."
        ) from error


def explain_bucket_error(error: Exception, *, bucket: str, connection: str) -> tuple[str, str] | None:
    """Return what the error says about the bucket and what to do; None for any other error."""
    code = error_code(error)
    if code in NOT_FOUND:
        return (
            no_bucket(bucket),
            "Correct the bucket's name, the part before the first slash.",
        )
    if code in DENIED:
        return (
            f"AWS connection {connection!r} is not allowed to list it ({error})",
            "Check the bucket's name first: S3 gives the same error for another account's bucket. Then "
            f"allow the connection's identity s3:ListBucket on bucket {bucket}, in the identity's policy "
            "and, if the bucket is in another account, in the bucket's policy too.",
        )
    if code in OTHER_REGION:
        region = _bucket_region(error)
        return (
            f"it is in another region{f', {region}' if region else ''}",
            f"Set region to {region or 'the region of the bucket'}.",
        )
    return None


def explain_error(error: Exception, *, connection: str) -> tuple[str, str]:
    """Return why a check could not run, for an unexpected error, and what to do."""
    code = error_code(error)
    detail = f"could not be checked: {type(error).__name__}: {error}"
    if code in BAD_CREDENTIALS or type(error).__name__ in {"NoCredentialsError", "PartialCredentialsError"}:
        # A region that is not enabled in the account answers like this. Source: IAM User Guide, "Manage AWS
        # STS in an AWS Region".
        return detail, (
            f"Correct the credentials of AWS connection {connection!r}. If they work in other regions, "
            "enable this one in their account: aws account enable-region."
        )
    if type(error).__name__ in {"EndpointConnectionError", "ConnectTimeoutError", "ConnectionClosedError"}:
        return detail, f"Check the network, and the endpoint of AWS connection {connection!r} if it has one."
    if code in DENIED:
        return detail, f"Allow the identity of AWS connection {connection!r} that action."
    return detail, "Fix the cause named in the error, then clear this task."


def _bucket_region(error: Exception) -> str:
    response: Any = getattr(error, "response", {})
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(headers.get("x-amz-bucket-region", "") or response["Error"].get("Region", ""))
