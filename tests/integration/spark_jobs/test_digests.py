"""Digests through the job: which ones CloudTrail signed, and what the views say of log files and hours.

Every case of `tests.fixtures.trail_cases` is an account in one organization's folder on disk, and all are
ingested together. The auditor's tool is tested with the same cases.
"""

import base64
import io
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property, partial
from pathlib import Path

import pytest

from cloudtrail_jobs import verification
from cloudtrail_jobs.commits import table_at
from cloudtrail_jobs.digests import Evidence
from cloudtrail_to_delta.completeness.signed import questions_of, signatures_of
from cloudtrail_to_delta.completeness.table import table_files
from cloudtrail_to_delta.params.ingest import ingest_params
from cloudtrail_to_delta.params.locations import LogsLocation
from cloudtrail_to_delta.params.request import resolve_requests
from cloudtrail_to_delta.reference.queries import statements
from cloudtrail_to_delta.tables.proof import hours_query, proof_query, verdicts_query
from sandbox.sample_logs.digests import Place
from tests.fixtures.documents import ROOT, unmarked_statements
from tests.fixtures.trail_cases import CASES, Keys
from tests.fixtures.trails import DAY, HOURS, NOW, Key, Trail

ORGANIZATION = "o-exampleorgid"
HOUR = timedelta(hours=1)
AUDIT = ROOT / "docs/how-to/audit.md"


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
    """The lake, what each case expects, its trail, and the tables as SQL names."""

    lake: object
    disk: Disk
    keys: Keys
    expected: dict[str, object]
    trails: dict[str, Trail]
    public_keys: Path

    def sql(self, query, *tables):
        folder = f"{self.lake.folder}/delta"
        return self.lake.spark.sql(query(*(table_at(f"{folder}/{name}") for name in tables)))

    def ingest(self, accounts="*", prefix="", **more):
        for kind, folder in (("events", "CloudTrail"), ("digests", "CloudTrail-Digest")):
            self.lake.ingest(
                kind,
                logs_path=f"{self.lake.folder}/AWSLogs/{ORGANIZATION}/{accounts}/{folder}/*/*",
                delta_path=f"{self.lake.folder}/delta/{prefix}{kind}",
                checkpoint_path=f"{self.lake.folder}/checkpoints/{prefix}{kind}",
                **({"public_keys": self.public_keys} if kind == "digests" else {}),
                **more,
            )
        # The run has verified them today, and the cases are of another day.
        path = f"{self.lake.folder}/delta/{prefix}digests"
        verified = table_at(verification.verified_path(path))
        self.lake.spark.sql(f"RESTORE TABLE {verified} TO VERSION AS OF 0")
        evidence = Evidence(self.keys.public, self.disk.signatures)
        verification.verify(self.lake.spark, path, evidence, NOW)

    def proof(self, folder="CloudTrail", prefix=""):
        bucket = str(self.lake.folder).lstrip("/")
        logs = LogsLocation(bucket=bucket, organization=ORGANIZATION, folder=folder)
        tables = ("events", "events_quarantine", "digests", "digests_verified")
        return self.sql(partial(proof_query, logs), *(f"{prefix}{table}" for table in tables))

    @cached_property
    def views(self):
        return self.make_views()

    def make_views(self, prefix=""):
        """The rows of each view, which are also temporary views with its name."""
        digests, quarantine, verified = (
            f"{prefix}digests{suffix}" for suffix in ("", "_quarantine", "_verified")
        )
        queries = {
            f"{prefix}cloudtrail_events_proof": self.proof(prefix=prefix),
            f"{prefix}cloudtrail_digests_hours": self.sql(hours_query, digests, verified),
            f"{prefix}cloudtrail_digests_verdicts": self.sql(verdicts_query, digests, quarantine, verified),
        }
        found = {name: query.collect() for name, query in queries.items()}
        for name, rows in found.items():
            shown = self.lake.spark.createDataFrame(rows, queries[name].schema)
            shown.createOrReplaceTempView(name)
        return found

    def ask(self, prefix="", **bounds):
        """What the completeness check makes of the views."""
        params = {name: param.value for name, param in ingest_params().items()}
        tables = {f"{kind}_table": f"{prefix}cloudtrail_{kind}" for kind in ("events", "digests")}
        requests = resolve_requests(params | {"bucket": "logs", "kinds": ["events", "digests"]} | tables)
        answers = {
            name: [row.asDict() for row in self.lake.spark.sql(query).collect()]
            for name, query in questions_of(requests, **bounds).items()
        }
        found = signatures_of(answers)
        return found["events"], found["digests"]


