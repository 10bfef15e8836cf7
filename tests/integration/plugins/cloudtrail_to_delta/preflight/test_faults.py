"""Each read of preflight fails once, in each way: the findings are those of a run without a fault."""

from itertools import cycle

from sandbox.aws.seed import LAKE_BUCKET
from tests.integration.plugins.cloudtrail_to_delta.test_faults import AWS, DATABRICKS

UC = "/api/2.1/unity-catalog"
# The calls of Databricks by the start of their path.
READS = {
    "external locations": f"{UC}/external-locations",
    "effective permissions": f"{UC}/effective-permissions",
    "schemas": f"{UC}/schemas",
    "volumes": f"{UC}/volumes",
    "identity": "/api/2.0/preview/scim",
    "permissions on compute": "/api/2.0/permissions",
    "node types": "/api/2.1/clusters/list-node-types",
    "warehouse": "/api/2.0/sql/warehouses",
}
CALLS = {
    ("s3", "ListObjectsV2"),
    ("s3", "GetBucketLocation"),
    ("kms", "DescribeKey"),
    ("iam", "SimulatePrincipalPolicy"),
}
# As the form has it: a new cluster, its wheel in a volume, names of Unity Catalog.
FORM = {"compute": "new_cluster", "cluster_id": None, "code_root": "/Volumes/main/default/code"}


def findings(account):
    return [(one.check, one.subject, one.status, one.detail) for one in account.preflight(**FORM).findings]


def test_a_read_of_databricks_that_fails_once_changes_no_finding(account, databricks):
    expected, met = findings(account), []
    for (name, path), fault in zip(READS.items(), cycle(DATABRICKS), strict=False):
        asked = DATABRICKS[fault] | {"method": "GET", "path": path}
        assert databricks.call("POST", "/sandbox/faults", json=asked).ok
        assert findings(account) == expected, (name, fault)
        if not databricks.call("GET", "/sandbox/faults").json()["faults"]:
            met.append(name)
        assert databricks.call("DELETE", "/sandbox/faults").ok
    # A fault that nothing met would prove nothing.
    assert met == list(READS)


def test_a_read_of_aws_that_fails_once_changes_no_finding(account):
    key = account.aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    account.s3.put_bucket_encryption(Bucket=LAKE_BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    account.allow(["kms:Decrypt", "kms:GenerateDataKey"], key)
    expected = findings(account)
    for (service, action), fault in zip(sorted(CALLS), cycle(AWS), strict=False):
        account.aws.fault(service=service, action=action, times=1, **AWS[fault])
        assert findings(account) == expected, (action, fault)
        account.aws.clear_faults()
