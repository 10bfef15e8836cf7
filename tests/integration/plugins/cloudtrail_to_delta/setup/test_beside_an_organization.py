"""Set-up, ingest, a set-up with one account fewer, and removal, beside an organization trail of others.

The organization trail delivers into the same bucket. It delivers before, during and after.
"""

from datetime import UTC, datetime

import pytest

from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.ingest import run
from cloudtrail_to_delta.iam.reader import required_access
from cloudtrail_to_delta.params.setup import ACTIONS
from cloudtrail_to_delta.preflight.trails import check_trails
from sandbox.sample_logs import SampleSpec, write
from sandbox.spark import properties
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import BUCKET, LOGS, PRODUCTION, STAGING
from tests.integration.plugins.cloudtrail_to_delta.setup.test_simulation import simulated
from tests.unit.plugins.cloudtrail_to_delta.setup.memory_aws import statement_of_others

NAME = "organization"
BESIDE = f"arn:aws:cloudtrail:us-east-1:{LOGS}:trail/{NAME}"


@pytest.fixture
def beside(world):
    """Returns the latest errors of all trails: account → text. The organization's trail exists already."""
    organizations = world.owner("organizations")
    organizations.create_organization(FeatureSet="ALL")
    organizations.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    found = organizations.describe_organization()["Organization"]["Id"]
    s3, cloudtrail = world.owner("s3"), world.owner("cloudtrail")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_policy(Bucket=BUCKET, Policy=statement_of_others(BUCKET, BESIDE, found))
    cloudtrail.create_trail(Name=NAME, S3BucketName=BUCKET, IsOrganizationTrail=True, IsMultiRegionTrail=True)
    cloudtrail.start_logging(Name=NAME)

    def problems():
        every = [
            check_trails(world.owner("cloudtrail", one), {BUCKET}) for one in (LOGS, PRODUCTION, STAGING)
        ]
        trails = [finding for findings in every for finding in findings if finding.status != "skipped"]
        assert BESIDE in [finding.subject for finding in trails]
        return [(finding.subject, finding.detail) for finding in trails if finding.status != "ok"]

    return problems


@pytest.fixture
def ingest(world, spark, tmp_path):
    """Run the job with the keys of a request's reader role; returns the accounts of the table's rows."""
    connected = {
        name.removeprefix("spark.hadoop."): value
        for name, value in properties(aws_endpoint=world.aws.endpoint).items()
        if name.startswith("spark.hadoop.")
    }

    def ingested(request):
        sts = world.owner("sts").assume_role(RoleArn=request.reader_role_arn, RoleSessionName="run")
        keys = {
            "fs.s3a.access.key": sts["Credentials"]["AccessKeyId"],
            "fs.s3a.secret.key": sts["Credentials"]["SecretAccessKey"],
            "fs.s3a.session.token": sts["Credentials"]["SessionToken"],
            "fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider",
        }
        for name, value in (connected | keys).items():
            spark.conf.set(name, value)
        events = request.requests["events"]
        given = {
            "kind": "events",
            "logs-path": events.logs_path,
            "delta-path": f"{tmp_path}/events",
            "checkpoint-path": f"{tmp_path}/checkpoint",
            "table": "events",
            "region": "us-east-1",
        }
        run(parse_arguments([f"--{name}={value}" for name, value in given.items()]))
        table = spark.read.format("delta").load(f"{tmp_path}/events")
        return sorted(row[0] for row in table.select("recipientAccountId").distinct().collect())

    yield ingested
    for name in (*connected, "fs.s3a.session.token", "fs.s3a.aws.credentials.provider"):
        spark.conf.unset(name)


def test_no_run_stops_the_delivery_of_a_trail(world, beside, ingest):
    request = world.request()
    # The task `preflight` also needs the policy of an ingest's connection.
    preflight = {"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": "*"}
    world.limit(request, also=[preflight])

    def steps(request):
        plan = world.plan(request)
        for action in ACTIONS if plan.mode == "apply" else reversed(ACTIONS):
            world.apply_action(request, plan, action)
            assert beside() == [], (plan.mode, action)

    assert beside() == []
    steps(request)
    assert world.plan(request).writes == ()
    # The checks of the ingest on the role and the bucket that were set up, and on its trails.
    accesses = required_access(request.requests, code_root=request.code_root)
    bad = [finding for finding in simulated(world, request, accesses) if finding.status != "ok"]
    assert bad == []
    accounts = (LOGS, PRODUCTION, STAGING)
    counts = {"days": 1, "files": 3, "records": 30, "insight_files": 0, "damaged": False}
    spec = SampleSpec(until=datetime.now(UTC), accounts=accounts, regions=("us-east-1",), **counts)
    write(world.owner("s3"), BUCKET, spec)
    assert ingest(request) == sorted(accounts)
    assert beside() == []
    # One account fewer: its trail stays, and delivers.
    fewer = world.request(trail_accounts=[LOGS, PRODUCTION])
    steps(fewer)
    assert len(world.owner("cloudtrail", STAGING).describe_trails()["trailList"]) == 1
    world.owner("s3").put_object(Bucket=BUCKET, Key="AWSLogs/file", Body=b"x")
    steps(world.request(mode="remove"))
    remaining = [one["TrailARN"] for one in world.owner("cloudtrail").describe_trails()["trailList"]]
    assert remaining == [BESIDE]