@pytest.fixture(scope="module")
def bucket(module_lake):
    lake, disk, keys = module_lake, Disk(), Keys(Key(), Key(), Key())
    expected, trails = {}, {}
    for number, case in enumerate(CASES):
        place = Place(
            bucket=str(lake.folder).lstrip("/"),
            root=f"AWSLogs/{ORGANIZATION}/",
            account=f"{111122220000 + number}",
            region="us-east-1",
        )
        trail = Trail(s3=disk, key=keys.own, place=place, keys=keys.public)
        expected[case.__name__] = (place.account, case(trail, keys))
        trails[case.__name__] = trail
    proofs = lake.folder / "public_keys.json"
    shown = {name: base64.b64encode(key).decode() for name, key in keys.public.items()}
    proofs.write_text(json.dumps({"keys": shown, "signatures": disk.signatures}))
    found = Bucket(lake, disk, keys, expected, trails, proofs)
    found.ingest(duplicates="remove")
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
    files = by_account(bucket.views["cloudtrail_events_proof"])
    hours = by_account(bucket.views["cloudtrail_digests_hours"])
    verdicts = by_account(bucket.views["cloudtrail_digests_verdicts"])
    for name, (account, expected) in bucket.expected.items():
        shown = {row.log_file.replace("file:/", "s3://"): row for row in files[account]}
        odd = {uri: row.verdict for uri, row in shown.items() if row.verdict not in ("proven", "late")}
        assert odd == expected.verdicts, name
        assert all(bool(row.detail) == (uri in odd) for uri, row in shown.items()), name
        assert Counter(row.verdict for row in shown.values())["late"] == expected.late, name
        states = {(row.hour.astimezone(DAY.tzinfo) - DAY) // HOUR: row.state for row in hours[account]}
        begin = (expected.first - DAY) // HOUR
        assert [hour for hour in sorted(states) if hour < 24] == list(range(begin, 24)), name
        gaps = [hour for hour in range(begin, 24) if states[hour] == "gap"]
        assert tuple(gaps) == expected.gaps, name
        said = {
            row.log_file.replace("file:/", "s3://"): row.problem
            for row in verdicts[account]
            if row.verdict != "signed"
        }
        assert said.keys() == expected.digests.keys(), name
        assert all(part in said[uri] for uri, part in expected.digests.items()), (name, said)


def test_the_auditors_tool_reads_in_the_jobs_tables_what_each_case_gives_it(bucket):
    folder = bucket.lake.folder
    found = table_files(f"{folder}/delta/events", root=f"file:{folder}/AWSLogs", storage_options={})
    held = {uri.replace("file:/", "s3://"): hashes for uri, hashes in found.items()}
    for name, (account, _) in bucket.expected.items():
        assert {uri: held[uri] for uri in held if account in uri} == bucket.trails[name].table, name
    removed = bucket.lake.quarantine().where("reason = 'duplicate'").select("log_file").collect()
    account, _ = bucket.expected["removed_duplicates"]
    assert [account in row.log_file for row in removed] == [True] * (len(HOURS) - 1)


def test_the_last_hours_and_late_log_files_of_bounds_are_proven_and_nothing_outside_is_a_gap(bucket):
    accounts = [bucket.expected[name][0] for name in ("a_week_without_validation", "backfilled")]
    day = f"{DAY:%Y-%m-%d}"
    bucket.ingest(f"{{{','.join(accounts)}}}", "bounded_", **{"from": day, "until": day})
    bucket.make_views("bounded_")
    events, digests = bucket.ask("bounded_", first=DAY.date(), last=DAY.date())
    assert (events.files, events.gaps) == ({"late": 1, "proven": 8}, [])
    assert (digests.hours, digests.gaps) == ({"covered": 48}, [])
    assert digests.calendar == {"us-east-1": {day: "c" * 24}}


def test_a_kind_that_no_digest_names_is_unsigned(bucket):
    assert {row.verdict for row in bucket.proof("CloudTrail-Insight").collect()} == {"unsigned"}


def test_the_completeness_check_asks_the_views_and_gets_the_same(bucket):
    every = bucket.views["cloudtrail_events_proof"]
    events, digests = bucket.ask()
    assert digests.as_of == events.as_of is not None
    gaps, hours = by_account(events.gaps), by_account(digests.gaps)
    for name, (account, expected) in bucket.expected.items():
        # An unsigned log file is a gap from the first hour of its region's digests on.
        shown = {uri.replace("file:/", "s3://"): gap.state for gap in gaps[account] for uri in gap.names}
        odd = {uri: verdict for uri, verdict in expected.verdicts.items() if verdict != "pending"}
        assert shown.items() <= odd.items(), name
        assert {"unsigned"} >= {odd[uri] for uri in odd.keys() - shown.keys()}, name
        days = {gap.day: gap.names for gap in hours[account] if gap.day <= f"{DAY:%Y-%m-%d}"}
        of_days = {
            (date.fromisoformat(day) - DAY.date()).days * 24 + int(hour) for day in days for hour in days[day]
        }
        assert of_days == set(expected.gaps), name
    assert {"altered", "missing", "extra", "unsigned"} <= {gap.state for gap in events.gaps}
    assert events.gap_count == len(events.gaps)
    assert sum(events.files.values()) == len(every)
    letters = digests.calendar["us-east-1"][f"{DAY:%Y-%m-%d}"]
    worst = {hour for _, expected in bucket.expected.values() for hour in expected.gaps}
    assert letters == "".join("g" if hour in worst else "c" for hour in range(24))


def test_the_statements_of_the_documentation_run_on_these_views(bucket):
    made = bucket.views
    shown = [one for one in unmarked_statements(AUDIT) if one.startswith("SELECT")]
    assert len(shown) == len(made)
    for statement, name in zip(shown, made, strict=True):
        assert name in statement
        assert bucket.lake.spark.sql(statement).collect()


def test_the_statement_about_what_is_not_proven_finds_every_such_log_file(bucket):
    page = (ROOT / "docs/queries.md").read_text(encoding="utf-8")
    (sql,) = (one.sql for one in statements(page) if one.title == "What is not proven")
    every = bucket.views["cloudtrail_events_proof"]
    found = {row.log_file for row in bucket.lake.spark.sql(sql).collect()}
    assert found == {row.log_file for row in every if row.verdict not in ("proven", "pending")} != set()
