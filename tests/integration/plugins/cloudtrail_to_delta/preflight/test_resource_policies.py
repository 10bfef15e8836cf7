"""The policies of buckets and keys beside the role's, over HTTP: what they add, deny and leave undecided."""

import json

import pytest

from sandbox.aws.seed import LAKE_BUCKET, LOGS_BUCKET
from tests.integration.plugins.cloudtrail_to_delta.preflight.roles import NOTHING, role_with

NOTHING_POLICY = {"Version": "2012-10-17", "Statement": [NOTHING]}
LOGS = f"arn:aws:s3:::{LOGS_BUCKET}"
READ = f"s3:GetObject on {LOGS}/AWSLogs/111122223333/CloudTrail/*"


def of(report, check):
    return {finding.subject: finding for finding in report.findings if finding.check == check}


def bucket_policy(account, *statements, bucket=LOGS_BUCKET):
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    account.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy, indent=4))


def statement(effect, *, principal="*", action="s3:*", resource=(LOGS, f"{LOGS}/*"), **more):
    return {
        "Effect": effect,
        "Principal": principal if principal == "*" else {"AWS": principal},
        "Action": action,
        "Resource": list(resource),
        **more,
    }


def delivery():
    """What every trail's bucket has."""
    return statement("Allow", action="s3:PutObject", Sid="AWSCloudTrailWrite") | {
        "Principal": {"Service": "cloudtrail.amazonaws.com"}
    }


