"""Log files that the store lists and does not give: archived ones, those of a key or a policy, huge ones.

What becomes of each error of S3 is in `_REFUSALS`.

One such object fails the reading of its whole batch, each time. The job then starts its stream again with the
names of the files alone, reads the files of each batch itself, and quarantines those that it cannot read, as
`unreadable` with the cause. If the store refuses most files of a batch, the fault is not the files', so the
job stops. Source: Spark, BinaryFileFormat (it opens a file only for its content) and FileScanRDD;
docs/adr/0008-exactly-once.md.

If the store does not even let Spark look up a file (HEAD), Spark's file source fails before the job sees the
batch. Source: Spark, FileStreamSource.getBatch, which lists each file of the batch.
"""

import re
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from operator import or_
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs.causes import innermost
from cloudtrail_jobs.errors import LogsRefusedError
from cloudtrail_jobs.limits import MAX_FILE_BYTES
from cloudtrail_jobs.passed_over import DETAILS, Unread, exact
from cloudtrail_jobs.quality import Reason
from cloudtrail_jobs.session import fresh
from cloudtrail_jobs.source import FILES

# How Spark and the file systems name a file that could not be read, a refusal, and a file that is too large.
_OF_A_FILE = re.compile(
    r"FAILED_READ_FILE|FileReadException|InvalidObjectState|AccessDenied|Access Denied|Forbidden"
    r"|Bad Request|Status Code: 40[03]\b|KMS\.\w+Exception|exceeds? the max(imum)? length",
    re.IGNORECASE,
)
# What is not a file's fault: the run's credentials, the bucket, or S3 for the moment. Several of them have
# the status 400, 403 or 404. Hadoop's S3 client gives the code of an error or, if it reads by the library
# `analyticsaccelerator`, the words alone. Source: Amazon S3 API Reference, "Error responses".
_NOT_OF_A_FILE = re.compile(
    r"ExpiredToken|InvalidAccessKeyId|InvalidToken|InvalidClientTokenId|SignatureDoesNotMatch"
    r"|TokenRefreshRequired|RequestTimeTooSkewed|AccountProblem|NoSuchBucket|PermanentRedirect"
    r"|AuthorizationHeaderMalformed|SlowDown|ServiceUnavailable|InternalError|KMS\.InternalException"
    r"|Throttling|RequestTimeout"
    r"|[Tt]oken (?:has expired|is malformed|must be refreshed|included in the request is)"
    r"|Access Key Id you provided does not exist|request signature we calculated does not match"
    r"|difference between the request time and|problem with your (?:AWS )?account|bucket does not exist"
    r"|must be addressed using the specified endpoint|authorization header (?:is malformed|that you provided)"
    r"|reduce your request rate|encountered an internal error|Service is unable to handle request"
    r"|socket connection to the server was not read from"
)
# Java's frames, whose names may look like an error (`withInternalError`).
_FRAMES = re.compile(r"^\s+at .*$", re.MULTILINE)


class Refusal(NamedTuple):
    """Why the store does not give a file.

    Attributes:
        start: how the details of such files begin; empty for a file that is gone.
        is_denied: somebody denies the file and may allow it.
    """

    start: str
    is_denied: bool


_GONE = Refusal("", is_denied=False)
_OWN_KEY = "the object is encrypted with a key that only its writer has (SSE-C)"
# The words of an error → what they mean. The first that match decide.
_REFUSALS: tuple[tuple[re.Pattern[str], Refusal], ...] = (
    (
        re.compile(r"PATH_NOT_FOUND|FILE_NOT_EXIST|FileNotFoundException|specified key does not exist"),
        _GONE,
    ),
    # AWS, GetObject: InvalidObjectStateError, "The operation is not valid for the object's storage class", or
    # "access tier".
    (
        re.compile(r"InvalidObjectState|object's (?:storage class|access tier)", re.IGNORECASE),
        Refusal("the object's storage class is an archive: restore it, then use read_again", is_denied=False),
    ),
    # A key that is disabled, about to be deleted, or deleted. Source: localstack/localstack issue 8422, tried
    # on AWS. If the key's policy refuses the request, it is `AccessDenied`.
    (
        re.compile(
            r"KMS\.(?:DisabledException|KMSInvalidState|NotFoundException|InvalidKeyUsage)"
            r"|:kms:\S+ (?:is disabled|is pending|is unavailable|does not exist)"
        ),
        Refusal("the KMS key of the object cannot be used", is_denied=True),
    ),
    (
        re.compile(r"AccessDenied|Access Denied|Forbidden|\b403\b|Permission denied", re.IGNORECASE),
        Refusal("the store refuses the object", is_denied=True),
    ),
    # Source: Amazon S3 API Reference, GetObject, on SSE-C. A HEAD of such an object has only the status 400,
    # as one with an expired session token has: that counts as a denial.
    (
        re.compile(r"stored using a form of Server Side Encryption"),
        Refusal(_OWN_KEY, is_denied=False),
    ),
    (
        re.compile(r"400 Bad Request|AWSBadRequestException|Status Code: 400"),
        Refusal(f"the store takes the request for a bad one; perhaps {_OWN_KEY}", is_denied=True),
    ),
)
READS = 16


