"""Set-up, preflight, a set-up with one account fewer, and removal, beside an organization trail of others.

The organization trail delivers into the same bucket. It delivers before, during and after.
"""

import pytest

from cloudtrail_to_delta.iam.reader import required_access
from cloudtrail_to_delta.params.setup import ACTIONS
from cloudtrail_to_delta.preflight.trails import check_trails
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


def test_no_run_stops_the_delivery_of_a_trail(world, beside):
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
    # One account fewer: its trail stays, and delivers.
    fewer = world.request(trail_accounts=[LOGS, PRODUCTION])
    steps(fewer)
    assert len(world.owner("cloudtrail", STAGING).describe_trails()["trailList"]) == 1
    world.owner("s3").put_object(Bucket=BUCKET, Key="AWSLogs/file", Body=b"x")
    steps(world.request(mode="remove"))
    remaining = [one["TrailARN"] for one in world.owner("cloudtrail").describe_trails()["trailList"]]
    assert remaining == [BESIDE]
