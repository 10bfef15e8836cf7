"""What the identity that runs the set-up needs, as rows of docs/permissions.md.

A test holds the rows to the calls that a set-up and a removal of everything make. Permissions that a call
needs beside its own are in `IMPLIED`. Source: Service Authorization Reference of each service; AWS CloudTrail
User Guide, "Creating a trail for an organization".
"""

from collections.abc import Iterable

_READ_BUCKET = (
    *("ListBucket", "ListBucketVersions", "GetBucketLocation", "GetBucketTagging", "GetBucketVersioning"),
    *("GetEncryptionConfiguration", "GetBucketPublicAccessBlock", "GetLifecycleConfiguration"),
    "GetBucketPolicy",
)
_WRITE_BUCKET = (
    *("CreateBucket", "PutBucketPublicAccessBlock", "PutBucketVersioning", "PutEncryptionConfiguration"),
    *("PutLifecycleConfiguration", "PutBucketPolicy"),
)
_READ_KEY = (*("DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListKeys", "ListResourceTags"),)
_READ_TRAIL = ("GetTrail", "GetTrailStatus", "GetEventSelectors", "GetInsightSelectors", "ListTags")
_WRITE_TRAIL = ("CreateTrail", "UpdateTrail", "PutEventSelectors", "PutInsightSelectors", "StartLogging")
_READ_ROLE = ("GetRole", "GetRolePolicy", "GetInstanceProfile")
_WRITE_ROLE = (
    *("CreateRole", "UpdateAssumeRolePolicy", "PutRolePolicy", "CreateInstanceProfile"),
    *("AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile"),
)

_LEFT = "`databricks-auto-ingest-*`"

# Service → action names, where, and when; in the order of the page.
CALLS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("sts", ("GetCallerIdentity",), "`*`", "always: the connection is of the account it is given for"),
    ("s3", _READ_BUCKET, "the log bucket", "`plan`"),
    ("s3", _WRITE_BUCKET, "the log bucket", "`apply`"),
    ("s3", ("DeleteBucket", "DeleteBucketPolicy", "PutBucketTagging"), "the log bucket", "`remove`"),
    ("kms", _READ_KEY, "the key; `ListKeys` on `*`", "`plan`, with a KMS key"),
    (
        "kms",
        ("CreateKey", "CreateAlias", "EnableKeyRotation", "PutKeyPolicy"),
        "the key",
        "`apply`, the same",
    ),
    ("kms", ("DeleteAlias", "ScheduleKeyDeletion", "UntagResource"), "the key", "`remove`, of a new key"),
    ("sns", ("GetTopicAttributes", "ListTagsForResource"), "the topic", "`plan`, with a topic"),
    ("sns", ("CreateTopic", "SetTopicAttributes"), "the topic", "`apply`, the same"),
    ("sns", ("DeleteTopic",), "the topic", "`remove`, the same"),
    ("iam", _READ_ROLE, "the reader role and its profile, the deployment role", "`plan`"),
    ("iam", _WRITE_ROLE, "the same", "`apply`"),
    ("iam", ("DeleteRolePolicy", "DeleteInstanceProfile", "DeleteRole"), "the same", "`remove`"),
    (
        "iam",
        ("GetAccountAuthorizationDetails",),
        "`*`",
        "`plan` of a removal: roles of ours, and those with our policy",
    ),
    ("tag", ("GetResources",), "`*`", "the same: buckets, keys, topics and trails of ours"),
    ("cloudtrail", _READ_TRAIL, "the trail, in each account", "`plan`"),
    ("cloudtrail", _WRITE_TRAIL, "the same", "`apply`"),
    ("cloudtrail", ("DeleteTrail",), "the same", "`remove`"),
)
# What the Databricks part asks of AWS beside those.
DATABRICKS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("s3", ("GetBucketNotification",), "the log bucket", "`plan` of a removal"),
    ("sns", ("ListSubscriptionsByTopic", "GetTopicAttributes"), _LEFT, "the same"),
    ("sqs", ("GetQueueUrl", "DeleteQueue"), _LEFT, "`remove`, of what Auto Loader left"),
    ("sns", ("DeleteTopic", "Unsubscribe"), f"{_LEFT}; `Unsubscribe` on `*`", "the same"),
    ("s3", ("PutBucketNotification",), "the log bucket", "the same"),
    ("s3", ("ListBucket", "PutObject"), "the code root's bucket, the code root", "`try_access`"),
    ("s3", ("ListBucket", "DeleteObject"), "the tables' bucket, `_access_check/*`", "`wait_for_access`"),
)
IMPLIED: tuple[tuple[str, str, str], ...] = (
    ("sts:AssumeRole", "the role of `assume_role`, to the connection's identity", "when it is given"),
    (
        "s3:TagResource, kms:TagResource, sns:TagResource, iam:TagRole, iam:TagInstanceProfile, "
        "cloudtrail:AddTags",
        "what is made",
        "`apply`: everything is tagged in the call that makes it",
    ),
    ("iam:PassRole", "the reader role", "`apply`: to put it into its profile"),
    (
        "organizations:DescribeOrganization, organizations:ListAWSServiceAccessForOrganization, "
        "iam:CreateServiceLinkedRole",
        "`*`, in the management account",
        "`apply` of an organization trail",
    ),
)


def rows() -> list[tuple[str, str, str]]:
    """Actions, where, for what."""
    called = [
        (", ".join(f"{service}:{name}" for name in names), where, when)
        for service, names, where, when in (*CALLS, *DATABRICKS)
    ]
    return [*called, *IMPLIED]


def named() -> set[str]:
    """Every action of `CALLS`."""
    return _named(CALLS)


def named_for_databricks() -> set[str]:
    """Every action of `DATABRICKS`."""
    return _named(DATABRICKS)


def _named(rows: Iterable[tuple[str, tuple[str, ...], str, str]]) -> set[str]:
    return {f"{service}:{name}" for service, names, _, _ in rows for name in names}
