"""A run of the job, then a verification: `python -m tests.benchmarks.programs.digests FOLDER OUT KINDS`."""

import contextlib
import io
import json
import os
import sys
import time
from datetime import UTC, datetime

from pyspark.sql import SparkSession

from cloudtrail_jobs import verification
from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.ingest import run
from tests.benchmarks.process_tree import ProcessTree
from tests.benchmarks.programs.protocol import done, ready
from tests.benchmarks.spark_session import start

FOLDERS = {"events": "CloudTrail", "digests": "CloudTrail-Digest"}


class Said(io.TextIOBase):
    """The job's log, for the seconds and CPU seconds from `begin` to the end of each kind."""

    def __init__(self) -> None:
        self._tree = ProcessTree(os.getpid())
        self.begin = time.monotonic(), self._tree.cpu()
        self.ends: dict[str, dict[str, float]] = {}

    def write(self, text: str) -> int:
        """Take a line of the log."""
        if text.startswith('{"step": "end"'):
            began, cpu = self.begin
            spent = {"seconds": time.monotonic() - began, "cpu": self._tree.cpu() - cpu}
            self.ends[json.loads(text)["kind"]] = spent
        return len(text)


def arguments(kinds: list[str], folder: str, out: str) -> list[str]:
    """Return the job's arguments. There are no public keys: the run judges no signature."""
    found = [f"--kinds={','.join(kinds)}", "--region=us-east-1"]
    for kind in kinds:
        found += [
            f"--{kind}.logs-path={folder}/AWSLogs/*/{FOLDERS[kind]}/*/*",
            f"--{kind}.delta-path={out}/{kind}",
            f"--{kind}.checkpoint-path={out}/checkpoints/{kind}",
            f"--{kind}.table={kind}",
        ]
    return found


def main() -> None:
    """Ingest the kinds below FOLDER into OUT; with digests among them, verify every signature."""
    folder, out, kinds = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
    start()
    ready()
    said = Said()
    with contextlib.redirect_stdout(said):
        run(parse_arguments(arguments(kinds, folder, out)))
    facts = {"logs_seconds": said.ends["events"]["seconds"], "logs_cpu": said.ends["events"]["cpu"]}
    if "digests" in kinds:
        facts["all_seconds"] = said.ends["digests"]["seconds"]
        spark = SparkSession.builder.getOrCreate()
        began = time.monotonic()
        evidence = verification.load_evidence(spark, f"{folder}/public_keys.json")
        counts = verification.verify(spark, f"{out}/digests", evidence, datetime.now(UTC))
        facts |= {"verification": time.monotonic() - began, "signed": counts.get("signed", 0)}
    done(**facts)


if __name__ == "__main__":
    main()
