"""The actions that this project simulates, each with the ARN template of its resource.

Source: Service Authorization Reference. The simulator returns the template as `EvalResourceName`. None means
that the action takes no resource. An action that is not listed is evaluated with the resource `*`.
"""

_BUCKET = "arn:${Partition}:s3:::${BucketName}"
_OBJECT = "arn:${Partition}:s3:::${BucketName}/${KeyName}"
_KEY = "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}"
_TOPIC = "arn:${Partition}:sns:${Region}:${Account}:${TopicName}"
_QUEUE = "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}"
_ROLE = "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}"
_TRAIL = "arn:${Partition}:cloudtrail:${Region}:${Account}:trail/${TrailName}"

_BY_RESOURCE: dict[str | None, str] = {
    _BUCKET: """s3:ListBucket s3:ListBucketVersions s3:ListBucketMultipartUploads s3:GetBucketLocation
        s3:GetBucketNotification s3:PutBucketNotification s3:GetEncryptionConfiguration s3:GetBucketPolicy
        s3:PutBucketPolicy s3:GetBucketAcl""",
    _OBJECT: """s3:GetObject s3:GetObjectVersion s3:PutObject s3:PutObjectAcl s3:DeleteObject
        s3:DeleteObjectVersion s3:AbortMultipartUpload s3:ListMultipartUploadParts""",
    _KEY: "kms:Decrypt kms:Encrypt kms:GenerateDataKey kms:GenerateDataKeyWithoutPlaintext kms:DescribeKey",
    _TOPIC: """sns:CreateTopic sns:DeleteTopic sns:Publish sns:Subscribe sns:TagResource
        sns:GetTopicAttributes sns:SetTopicAttributes sns:ListSubscriptionsByTopic""",
    _QUEUE: """sqs:CreateQueue sqs:DeleteQueue sqs:SendMessage sqs:ReceiveMessage sqs:DeleteMessage
        sqs:GetQueueUrl sqs:GetQueueAttributes sqs:SetQueueAttributes sqs:TagQueue sqs:ListQueueTags
        sqs:ChangeMessageVisibility""",
    _ROLE: "iam:PassRole iam:GetRole iam:GetRolePolicy iam:ListRolePolicies sts:AssumeRole",
    _TRAIL: "cloudtrail:GetTrail cloudtrail:GetTrailStatus cloudtrail:GetEventSelectors",
    None: """s3:ListAllMyBuckets sqs:ListQueues sns:ListTopics sns:Unsubscribe iam:ListRoles kms:ListKeys
        kms:ListAliases cloudtrail:ListPublicKeys cloudtrail:DescribeTrails sts:GetCallerIdentity""",
}
_TEMPLATES = {
    action.lower(): template for template, actions in _BY_RESOURCE.items() for action in actions.split()
}


def resource_template(action: str) -> str:
    """Return the `EvalResourceName` of `action`: its ARN template, or `*` if it has none or is unknown."""
    return _TEMPLATES.get(action.lower()) or "*"


def takes_no_resource(action: str) -> bool:
    """Return whether `action` is known to apply to `*` only, so that AWS refuses it with listed resources."""
    return action.lower() in _TEMPLATES and _TEMPLATES[action.lower()] is None
