"""Log files that the store lists and does not give: archived ones, those of a key or a policy, huge ones.

One such object fails the reading of its whole batch, each time. The job then starts its stream again with the
names of the files alone, reads the files of each batch itself, and quarantines those that it cannot read, as
`unreadable` with the cause. If the store refuses most files of a batch, the fault is not the files', so the
job stops. Source: Spark, BinaryFileFormat (it opens a file only for its content) and FileScanRDD;
docs/adr/0008-exactly-once.md.
"""

import re
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

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
    r"|exceeds? the max(imum)? length",
    re.IGNORECASE,
)
# AWS, GetObject: InvalidObjectStateError, "The operation is not valid for the object's storage class".
_ARCHIVED = re.compile(r"InvalidObjectState|object's storage class", re.IGNORECASE)
_DENIED = re.compile(r"AccessDenied|Access Denied|Forbidden|\b403\b|Permission denied", re.IGNORECASE)
_MISSING = re.compile(r"PATH_NOT_FOUND|FILE_NOT_EXIST|FileNotFoundException")
READS = 16
# How the details begin of what the store may give later. Other objects are `unreadable` by their content.
_ARCHIVE = "the object's storage class is an archive: restore it, then use read_again"
_REFUSED = "the store refuses the object"


def blames_a_file(error: Exception) -> bool:
    """Return whether a stream may have stopped because of one of its files."""
    return _OF_A_FILE.search(str(error)) is not None


def may_be_given_now() -> Column:
    """Return the condition for the quarantine's rows of files that the store refused or that were gone."""
    refused = F.col("detail").startswith(_ARCHIVE) | F.col("detail").startswith(_REFUSED)
    is_refused = (F.col("reason") == Reason.UNREADABLE.value) & refused
    return F.col("record_index").isNull() & (is_refused | (F.col("reason") == Reason.MISSING_FILE.value))


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
    given = _content(spark, asked, skipping=True).where(F.length("content") >= 0).select("path")
    readable = {row.path for row in given.collect()}
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
        text = str(error)
        if _MISSING.search(text):
            return unread(Reason.MISSING_FILE, DETAILS[Reason.MISSING_FILE]), False
        if _ARCHIVED.search(text):
            return unread(Reason.UNREADABLE, f"{_ARCHIVE} ({innermost(text)})"), False
        if _DENIED.search(text):
            return unread(Reason.UNREADABLE, f"{_REFUSED}: {innermost(text)}"), True
        raise
    raise LogsRefusedError(
        f"{file.path} could not be read, and can be read now. The job wrote nothing of its batch. Start "
        "another run."
    )
