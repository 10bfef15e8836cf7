"""What becomes of a log file that S3 lists and does not give, by the words of the error."""

import pytest

from cloudtrail_jobs.refused import Refusal, blames_a_file, refusal_of

# How Spark and Hadoop word an error of S3: its class, status, words and code.
TEXT = """[FAILED_READ_FILE.NO_HINT] Error while reading file s3://b/AWSLogs/a.json.gz.
Caused by: {kind}: open s3://b/AWSLogs/a.json.gz at 0 on s3://b/AWSLogs/a.json.gz: \
software.amazon.awssdk.services.s3.model.S3Exception: {words} (Service: S3, Status Code: {status}):{code}
\tat org.apache.spark.sql.execution.QueryExecution$.withInternalError(QueryExecution.scala:872)
"""
ACCESS, BAD, IO = "AccessDeniedException", "AWSBadRequestException", "AWSS3IOException"


def error(code, status, kind, words="words"):
    return TEXT.format(code=code, status=status, kind=f"org.apache.hadoop.fs.s3a.{kind}", words=words)


@pytest.mark.parametrize(
    ("code", "status", "kind", "words", "detail", "is_denied"),
    [
        ("InvalidObjectState", 403, ACCESS, "not valid for the object's storage class", "archive", False),
        ("InvalidObjectState", 403, ACCESS, "not valid for the object's access tier", "archive", False),
        ("AccessDenied", 403, ACCESS, "Access Denied", "refuses the object", True),
        ("AccessDenied", 403, ACCESS, "not authorized to perform: kms:Decrypt", "refuses the object", True),
        ("KMS.DisabledException", 400, BAD, "key/k is disabled.", "KMS key", True),
        ("KMS.KMSInvalidStateException", 400, BAD, "key/k is pending deletion.", "KMS key", True),
        ("KMS.NotFoundException", 400, BAD, "key/k does not exist", "KMS key", True),
        # Words without the code.
        ("", 400, IO, "arn:aws:kms:us-east-1:1:key/k is disabled.", "KMS key", True),
        ("", 400, IO, "arn:aws:kms:us-east-1:1:key/k is pending deletion.", "KMS key", True),
        ("", 400, IO, "Key 'arn:aws:kms:us-east-1:1:key/k' does not exist", "KMS key", True),
        ("InvalidRequest", 400, BAD, "stored using a form of Server Side Encryption.", "SSE-C", False),
        # A HEAD, whose answer has no words.
        ("null", 400, BAD, "null", "perhaps", True),
        ("null", 403, ACCESS, "null", "refuses the object", True),
    ],
)
def test_an_error_of_one_object_puts_it_in_quarantine(code, status, kind, words, detail, is_denied):
    text = error(code, status, kind, words)
    assert blames_a_file(RuntimeError(text))
    refusal = refusal_of(text)
    assert refusal.is_denied == is_denied
    assert detail in refusal.start


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NoSuchBucket", 404, "UnknownStoreException"),
        ("PermanentRedirect", 301, "AWSRedirectException"),
        ("AuthorizationHeaderMalformed", 400, BAD),
        ("ExpiredToken", 400, BAD),
        ("InvalidAccessKeyId", 403, ACCESS),
        ("SignatureDoesNotMatch", 403, ACCESS),
        ("RequestTimeTooSkewed", 403, ACCESS),
        ("SlowDown", 503, "AWSServiceThrottledException"),
        ("InternalError", 500, "AWSStatus500Exception"),
        ("RequestTimeout", 400, BAD),
        ("", 200, IO),
    ],
)
def test_an_error_of_the_bucket_the_credentials_or_the_moment_stops_the_run_and_loses_no_file(
    code, status, kind
):
    assert refusal_of(error(code, status, kind)) is None


# Source: Amazon S3 API Reference, "Error responses".
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "The provided token has expired."),
        (400, "The provided token is malformed or otherwise invalid."),
        (400, "The provided token must be refreshed."),
        (400, "The authorization header is malformed; the region 'us-east-1' is wrong"),
        (400, "Your socket connection to the server was not read from or written to within the timeout"),
        (403, "The AWS Access Key Id you provided does not exist in our records."),
        (403, "The request signature we calculated does not match the signature you provided."),
        (403, "The difference between the request time and the current time is too large."),
        (403, "There is a problem with your AWS account that prevents the operation"),
        (403, "The security token included in the request is expired"),
        (404, "The specified bucket does not exist"),
        (301, "The bucket you are attempting to access must be addressed using the specified endpoint."),
        (500, "We encountered an internal error. Please try again."),
        (503, "Please reduce your request rate."),
        (503, "Service is unable to handle request."),
    ],
)
def test_so_do_its_words_without_its_code(status, words):
    assert refusal_of(error("", status, IO, words)) is None


def test_an_object_that_is_gone_is_missing():
    assert refusal_of(error("NoSuchKey", 404, "FileNotFoundException")) == Refusal("", is_denied=False)
