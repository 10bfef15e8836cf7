"""What the set-up applies is allowed by the simulation that preflight asks, with bucket and key policies."""

from cloudtrail_to_delta.iam.notifications import notification_access
from cloudtrail_to_delta.iam.reader import key_access, required_access, tampering
from cloudtrail_to_delta.preflight.resource_policies import fetch_policies
from cloudtrail_to_delta.preflight.simulation import check_access, check_pass_role
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import LOGS

DEPLOYMENT = f"arn:aws:iam::{LOGS}:role/databricks"


def simulated(world, request, accesses):
    """The findings of preflight on the reader role, and those on the policies of bucket and keys."""
    clients = {service: world.client(service) for service in ("iam", "s3", "kms")}
    lake = {"lake"}  # the tables' bucket is not the set-up's
    read, policies = fetch_policies(
        clients["s3"], lambda _: clients["kms"], accesses, role=request.reader_role_arn, without=lake
    )
    found = check_access(
        clients["iam"],
        request.instance_profile_arn,
        accesses,
        mode="require",
        unwanted=tampering(request.requests),
        policies=policies,
    )
    return [*read, *found]


def test_every_access_of_the_ingest_is_allowed_and_no_log_file_can_be_changed(world):
    request = world.request(kms_key="new", discovery="notifications")
    world.apply(request)
    key = world.client("kms").describe_key(KeyId="alias/cloudtrail-logs")["KeyMetadata"]["Arn"]
    accesses = [
        *required_access(request.requests, code_root=request.code_root),
        *key_access(request.requests, logs=dict.fromkeys(request.requests, (key,)), buckets={}),
        *notification_access(request.requests, account=LOGS),
    ]
    findings = simulated(world, request, accesses)
    assert {finding.status for finding in findings} == {"ok"}
    assert len(findings) >= len(accesses)


def test_without_the_role_action_the_simulation_says_what_is_missing(world):
    request = world.request()
    world.apply(request)
    world.client("iam").delete_role_policy(
        RoleName="cloudtrail-reader", PolicyName="cloudtrail-setup-cloudtrail"
    )
    findings = simulated(world, request, required_access(request.requests, code_root=request.code_root))
    assert "failed" in {finding.status for finding in findings}


def test_the_deployment_role_may_pass_the_reader_role_and_no_other(world):
    iam = world.client("iam")
    iam.create_role(RoleName="databricks", AssumeRolePolicyDocument="{}")
    iam.create_role(RoleName="other", AssumeRolePolicyDocument="{}")
    request = world.request(deployment_role_arn=DEPLOYMENT)
    world.apply(request)
    for role, status in ((request.reader_role_arn, "ok"), (f"arn:aws:iam::{LOGS}:role/other", "failed")):
        (finding,) = check_pass_role(iam, DEPLOYMENT, role, mode="require")
        assert finding.status == status
