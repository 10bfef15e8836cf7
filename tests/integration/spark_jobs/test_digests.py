"""Digests through the job: which ones CloudTrail signed, and what the views say of log files and hours.

Every case of `tests.fixtures.trail_cases` is an account in one organization's folder on disk, and all are
ingested together. The auditor's tool is tested with the same cases.
"""

import base64
import io
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cloudtrail_jobs import verification
from cloudtrail_jobs.commits import table_at
from cloudtrail_jobs.digests import Evidence
from cloudtrail_to_delta.params.locations import LogsLocation
from cloudtrail_to_delta.tables.proof import hours_query, proof_query, verdicts_query
from sandbox.sample_logs.digests import Place
from tests.fixtures.trail_cases import CASES, Keys
from tests.fixtures.trails import DAY, NEXT_DAY, NOW, Key, Trail

ORGANIZATION = "o-exampleorgid"


@dataclass
class Disk:
    """S3 as far as a trail uses it, on local disk, where Spark finds `bucket/key` at /bucket/key."""

    metadata: dict[str, dict[str, str]] = field(default_factory=dict)

    def put_object(self, *, Bucket, Key, Body, Metadata=None):  # noqa: N803 - boto3's names
        path = Path("/", Bucket, Key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Body)
        self.metadata[f"{Bucket}/{Key}"] = Metadata or {}

    def get_object(self, *, Bucket, Key):  # noqa: N803
        return {"Body": io.BytesIO(Path("/", Bucket, Key).read_bytes())}

    def delete_object(self, *, Bucket, Key):  # noqa: N803
        Path("/", Bucket, Key).unlink()
        del self.metadata[f"{Bucket}/{Key}"]

    @property
    def signatures(self):
        return {place: one["signature"] for place, one in self.metadata.items() if "signature" in one}


@dataclass(frozen=True)
class Bucket:
    """The lake, what each case expects, and the tables as SQL names."""

    lake: object
    disk: Disk
    keys: Keys
    expected: dict[str, object]

    def sql(self, query, *tables):
        folder = f"{self.lake.folder}/delta"
        return self.lake.spark.sql(query(*(table_at(f"{folder}/{name}") for name in tables))).collect()

    def proof(self, folder="CloudTrail"):
        logs = LogsLocation(
            bucket=str(self.lake.folder).lstrip("/"), organization=ORGANIZATION, folder=folder
        )
        tables = ("events", "events_quarantine", "digests", "digests_verified")
        return self.sql(lambda *names: proof_query(logs, *names), *tables)

    def verify(self, now, **evidence):
        return verification.verify(
            self.lake.spark,
            f"{self.lake.folder}/delta/digests",
            Evidence(**({"keys": self.keys.public, "signatures": self.disk.signatures} | evidence)),
            now,
        )


@pytest.fixture(scope="module")
def bucket(module_lake):
    lake, disk, keys = module_lake, Disk(), Keys(Key(), Key(), Key())
    expected = {}
    for number, case in enumerate(CASES):
        place = Place(
            bucket=str(lake.folder).lstrip("/"),
            root=f"AWSLogs/{ORGANIZATION}/",
            account=f"{111122220000 + number}",
            region="us-east-1",
        )
        trail = Trail(s3=disk, key=keys.own, place=place, keys=keys.public)
        expected[case.__name__] = (place.account, case(trail, keys))
    proofs = lake.folder / "public_keys.json"
    shown = {name: base64.b64encode(key).decode() for name, key in keys.public.items()}
    proofs.write_text(json.dumps({"keys": shown, "signatures": disk.signatures}))
    for kind, folder in (("events", "CloudTrail"), ("digests", "CloudTrail-Digest")):
        path = f"{lake.folder}/AWSLogs/{ORGANIZATION}/*/{folder}/*/*"
        more = {"public_keys": proofs} if kind == "digests" else {}
        lake.ingest(kind, logs_path=path, **more)
    found = Bucket(lake, disk, keys, expected)
    found.verify(NOW)
    return found


def by_account(rows):
    found = defaultdict(list)
    for row in rows:
        found[row.account].append(row)
    return found


def test_each_digest_is_a_row_with_its_log_files_its_text_and_its_hash(bucket):
    account, _ = bucket.expected["sound"]
    rows = bucket.lake.table("digests").where(f"awsAccountId = {account}").orderBy("timestamp").collect()
    assert len(rows) == 26
    first, second = rows[:2]
    assert (second.previousDigestHashValue, str(first.date)) == (first.log_file_sha256, "2026-11-20")
    assert json.loads(first.raw)["digestS3Object"] == first.digestS3Object
    assert sum(len(row.logFiles) for row in rows) == 6
    assert all(row.misfits is None and row.unknown_fields is None for row in rows)


def test_the_views_say_what_the_auditors_tool_says(bucket):
    files = by_account(bucket.proof())
    hours = by_account(bucket.sql(hours_query, "digests", "digests_verified"))
    verdicts = by_account(bucket.sql(verdicts_query, "digests", "digests_quarantine", "digests_verified"))
    for name, (account, expected) in bucket.expected.items():
        shown = {row.log_file.replace("file:/", "s3://"): row for row in files[account]}
        odd = {uri: row.verdict for uri, row in shown.items() if row.verdict not in ("proven", "late")}
        assert odd == expected.verdicts, name
        assert all(bool(row.detail) == (uri in odd) for uri, row in shown.items()), name
        assert Counter(row.verdict for row in shown.values())["late"] == expected.late, name
        of_day = [row for row in hours[account] if row.hour.astimezone(DAY.tzinfo) < NEXT_DAY]
        assert len(of_day) == 24, name
        gaps = [row.hour.astimezone(DAY.tzinfo).hour for row in of_day if row.state == "gap"]
        assert tuple(gaps) == expected.gaps, name
        said = {
            row.log_file.replace("file:/", "s3://"): row.problem
            for row in verdicts[account]
            if row.verdict != "signed"
        }
        assert said.keys() == expected.digests.keys(), name
        assert all(part in said[uri] for uri, part in expected.digests.items()), (name, said)


def test_a_kind_that_no_digest_names_is_unsigned(bucket):
    assert {row.verdict for row in bucket.proof("CloudTrail-Insight")} == {"unsigned"}