def blames_a_file(error: Exception) -> bool:
    """Return whether a stream may have stopped because of one of its files."""
    return _OF_A_FILE.search(str(error)) is not None


def may_be_given_now() -> Column:
    """Return the condition for the quarantine's rows of files that the store refused or that were gone."""
    detail = F.col("detail")
    refused = reduce(or_, (detail.startswith(one.start) for _, one in _REFUSALS if one != _GONE))
    is_refused = (F.col("reason") == Reason.UNREADABLE.value) & refused
    return F.col("record_index").isNull() & (is_refused | (F.col("reason") == Reason.MISSING_FILE.value))


def refusal_of(text: str) -> Refusal | None:
    """Return why the store does not give a file, from the text of Spark's error.

    None for an error that is not a file's, or that a later attempt may not meet.
    """
    said = _FRAMES.sub("", text)
    if _NOT_OF_A_FILE.search(said):
        return None
    return next((refusal for words, refusal in _REFUSALS if words.search(said)), None)


def read(listed: DataFrame) -> tuple[DataFrame, list[Unread]]:
    """Return the files of a batch with their content, and those that cannot be read.

    Args:
        listed: the columns of `source.FILES` without `content`.

    Raises:
        LogsRefusedError: if the store denies more files than it gives, or gives now what it has just refused.
        Exception: Spark's, if a file cannot be read for another cause.
    """
    spark = listed.sparkSession
    files = listed.select("path", "modificationTime", "length").collect()
    asked = [file.path for file in files if file.length <= MAX_FILE_BYTES]
    readable = _readable(spark, asked)
    with ThreadPoolExecutor(READS) as together:
        judge = partial(_judge, spark, readable)
        found = [one for one in together.map(judge, files) if one is not None]
    denied = [unread for unread, is_denied in found if is_denied]
    if len(denied) > len(readable):
        raise LogsRefusedError(
            f"{len(denied)} of the {len(files)} log files of a batch are refused, such as "
            f"{denied[0].log_file}: "
            f"{denied[0].detail} The job wrote nothing of them. Grant the right and start another run."
        )
    return _content(spark, sorted(readable), skipping=False), [unread for unread, _ in found]


def _readable(spark: SparkSession, paths: Sequence[str]) -> set[str]:
    """Return those of the paths whose content can be read."""
    try:
        given = _content(spark, paths, skipping=True).where(F.length("content") >= 0).select("path")
        return {row.path for row in given.collect()}
    except Exception as error:  # noqa: BLE001 - what is not a file's fault is raised again by `_judge`
        # Spark looks up each path before it reads the first, and skips nothing then.
        if len(paths) == 1 or not blames_a_file(error):
            return set()
    with ThreadPoolExecutor(READS) as together:
        return set().union(*together.map(lambda path: _readable(spark, [path]), paths))


def _content(spark: SparkSession, paths: Sequence[str], *, skipping: bool) -> DataFrame:
    """Return these files with their content; `skipping` leaves out those that cannot be read."""
    if not paths:
        return spark.createDataFrame([], FILES)
    reader = fresh(spark).format("binaryFile").schema(FILES)
    for option in ("ignoreCorruptFiles", "ignoreMissingFiles"):
        reader = reader.option(option, str(skipping).lower())
    return reader.load([exact(path) for path in paths])


def _judge(spark: SparkSession, readable: Collection[str], file: Row) -> tuple[Unread, bool] | None:
    """Return why a file cannot be read, and whether it is denied; None if it can be read.

    Raises:
        LogsRefusedError, or Spark's error: for a cause that a later attempt may not meet.
    """
    if file.path in readable:
        return None
    unread = partial(Unread, file.path, file.modificationTime)
    if file.length > MAX_FILE_BYTES:
        detail = f"the object has {file.length} bytes, more than {MAX_FILE_BYTES}"
        return unread(Reason.UNREADABLE, detail), False
    try:
        _content(spark, [file.path], skipping=False).select(F.length("content")).collect()
    except Exception as error:  # a Py4JJavaError or a PySparkException, as Spark and Spark Connect have it
        # An object's name must not look like an error.
        _, _, key = file.path.partition("://")[2].partition("/")
        refusal = refusal_of(str(error).replace(key, "…"))
        if refusal is None:
            raise
        if refusal == _GONE:
            return unread(Reason.MISSING_FILE, DETAILS[Reason.MISSING_FILE]), False
        detail = f"{refusal.start}: {innermost(str(error))}"
        return unread(Reason.UNREADABLE, detail), refusal.is_denied
    raise LogsRefusedError(
        f"{file.path} could not be read, and can be read now. The job wrote nothing of its batch. Start "
        "another run."
    )
