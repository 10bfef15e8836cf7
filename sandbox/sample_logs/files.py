"""The log files of a `SampleSpec`: their sizes, times, keys and bodies.

Sources of key layout and timing: "CloudTrail log file examples" and "Finding your CloudTrail log files". The
path has the day of delivery, a file holds events of the 15 minutes before its delivery, and the names are not
in the order of delivery.
"""

import itertools
import random
import string
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sandbox.sample_logs.calls import Place
from sandbox.sample_logs.damage import DamagedBody, damaged_bodies, pack, pack_content
from sandbox.sample_logs.further_kinds import aggregated, network_activity
from sandbox.sample_logs.insights import insight_pair
from sandbox.sample_logs.people import Account
from sandbox.sample_logs.records import make_record, scenes_of
from sandbox.sample_logs.spec import DAMAGED_FILES, Kind, LogFile, SampleSpec

# Share of files, share of records, spread: a few busy minutes, some busy hours, many quiet files.
_CROWDS: tuple[tuple[float, float, Callable[[random.Random], float]], ...] = (
    (0.01, 0.4, lambda rng: rng.uniform(0.5, 1.5)),
    (0.1, 0.3, lambda rng: rng.uniform(0.5, 1.5)),
    (0.89, 0.3, lambda rng: rng.expovariate(1)),
)
_FOLDERS: dict[Kind, str] = {
    "events": "CloudTrail",
    "insights": "CloudTrail-Insight",
    "network_activity": "CloudTrail-NetworkActivity",
    "aggregated": "CloudTrail-Aggregated",
}
_NAME = string.ascii_letters + string.digits
_RECORDS_OF_DAMAGED = 4


def generate(spec: SampleSpec) -> Iterator[LogFile]:
    """Yield the files of `spec`, events before Insights; the same spec gives the same keys and bytes."""
    rng = random.Random(spec.seed)  # noqa: S311  # samples must be repeatable, nothing here is a secret
    accounts = {number: Account(number, rng) for number in spec.accounts}
    places = list(itertools.product(spec.accounts, spec.regions))
    damaged = _RECORDS_OF_DAMAGED if spec.damaged else 0
    sound_files = spec.files - spec.insight_files - (DAMAGED_FILES if spec.damaged else 0)
    for number, size in enumerate(_sizes(sound_files, spec.records - damaged, rng)):
        account, region = places[number % len(places)]
        # Always generate the newest delivery: checks of freshness depend on it.
        delivered = _delivery(spec, rng) if number else spec.until
        records = _records(accounts[account], region, delivered, size, rng)
        yield _log_file("events", account, region, delivered, records, rng)
    if spec.damaged:
        yield from _damaged(spec, accounts, rng)
    yield from _insights(spec, rng)
    yield from _further(spec, rng)


def _sizes(files: int, records: int, rng: random.Random) -> list[int]:
    """Return how many records each file holds: skewed, at least one each, `records` in total."""
    weights: list[float] = []
    for share_of_files, share_of_records, spread in _CROWDS:
        count = max(round(files * share_of_files), 1)
        weights += [share_of_records / count * spread(rng) for _ in range(count)]
    weights = weights[:files] + [weights[-1]] * (files - len(weights))
    scale = (records - files) / sum(weights)
    sizes = [1 + int(weight * scale) for weight in weights]
    sizes[0] += records - sum(sizes)
    rng.shuffle(sizes)
    return sizes


def _delivery(spec: SampleSpec, rng: random.Random) -> datetime:
    span = spec.until - spec.start
    return spec.start + timedelta(seconds=rng.randrange(int(span.total_seconds()) + 1))


def _records(
    account: Account, region: str, delivered: datetime, count: int, rng: random.Random
) -> list[dict[str, Any]]:
    scenes, weights = scenes_of(region)
    moments = [delivered - timedelta(seconds=rng.randrange(60, 900)) for _ in range(count)]
    chosen = rng.choices(scenes, weights, k=count)
    return [
        make_record(scene, Place(account=account, region=region, moment=moment, rng=rng))
        for scene, moment in zip(chosen, moments, strict=True)
    ]


