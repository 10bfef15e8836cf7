"""AWS's errors in words: what went wrong and what to do about it. Source: Amazon S3, "Error responses"."""

import re
from typing import Any

NOT_FOUND = frozenset({"404", "NoSuchBucket"})
DENIED = frozenset({"403", "AccessDenied", "AccessDeniedException", "AllAccessDisabled"})
OTHER_REGION = frozenset({"301", "PermanentRedirect", "AuthorizationHeaderMalformed"})
BAD_CREDENTIALS = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "InvalidClientTokenId"}
)
NO_SUCH_ENTITY = frozenset({"NoSuchEntity", "NoSuchEntityException"})


def error_code(error: Exception) -> str:
    """The code of a botocore ClientError; empty for any other error."""
    response: Any = getattr(error, "response", None)
    return (
        str(response["Error"].get("Code", "")) if isinstance(response, dict) and "Error" in response else ""
    )


def caller_account(error: Exception) -> str:
    """The account of the caller, which IAM's AccessDenied names; empty when it does not."""
    found = re.search(r"User: arn:[^:]+:[a-z]+::([0-9]{12}):", str(error))
    return found[1] if found else ""


def no_bucket(bucket: str) -> str:
    """What is said of a bucket that does not exist."""
    return f"there is no bucket {bucket!r}"


def explain_bucket_error(error: Exception, *, bucket: str, connection: str) -> tuple[str, str] | None:
    """What the error says of the bucket and what to do, or None for an error of another sort."""
    code = error_code(error)
    if code in NOT_FOUND:
        return (
            no_bucket(bucket),
            "Correct the bucket's name; it stands before the first slash.",
        )
    if code in DENIED:
        return (
            f"AWS connection {connection!r} may not list it ({error})",
            f"Allow s3:ListBucket on bucket {bucket} to the identity of that connection, in its own policy "
            "and, if the bucket is in another account, in the bucket's policy. Check the name: another "
            "account's bucket answers like this too.",
        )
    if code in OTHER_REGION:
        region = _bucket_region(error)
        return (
            f"it is in another region{f', {region}' if region else ''}",
            f"Set region to {region or 'the region that the bucket is in'}.",
        )
    return None


def explain_error(error: Exception, *, connection: str) -> tuple[str, str]:
    """Why a check could not be made, for an error that it did not expect, and what to do."""
    code = error_code(error)
    detail = f"could not be checked: {type(error).__name__}: {error}"
    if code in BAD_CREDENTIALS or type(error).__name__ in {"NoCredentialsError", "PartialCredentialsError"}:
        return detail, f"Correct the credentials of AWS connection {connection!r}."
    if type(error).__name__ in {"EndpointConnectionError", "ConnectTimeoutError", "ConnectionClosedError"}:
        return detail, f"Check the network, and the endpoint of AWS connection {connection!r} if it has one."
    if code in DENIED:
        return detail, f"Allow that action to the identity of AWS connection {connection!r}."
    return detail, "Mend the cause that the error names, then clear this task."


def _bucket_region(error: Exception) -> str:
    response: Any = getattr(error, "response", {})
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(headers.get("x-amz-bucket-region", "") or response["Error"].get("Region", ""))
