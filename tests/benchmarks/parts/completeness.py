"""Completeness: what digests add to an ingest, and a reconciliation of one day with very many log files."""

import json
from base64 import b64encode
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.sample_logs import SampleSpec, generate
from sandbox.sample_logs.digests import Delivered, Place, digests
from tests.benchmarks.figures import figure, measured, runs
from tests.benchmarks.measuring import Program, Run, measure, remove, require
from tests.benchmarks.programs import reconcile
from tests.benchmarks.session import Session
from tests.fixtures.trails import Key, Signer

TITLE = "Completeness"
DAY = datetime(2026, 6, 30, tzinfo=UTC)
NEXT_DAY = DAY + timedelta(days=1)
HOURS = 24
RECORDS_PER_FILE = 20


def run(session: Session, entry: dict[str, Any]) -> None:
    """One day of digests, then one day of log files."""
    accounts, regions = session.sizes.digests
    entry["notes"] = [
        "Both runs ingest the same day of log files, as a first load. One of them also ingests the day's "
        "digests (hours x regions x accounts, as many as log files), and then verifies all signatures. The "
        "log files come first in a run, so their figures end before those of the digests begin.",
        "The reconciliation compares the list of a stand-in for S3 with a Delta table on local disk. Its "
        "memory includes Python and the Delta reader.",
    ]
    folder = session.work / "digests"
    remove(folder)
    try:
        count = _write_trails(folder, accounts, regions)
        case = session.rounds(
            entry,
            f"{count:,} digests and log files",
            session.sizes.digest_rounds,
            {"alone": partial(_ingest, folder, 0), "ours": partial(_ingest, folder, count)},
        )
    finally:
        remove(folder)
    for name, measure_of in (("time", "logs_seconds"), ("CPU", "logs_cpu")):
        if found := _ratio(case, measure_of):
            entry["figures"][f"logs with/without digests {name}"] = found
    if facts := _facts(case):
        entry["figures"]["verification/ingest of the logs"] = figure(
            [one["verification"] / one["logs_seconds"] for one in facts]
        )
        entry["figures"]["minutes for the digests"] = figure(
            [(one["all_seconds"] - one["logs_seconds"] + one["verification"]) / 60 for one in facts]
        )
    files = session.sizes.reconciled
    case = session.rounds(
        entry, f"one day of {files:,} log files", 1, {"ours": partial(_reconcile, session, files)}
    )
    if facts := _facts(case):
        entry["figures"]["LISTs per 1,000 log files"] = figure([facts[0]["requests"] * 1000 / files])
    if peaks := measured(case, "ours", "peak_bytes"):
        entry["figures"]["reconciliation MB"] = figure([peaks[0] / 1e6])


def _facts(case: dict[str, Any]) -> list[dict[str, Any]]:
    """What the program of each sound run of ours said."""
    return [one["facts"] for one in runs(case, "ours") if "error" not in one]


def _ratio(case: dict[str, Any], name: str) -> dict[str, Any] | None:
    """A fact of the run with digests over that of the run without, round by round."""
    pairs = zip(runs(case, "ours"), runs(case, "alone"), strict=True)
    ratios = [
        ours["facts"][name] / alone["facts"][name]
        for ours, alone in pairs
        if "error" not in ours and "error" not in alone
    ]
    return figure(ratios, digits=3) if ratios else None


def _ingest(folder: Path, digests_expected: int, _: int) -> Run:
    """Ingest the log files, and the digests if there must be some."""
    out = folder / "delta"
    try:
        kinds = "events,digests" if digests_expected else "events"
        found = measure(Program("digests"), folder, out, kinds, folder=folder / "run")
        signed = found.facts.get("signed", 0)
        require(signed == digests_expected, f"{signed} of {digests_expected} digests are signed")
        return found
    finally:
        remove(out)


def _write_trails(folder: Path, accounts: int, regions: int) -> int:
    """Write a day of log files and their digests below `folder`, and the evidence beside them."""
    count = accounts * regions * HOURS
    spec = SampleSpec(
        until=NEXT_DAY - timedelta(minutes=1),
        days=1,
        files=count,
        records=count * RECORDS_PER_FILE,
        insight_files=0,
        damaged=False,
        accounts=tuple(f"{111122220000 + number}" for number in range(accounts)),
        regions=tuple(f"region-{number:02}" for number in range(regions)),
    )
    delivered = defaultdict(list)
    for file in generate(spec):
        _write(folder / file.key, file.body)
        one = Delivered(key=file.key, at=file.delivered, sha256=file.delivered_sha256)
        delivered[file.account, file.region].append(one)
    key, written, signatures = Key(), 0, {}
    for account in spec.accounts:
        for region in spec.regions:
            place = Place(bucket=str(folder).lstrip("/"), root="AWSLogs/", account=account, region=region)
            for one in digests(place, delivered[account, region], Signer(key), start=DAY, end=NEXT_DAY):
                _write(folder / one.key, one.body)
                signatures[f"{place.bucket}/{one.key}"] = one.metadata["signature"]
                written += 1
    evidence = {"keys": {key.name: b64encode(key.public).decode()}, "signatures": signatures}
    (folder / "public_keys.json").write_text(json.dumps(evidence))
    return written


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def _reconcile(session: Session, files: int, _: int) -> Run:
    folder = session.work / "reconcile"
    remove(folder)
    try:
        reconcile.write_table(folder / "delta", files)
        found = measure(Program("reconcile"), folder / "delta", str(files), folder=folder / "run")
        require(found.facts["files"] == {"held": files}, f"the files are {found.facts['files']}")
        return found
    finally:
        remove(folder)
