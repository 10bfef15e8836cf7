"""The access check, a separate job: can this cluster, with its role, do everything that the ingest will do?

    cloudtrail-verify-access --list=s3://logs/AWSLogs/111122223333/CloudTrail \
        --read=s3://logs/AWSLogs/…/file.json.gz --write=s3://lake/delta/events/_access_check

It lists folders, reads log files, and writes, reads and deletes small objects. It uses the DataFrame API,
through which the ingest reaches S3 too. This is the last step of the original Databricks guide (2020).
"""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrameWriter, SparkSession

from cloudtrail_jobs import release
from cloudtrail_jobs.command_line import EXPECTED_VERSION, Parser, add_argument
from cloudtrail_jobs.driver_log import say, shown_error
from cloudtrail_jobs.errors import AccessError, ArgumentsError
from cloudtrail_jobs.session import fresh

CHECKS = {
    "list": "folders to list, one level of each",
    "read": "log files to read",
    "write": "folders in which to write, read and delete a small object",
}
CONTENT = "CloudTrail access check"
# No log file has this name: the check needs the listing, not a file.
_NOTHING = "*-no-such-file-*"
# The permissions that each step needs. Source: Service Authorization Reference, S3, and KMS for an encrypted
# bucket.
_NEEDED = {
    "list": "s3:ListBucket",
    "read": "s3:GetObject (and kms:Decrypt where it is encrypted)",
    # Spark moves its output into place with a copy and a delete.
    "write": "s3:PutObject or s3:DeleteObject (or kms:GenerateDataKey where the bucket is encrypted)",
    "read back": "s3:GetObject and s3:ListBucket (and kms:Decrypt where it is encrypted)",
    "delete": "s3:DeleteObject",
}
_DENIED = re.compile(r"AccessDenied|Access Denied|Forbidden|Status Code: 403|INSUFFICIENT_PERMISSIONS")
_NAMED = re.compile(r"not authorized to perform: ([a-z0-9]+:[A-Za-z]+)")
_ABSENT = "PATH_NOT_FOUND"


@dataclass(frozen=True)
class Outcome:
    """The result of one step at one place; `problem` is empty if the step succeeded."""

    step: str
    place: str
    problem: str = ""


def main() -> None:
    """Run every check; the entry point of the wheel task.

    Raises:
        AccessError: with every step that failed.
        ArgumentsError: with everything that is wrong with the command line.
        VersionError: if another version of the job was submitted.
    """
    with shown_error():
        places = parse_places(sys.argv[1:])
        outcomes = list(check(SparkSession.builder.getOrCreate(), places))
        if failed := [one for one in outcomes if one.problem]:
            raise AccessError([f"{one.step} {one.place}: {one.problem}" for one in failed])


def parse_places(argv: Sequence[str]) -> dict[str, list[str]]:
    """Return `--list=a,b --write=c` as check → places.

    Raises:
        ArgumentsError: with every unknown word, or if no place is given.
        VersionError: if another version of the job was submitted.
    """
    parser = Parser(
        prog="cloudtrail-verify-access",
        description="Check that this cluster can list, read, write and delete in S3.",
        epilog="Separate several places with commas, or repeat the argument.",
    )
    for name, text in CHECKS.items():
        add_argument(parser, name, "PLACE,PLACE", text)
    add_argument(parser, EXPECTED_VERSION.name, EXPECTED_VERSION.metavar, EXPECTED_VERSION.help)
    found, problems = parser.read(argv)
    release.require("".join(found.pop(EXPECTED_VERSION.name, [])[-1:]))
    places = {
        name: [place.rstrip("/") for value in values for place in value.split(",") if place]
        for name, values in found.items()
    }
    given = {name: some for name, some in places.items() if some}
    if not problems and not given:
        problems.append("no place to check is given: use --list, --read or --write")
    if problems:
        raise ArgumentsError(problems)
    return given


def check(spark: SparkSession, places: dict[str, list[str]]) -> Iterator[Outcome]:
    """Run every step at every place; a step that fails ends the steps of its place."""
    for name, steps in _STEPS.items():
        for place in places.get(name, []):
            for step, call in steps.items():
                outcome = _tried(spark, step, place, call)
                yield outcome
                if outcome.problem:
                    break


def explain(step: str, error: Exception) -> str:
    """Return what went wrong, after the missing permission if the step was denied."""
    words = " ".join(str(error).split())
    if not _DENIED.search(words):
        return words[:1000]
    named = _NAMED.search(words)
    return f"the role is not allowed {named[1] if named else _NEEDED[step]}: {words[:700]}"


def _tried(spark: SparkSession, step: str, place: str, call: "Step") -> Outcome:
    try:
        call(spark, place)
    except Exception as error:  # noqa: BLE001  # any error of Spark, Java or gRPC is a finding
        outcome = Outcome(step, place, explain(step, error))
    else:
        outcome = Outcome(step, place)
    say(step, place=place, problem=outcome.problem)
    return outcome


def _list(spark: SparkSession, folder: str) -> None:
    """List one level of the folder: a pattern makes Spark list it, and since nothing matches, no deeper."""
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
        raise AccessError([f"{folder} holds {found!r}, not the text that was written"])


def _delete(spark: SparkSession, folder: str) -> None:
    """Overwrite with no rows: Spark deletes the folder's files, and a partitioned write adds no new one."""
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
        raise AccessError([f"{row[0]} still exists after the delete"])


Step = Callable[[SparkSession, str], None]
_STEPS: dict[str, dict[str, Step]] = {
    "list": {"list": _list},
    "read": {"read": _read_file},
    "write": {"write": _write, "read back": _read_back, "delete": _delete},
}


def _plain(writer: DataFrameWriter) -> DataFrameWriter:
    """Make the writer replace the folder's files, without adding a `_SUCCESS` file."""
    return writer.mode("overwrite").option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")


if __name__ == "__main__":
    main()
