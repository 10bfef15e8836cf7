"""Unity Catalog through the SDK: credentials with their external id, locations that are tried out."""

import json

import pytest
from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied, ResourceConflict
from databricks.sdk.service.catalog import AwsIamRoleRequest, AwsSqsQueue, FileEventQueue

ROLE = "arn:aws:iam::123456789012:role/catalog"
URL = "s3://catalog-lake/delta"


@pytest.fixture
def workspace(databricks, aws):
    """The workspace, with an AWS as it is when new, and without what the test made."""
    aws.reset()
    aws.client("s3").create_bucket(Bucket="catalog-lake")
    sdk = databricks.sdk()
    kinds = (sdk.external_locations, sdk.storage_credentials)
    before = {one.name for kind in kinds for one in kind.list()}
    yield sdk
    for kind in kinds:
        for one in list(kind.list()):
            if one.name not in before:
                kind.delete(one.name)


@pytest.fixture
def credential(workspace):
    return workspace.storage_credentials.create("mine", aws_iam_role=AwsIamRoleRequest(ROLE), comment="c")


def trust(credential, *, itself=True, external_id=None):
    role = credential.aws_iam_role
    principals = [role.unity_catalog_iam_arn, *([ROLE] if itself else [])]
    condition = {"StringEquals": {"sts:ExternalId": external_id or role.external_id}}
    return {"Principal": {"AWS": principals}, "Action": "sts:AssumeRole", "Condition": condition}


def allow(actions, resource):
    return {"Action": actions, "Resource": resource}


RIGHTS = {
    "self": allow("sts:AssumeRole", ROLE),
    "list": allow("s3:ListBucket", "arn:aws:s3:::catalog-lake"),
    "read": allow("s3:GetObject", "arn:aws:s3:::catalog-lake/*"),
    "write": allow(["s3:PutObject", "s3:DeleteObject"], "arn:aws:s3:::catalog-lake/*"),
}