def _damaged(spec: SampleSpec, accounts: dict[str, Account], rng: random.Random) -> Iterator[LogFile]:
    """Yield one file for each defect, from each account and region in turn."""
    places = itertools.cycle(itertools.product(spec.accounts, spec.regions))
    for number in range(DAMAGED_FILES):
        account, region = next(places)
        delivered = _delivery(spec, rng)
        records = _records(accounts[account], region, delivered, _RECORDS_OF_DAMAGED, rng)
        yield _log_file(
            "events", account, region, delivered, records, rng, damaged=damaged_bodies(records)[number]
        )


def _insights(spec: SampleSpec, rng: random.Random) -> Iterator[LogFile]:
    """Yield the Start and End of each insight, alternately in one file and in two files."""
    account, region = spec.accounts[0], spec.regions[0]
    left = spec.insight_files
    while left > 0:
        start = _delivery(spec, rng) - timedelta(hours=1)
        began, ended = insight_pair(account, region, start, rng)
        bodies = [[began], [ended]] if left % 3 else [[began, ended]]
        for records in bodies[:left]:
            moment = datetime.fromisoformat(records[-1]["eventTime"]) + timedelta(minutes=10)
            yield _log_file("insights", account, region, moment, records, rng)
        left -= len(bodies[:left])


def _further(spec: SampleSpec, rng: random.Random) -> Iterator[LogFile]:
    """Yield files of the kinds that are ingested on request only, from each account and region in turn."""
    places = itertools.cycle(itertools.product(spec.accounts, spec.regions))
    makers: dict[Kind, Any] = {"network_activity": network_activity, "aggregated": aggregated}
    for kind, make in makers.items():
        for _ in range(spec.further_files):
            account, region = next(places)
            delivered = _delivery(spec, rng)
            moments = [
                delivered - timedelta(minutes=rng.randrange(1, 15)) for _ in range(rng.randrange(2, 9))
            ]
            records = [make(account, region, moment, rng) for moment in moments]
            yield _log_file(kind, account, region, delivered, records, rng)


def _log_file(
    kind: Kind,
    account: str,
    region: str,
    delivered: datetime,
    records: list[dict[str, Any]],
    rng: random.Random,
    *,
    damaged: DamagedBody | None = None,
) -> LogFile:
    sound = [] if damaged and damaged.defect else records
    return LogFile(
        key=_key(kind, account, region, delivered, rng),
        body=damaged.body if damaged else _body(kind, records),
        records=damaged.records if damaged else len(records),
        defect=damaged.defect if damaged else None,
        kind=kind,
        account=account,
        region=region,
        bad_records=damaged.bad_records if damaged else (),
        delivered=delivered.astimezone(UTC).replace(second=0, microsecond=0),
        original=damaged.original if damaged else None,
        event_dates=Counter(_event_date(record) for record in sound),
        event_names=Counter(_event_name(record) for record in sound),
    )


def _body(kind: Kind, records: list[dict[str, Any]]) -> bytes:
    return pack_content(records) if kind == "aggregated" else pack(records)


def _key(kind: Kind, account: str, region: str, delivered: datetime, rng: random.Random) -> str:
    folder, moment = _FOLDERS[kind], delivered.astimezone(UTC)
    name = f"{account}_{folder}_{region}_{moment:%Y%m%dT%H%MZ}_{''.join(rng.choices(_NAME, k=16))}.json.gz"
    return f"AWSLogs/{account}/{folder}/{region}/{moment:%Y/%m/%d}/{name}"


def _event_date(record: dict[str, Any]) -> date:
    moment: str = record["timeWindow"]["windowStart"] if "timeWindow" in record else record["eventTime"]
    return date.fromisoformat(moment[:10])


def _event_name(record: dict[str, Any]) -> str:
    details = record.get("insightDetails", record)
    return str(details["eventName"] if "eventName" in details else details["eventSource"])
