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
from tests.benchmarks.contenders import clear
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
        "One run ingests a day of events, then its digests, and then verifies the signatures of all of them: "
        "hours x regions x accounts, with as many log files. An ingest verifies only the new digests.",
        "The reconciliation compares the list of a stand-in for S3 with a Delta table on local disk. Its "
        "memory includes Python and the Delta reader.",
    ]
    count = accounts * regions * HOURS
    case = session.rounds(
        entry, f"{count:,} digests and log files", 1, {"ours": partial(_digests, session, accounts, regions)}
    )
    if facts := _facts(case):
        entry["figures"]["with/without digests"] = figure(
            [(facts["events"] + facts["digests"]) / facts["events"]]
        )
        entry["figures"]["verification/ingest"] = figure([facts["verification"] / facts["events"]])
    files = session.sizes.reconciled
    case = session.rounds(
        entry, f"one day of {files:,} log files", 1, {"ours": partial(_reconcile, session, files)}
    )
    if facts := _facts(case):
        entry["figures"]["LISTs per 1,000 log files"] = figure([facts["requests"] * 1000 / files])
    if found := measured(case, "ours", "peak_bytes"):
        entry["figures"]["reconciliation MB"] = figure([found[0] / 1e6])


def _facts(case: dict[str, Any]) -> dict[str, Any]:
    """What the program of the only run said; empty if it failed."""
    (one,) = runs(case, "ours")
    return dict(one.get("facts", {}))


def _digests(session: Session, accounts: int, regions: int, _: int) -> Run:
    folder = session.work / "digests"
    remove(folder)
    count = _write_trails(folder, accounts, regions)
    out = folder / "delta"
    try:
        found = measure(Program("digests"), folder, out, folder=folder / "run")
        require(found.facts["signed"] == count, f"{found.facts['signed']} of {count} digests are signed")
        return found
    finally:
        clear(out / "events")
        remove(folder)


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