def document(*statements):
    allowed = [{"Effect": "Allow"} | statement for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": allowed})


def put_role(aws, trusted, *rights):
    iam = aws.client("iam")
    # moto wants an existing account's principal; what matters here is what the document says.
    iam.create_role(RoleName="catalog", AssumeRolePolicyDocument=document(trusted))
    iam.put_role_policy(RoleName="catalog", PolicyName="p", PolicyDocument=document(*rights))


def test_a_credential_is_made_before_its_role_and_says_what_the_trust_policy_needs(workspace, credential):
    role = credential.aws_iam_role
    assert (role.role_arn, credential.comment, credential.read_only) == (ROLE, "c", False)
    assert role.unity_catalog_iam_arn.startswith("arn:aws:iam::414351767826:role/unity-catalog")
    found = workspace.storage_credentials.get("mine")
    assert found.aws_iam_role.external_id == role.external_id
    again = workspace.storage_credentials.update("mine", aws_iam_role=AwsIamRoleRequest(ROLE), comment="d")
    assert (again.aws_iam_role.external_id, again.comment) == (role.external_id, "d")
    other = workspace.storage_credentials.update("mine", aws_iam_role=AwsIamRoleRequest(f"{ROLE}2"))
    assert other.aws_iam_role.external_id != role.external_id
    assert {"mine", "sandbox"} <= {one.name for one in workspace.storage_credentials.list()}


def test_what_is_missing_or_there_already_is_said_in_unity_catalogs_codes(workspace, credential, databricks):
    with pytest.raises(ResourceConflict, match="Storage Credential 'mine' already exists"):
        workspace.storage_credentials.create("mine", aws_iam_role=AwsIamRoleRequest(ROLE))
    with pytest.raises(NotFound, match=r"External Location 'x' does not exist\."):
        workspace.external_locations.get("x")
    answer = databricks.call("GET", "/api/2.1/unity-catalog/storage-credentials/x")
    assert answer.json()["error_code"] == "STORAGE_CREDENTIAL_DOES_NOT_EXIST"
    with pytest.raises(NotFound, match="Storage Credential 'x' does not exist"):
        workspace.external_locations.create("x", url=URL, credential_name="x")
    with pytest.raises(InvalidParameterValue, match="aws_iam_role is missing"):
        workspace.storage_credentials.create("other")


def test_a_location_wants_a_role_that_trusts_the_catalog_and_itself_and_may_do_what_it_is_for(
    workspace, credential, aws
):
    def create(**settings):
        return workspace.external_locations.create("lake", url=URL, credential_name="mine", **settings)

    def refused(words):
        with pytest.raises(PermissionDenied, match=words):
            create()
        aws.client("iam").delete_role_policy(RoleName="catalog", PolicyName="p")
        aws.client("iam").delete_role(RoleName="catalog")

    with pytest.raises(PermissionDenied, match="not authorized to perform: sts:AssumeRole"):
        create()
    put_role(aws, trust(credential, external_id="0000"), *RIGHTS.values())
    refused("not authorized to perform: sts:AssumeRole")
    put_role(aws, trust(credential, itself=False), *RIGHTS.values())
    refused("not self-assuming")
    put_role(aws, trust(credential), RIGHTS["list"])
    refused("not self-assuming")
    put_role(aws, trust(credential), RIGHTS["self"])
    refused("does not have READ permissions .*s3:ListBucket")
    put_role(aws, trust(credential), RIGHTS["self"], RIGHTS["list"])
    with pytest.raises(PermissionDenied, match="does not have WRITE permissions"):
        create()
    assert create(read_only=True).read_only
    workspace.external_locations.update("lake", comment="c", read_only=True)
    with pytest.raises(PermissionDenied, match="does not have WRITE permissions"):
        workspace.external_locations.update("lake", read_only=False)
    changed = workspace.external_locations.update("lake", read_only=False, skip_validation=True)
    assert (changed.read_only, changed.comment) == (False, "c")


def test_file_events_need_a_queue_and_the_rights_to_make_it(workspace, credential, aws):
    put_role(aws, trust(credential), *RIGHTS.values())
    managed = {
        "url": URL,
        "credential_name": "mine",
        "enable_file_events": True,
        "file_event_queue": FileEventQueue(managed_sqs=AwsSqsQueue()),
    }
    with pytest.raises(PermissionDenied, match=r"FILE EVENTS .*s3:PutBucketNotification"):
        workspace.external_locations.create("lake", **managed)
    more = allow(["s3:PutBucketNotification", "sns:CreateTopic", "sqs:CreateQueue"], "*")
    rights = document(*RIGHTS.values(), more)
    aws.client("iam").put_role_policy(RoleName="catalog", PolicyName="p", PolicyDocument=rights)
    with pytest.raises(InvalidParameterValue, match="file_event_queue must be defined"):
        workspace.external_locations.create("lake", **(managed | {"file_event_queue": None}))
    assert workspace.external_locations.create("lake", **managed).effective_enable_file_events
    off = workspace.external_locations.update("lake", enable_file_events=False)
    assert off.effective_enable_file_events is False


def test_locations_do_not_overlap_and_a_credential_in_use_is_kept(workspace, credential):
    def create(name, url):
        settings = {"credential_name": "mine", "skip_validation": True}
        return workspace.external_locations.create(name, url=url, **settings)

    create("lake", URL)
    for url in ("s3://catalog-lake", f"{URL}/events", f"{URL}/"):
        with pytest.raises(InvalidParameterValue, match=r"overlaps with other .* Conflicting location: lake"):
            create("other", url)
    create("neighbour", f"{URL}s")
    with pytest.raises(InvalidParameterValue, match="the external locations lake, neighbour use it"):
        workspace.storage_credentials.delete("mine")
    workspace.external_locations.delete("lake")
    workspace.storage_credentials.delete("mine", force=True)
    with pytest.raises(NotFound):
        workspace.storage_credentials.get("mine")