def encrypted_logs(account, statements):
    """Every log file again, with a key that has this policy."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    key = account.aws.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
    account.encrypt_logs(key)
    return key


def kms_allow(principal, action="kms:Decrypt", **more):
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": "*", **more}


def root(account):
    return f"arn:aws:iam::{account.seeded.reader_role_arn.split(':')[4]}:root"


def test_a_bucket_policy_is_simulated_with_the_roles(account):
    bucket_policy(account, delivery())
    report = account.preflight()
    assert not report.failed, report.render()
    found = of(report, "resource_policy")
    assert found[f"bucket {LOGS_BUCKET}"].detail == "its policy (1 statement) is evaluated with the role's"
    assert found[f"bucket {LAKE_BUCKET}"].detail == "has no policy"


def test_a_deny_of_the_bucket_fails_and_the_statement_is_named(account):
    bucket_policy(account, delivery(), statement("Deny", action="s3:GetObject", Sid="NobodyReads"))
    report = account.preflight(kinds=["events"])
    assert [finding.subject for finding in report.failed] == [READ]
    assert f"the policy of bucket {LOGS_BUCKET}, statement NobodyReads" in report.failed[0].detail


@pytest.mark.parametrize("more", ["Principal", "NotPrincipal", "Condition"])
def test_a_deny_for_everybody_else_lets_the_role_through(account, more):
    role = account.seeded.reader_role_arn
    elsewhere = role_with(account.aws.client("iam"), f"somebody-else-{more}", NOTHING_POLICY)
    deny = statement("Deny", principal=elsewhere)
    if more == "NotPrincipal":
        deny = {"NotPrincipal": {"AWS": [role, root(account), elsewhere]}} | {
            name: value for name, value in deny.items() if name != "Principal"
        }
    elif more == "Condition":
        deny = statement("Deny", Condition={"ArnNotLike": {"aws:PrincipalArn": [role, elsewhere]}})
    bucket_policy(account, deny)
    report = account.preflight(kinds=["events"])
    assert not report.failed, report.render()


def test_a_deny_for_the_role_is_found_wherever_it_stands(account):
    bucket_policy(account, statement("Deny", principal=[account.seeded.reader_role_arn]))
    report = account.preflight(kinds=["events"])
    (finding,) = report.failed
    assert READ in finding.detail
    assert "statement number 1" in finding.detail


def test_a_bucket_that_demands_tls_is_no_obstacle(account):
    bucket_policy(account, statement("Deny", Condition={"Bool": {"aws:SecureTransport": "false"}}))
    assert not account.preflight(kinds=["events"]).failed


def test_a_deny_that_depends_on_the_clusters_network_is_a_warning_not_a_guess(account):
    condition = {"StringNotEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}
    bucket_policy(account, statement("Deny", Sid="OnlyOurEndpoint", Condition=condition))
    report = account.preflight(kinds=["events"])
    assert not report.failed, report.render()
    finding = of(report, "iam_simulation")[READ]
    assert finding.status == "warning"
    assert "statement OnlyOurEndpoint unless aws:SourceVpce matches" in finding.detail


def test_a_deny_without_a_condition_fails_even_beside_one_that_depends_on_the_network(account):
    condition = {"StringNotEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}
    bucket_policy(account, statement("Deny", Condition=condition), statement("Deny", action="s3:GetObject"))
    report = account.preflight(kinds=["events"])
    assert READ in {finding.subject for finding in report.failed}


def test_a_bucket_policy_that_lets_the_role_in_is_enough_within_the_account(account):
    role = account.seeded.reader_role_arn
    name = role.rpartition("/")[2]
    for policy in account.iam.list_role_policies(RoleName=name)["PolicyNames"]:
        account.iam.delete_role_policy(RoleName=name, PolicyName=policy)
    (finding,) = account.preflight(kinds=["events"]).failed
    assert READ in finding.detail
    bucket_policy(account, statement("Allow", principal=role))
    lake = f"arn:aws:s3:::{LAKE_BUCKET}"
    bucket_policy(
        account,
        statement("Allow", principal=role, resource=(lake, f"{lake}/*")),
        bucket=LAKE_BUCKET,
    )
    report = account.preflight(kinds=["events"])
    assert not report.failed, report.render()


def test_a_boundary_limits_what_a_bucket_policy_grants_to_the_role(account):
    role = account.seeded.reader_role_arn
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}
    boundary = account.iam.create_policy(PolicyName="keys-only", PolicyDocument=json.dumps(document))
    account.iam.put_role_permissions_boundary(
        RoleName=role.rpartition("/")[2], PermissionsBoundary=boundary["Policy"]["Arn"]
    )
    bucket_policy(account, statement("Allow", principal=role))
    (finding,) = account.preflight(kinds=["events"]).failed
    assert "permissions boundary does not allow it" in finding.detail
    assert READ in finding.detail


def test_a_key_whose_policy_leaves_it_to_the_account_takes_the_roles_right(account):
    key = encrypted_logs(account, [kms_allow(root(account), "kms:*")])
    report = account.preflight(kinds=["events"])
    assert [finding.subject for finding in report.failed] == [f"kms:Decrypt on {key}"]
    assert f"Add to the policy of {account.seeded.reader_role_arn}" in report.failed[0].remedy


def test_a_key_whose_policy_does_not_know_the_account_fails_with_what_its_policy_lacks(account):
    somebody = role_with(account.aws.client("iam"), "key-admin", NOTHING_POLICY)
    key = encrypted_logs(account, [kms_allow(somebody, "kms:*")])
    account.allow("kms:Decrypt", key)
    (finding,) = account.preflight(kinds=["events"]).failed
    assert finding.subject == f"kms:Decrypt on {key}"
    assert f"the role's policies allow it, but the policy of {key} does not" in finding.detail
    missing = json.loads("{" + finding.remedy.partition(": {")[2])
    admin = kms_allow(somebody, "kms:*")
    account.aws.client("kms").put_key_policy(
        KeyId=key,
        PolicyName="default",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [admin, missing]}),
    )
    assert not account.preflight(kinds=["events"]).failed


@pytest.mark.parametrize(
    ("code", "status"),
    # Source: Amazon S3 API, GetBucketPolicy: 403 without the right, 405 for another account's identity.
    [("AccessDenied", 403), ("MethodNotAllowed", 405)],
)
def test_a_bucket_policy_that_may_not_be_read_is_a_warning_with_what_it_has_to_allow(account, code, status):
    account.aws.fault(action="GetBucketPolicy", code=code, status=status)
    report = account.preflight(kinds=["events"])
    assert not report.failed, report.render()
    finding = of(report, "resource_policy")[f"bucket {LOGS_BUCKET}"]
    assert finding.status == "warning"
    needed = json.loads("{" + finding.remedy.partition(": {")[2])
    assert {name for one in needed["Statement"] for name in one["Action"]} == {
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:ListBucket",
    }
    assert all(one["Principal"] == {"AWS": account.seeded.reader_role_arn} for one in needed["Statement"])


def test_a_key_policy_that_may_not_be_read_is_a_warning(account):
    key = encrypted_logs(account, [kms_allow(account.seeded.reader_role_arn)])
    account.aws.fault(action="GetKeyPolicy", code="AccessDeniedException")
    found = of(account.preflight(kinds=["events"]), "resource_policy")[f"key {key}"]
    assert found.status == "warning"
    assert "kms:GetKeyPolicy" in found.remedy


def test_a_deny_with_an_operator_that_preflight_does_not_know_is_a_warning(account):
    condition = {"DateNotEquals": {"aws:PrincipalArn": "x"}}
    bucket_policy(account, statement("Deny", Sid="OddOperator", Condition=condition))
    report = account.preflight(kinds=["events"])
    assert not report.failed, report.render()
    finding = of(report, "iam_simulation")[READ]
    assert finding.status == "warning"
    assert "statement OddOperator unless aws:PrincipalArn matches" in finding.detail


def test_iam_that_asks_for_fewer_requests_is_asked_again(account):
    account.aws.fault(
        action="SimulatePrincipalPolicy", code="Throttling", message="Rate exceeded", status=400, times=4
    )
    assert not account.preflight(kinds=["events"]).failed
    answers = [r["status"] for r in account.aws.requests() if r["action"] == "SimulatePrincipalPolicy"]
    assert answers.count(400) == 4


def test_off_reads_no_policy(account):
    account.preflight(kinds=["events"], iam_simulation="off")
    assert "GetBucketPolicy" not in {request["action"] for request in account.aws.requests()}
