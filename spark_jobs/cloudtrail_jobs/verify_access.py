"""A job of its own: can this cluster, with its role, do what the ingest will? The guide's last step.

    cloudtrail-verify-access --list=s3://logs/AWSLogs/111122223333/CloudTrail \
        --read=s3://logs/AWSLogs/…/file.json.gz --write=s3://lake/delta/events/_access_check

Lists folders, reads a log file, writes a small object, reads it, and has it deleted: with the DataFrame API,
the way the ingest itself comes to S3. Each of the three takes several places, with commas between them.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrameWriter, SparkSession

from cloudtrail_jobs.errors import AccessError, ArgumentsError, JobError
from cloudtrail_jobs.reading import fresh

CHECKS = ("list", "read", "write")
CONTENT = "CloudTrail access check"
# A name that no log file has: what is asked for is the listing, not a file.
_NOTHING = "*-no-such-file-*"
# What each step takes. Source: Service Authorization Reference, S3; KMS where the bucket is encrypted.
_NEEDED = {
    "list": "s3:ListBucket",
    "read": "s3:GetObject (and kms:Decrypt where it is encrypted)",
    # Spark moves what it has written into its place: by a copy and a delete.
    "write": "s3:PutObject or s3:DeleteObject (or kms:GenerateDataKey where the bucket is encrypted)",
    "read back": "s3:GetObject and s3:ListBucket (and kms:Decrypt where it is encrypted)",
    "delete": "s3:DeleteObject",
}
_DENIED = re.compile(r"AccessDenied|Access Denied|Forbidden|Status Code: 403|INSUFFICIENT_PERMISSIONS")
_NAMED = re.compile(r"not authorized to perform: ([a-z0-9]+:[A-Za-z]+)")
_ABSENT = "PATH_NOT_FOUND"


@dataclass(frozen=True)
class Outcome:
    """One step at one place; `problem` is empty when it went well."""

    step: str
    place: str
    problem: str = ""


def main() -> None:
    """The entry point: every check is made, and the error has all that failed."""
    try:
        places = parse_places(sys.argv[1:])
        outcomes = list(check(SparkSession.builder.getOrCreate(), places))
        if failed := [one for one in outcomes if one.problem]:
            raise AccessError([f"{one.step} {one.place}: {one.problem}" for one in failed])
    except JobError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201  # the driver's log
        raise


def parse_places(argv: Sequence[str]) -> dict[str, list[str]]:
    """`--list=a,b --write=c` as check → places.

    Raises:
        ArgumentsError: with everything that is unknown or empty.
    """
    given: dict[str, list[str]] = {}
    problems = []
    for word in argv:
        name, equals, value = word.removeprefix("--").partition("=")
        places = [place.rstrip("/") for place in value.split(",") if place]
        if name not in CHECKS or not word.startswith("--") or not equals:
            problems.append(f"{word!r} is not one of " + ", ".join(f"--{check}=s3://…" for check in CHECKS))
        elif places:
            given[name] = given.get(name, []) + places
    if not problems and not given:
        problems.append("there is nothing to check")
    if problems:
        raise ArgumentsError(problems)
    return given


def check(spark: SparkSession, places: dict[str, list[str]]) -> Iterator[Outcome]:
    """Every step at every place; after one that failed the place's other steps are left out."""
    for name, steps in _STEPS.items():
        for place in places.get(name, []):
            for step, call in steps.items():
                outcome = _tried(spark, step, place, call)
                yield outcome
                if outcome.problem:
                    break


def explain(step: str, error: Exception) -> str:
    """What went wrong, and the permission that is missing when that is what it is."""
    words = " ".join(str(error).split())
    if not _DENIED.search(words):
        return words[:1000]
    named = _NAMED.search(words)
    return f"the role is not allowed {named[1] if named else _NEEDED[step]}: {words[:700]}"


def _tried(spark: SparkSession, step: str, place: str, call: "Step") -> Outcome:
    try:
        call(spark, place)
    except Exception as error:  # noqa: BLE001  # whatever Spark, Java or gRPC raises is what was found out
        outcome = Outcome(step, place, explain(step, error))
    else:
        outcome = Outcome(step, place)
    fact = {"step": step, "place": place, "problem": outcome.problem}
    print(json.dumps(fact), flush=True)  # noqa: T201  # the driver's log
    return outcome


def _list(spark: SparkSession, folder: str) -> None:
    """List one level of the folder: a pattern makes Spark list it, and as nothing fits, nothing below it."""
    try:
        _ = fresh(spark).text(f"{folder}/{_NOTHING}").schema
    except Exception as error:
        if _ABSENT not in str(error):
            raise


def _read_file(spark: SparkSession, file: str) -> None:
    row = fresh(spark).format("binaryFile").load(file).selectExpr("length(content)").first()
    if row is None or not row[0]:
        raise AccessError([f"{file} is empty"])


def _write(spark: SparkSession, folder: str) -> None:
    rows = spark.createDataFrame([(CONTENT,)], "value STRING").coalesce(1)
    _plain(rows.write).text(folder)


def _read_back(spark: SparkSession, folder: str) -> None:
    found = [row[0] for row in fresh(spark).text(folder).collect()]
    if found != [CONTENT]:
        raise AccessError([f"{folder} holds {found!r} and not what was written"])


def _delete(spark: SparkSession, folder: str) -> None:
    """Overwrite with nothing: Spark deletes what is there; a partitioned write of no rows adds no file."""
    nothing = spark.createDataFrame([], "value STRING, part STRING")
    _plain(nothing.write.partitionBy("part")).text(folder)
    try:
        left = fresh(spark).format("binaryFile").option("recursiveFileLookup", "true").load(folder)
        row = left.select("path").where("length > 0").first()
    except Exception as error:
        if _ABSENT not in str(error):
            raise
        row = None
    if row is not None:
        raise AccessError([f"{row[0]} is still there"])


Step = Callable[[SparkSession, str], None]
_STEPS: dict[str, dict[str, Step]] = {
    "list": {"list": _list},
    "read": {"read": _read_file},
    "write": {"write": _write, "read back": _read_back, "delete": _delete},
}


def _plain(writer: DataFrameWriter) -> DataFrameWriter:
    """In place of what is there, and without a `_SUCCESS` beside it."""
    return writer.mode("overwrite").option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")


if __name__ == "__main__":
    main()
