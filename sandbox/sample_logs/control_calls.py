"""The control plane's calls in the sample logs; see `calls`."""

from sandbox.sample_logs.calls import Fields, Place

_DESCRIBED = (
    ("DescribeInstances", "instancesSet", "instanceId"),
    ("DescribeVolumes", "volumeSet", "volumeId"),
    ("DescribeSecurityGroups", "securityGroupSet", "groupName"),
)


def ec2_describe(at: Place) -> Fields:
    """Describe a resource of EC2; each operation names its parameter after the resource."""
    name, parameter, identifier = at.rng.choice(_DESCRIBED)
    wanted = [{identifier: f"{at.rng.getrandbits(68):017x}"} for _ in range(at.rng.randrange(0, 3))]
    filters = {"items": [{"name": "tag:team", "valueSet": {"items": [{"value": "orders"}]}}]}
    return {
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "requestParameters": {parameter: {"items": wanted} if wanted else {}, "filterSet": filters},
        "responseElements": None,
        "readOnly": True,
    }


def ec2_run(at: Place) -> Fields:
    """Start an instance; the response is deeply nested."""
    instance = at.instance
    started = {
        "instanceId": instance,
        "imageId": "ami-0abcdef1234567890",
        "instanceState": {"code": 0, "name": "pending"},
        "amiLaunchIndex": 0,
        "instanceType": "m6i.large",
        "placement": {"availabilityZone": f"{at.region}a", "tenancy": "default"},
        "monitoring": {"state": "disabled"},
        "privateIpAddress": f"10.0.{at.rng.randrange(255)}.{at.rng.randrange(4, 250)}",
        "tagSet": {"items": [{"key": "Name", "value": "worker"}, {"key": "team", "value": "orders"}]},
    }
    return {
        "eventSource": "ec2.amazonaws.com",
        "eventName": "RunInstances",
        "requestParameters": {
            "instancesSet": {"items": [{"imageId": "ami-0abcdef1234567890", "minCount": 1, "maxCount": 1}]},
            "instanceType": "m6i.large",
            "blockDeviceMapping": {},
            "monitoring": {"enabled": False},
        },
        "responseElements": {"reservationId": "r-0f00", "instancesSet": {"items": [started]}},
        "readOnly": False,
    }


def sts_assume(at: Place) -> Fields:
    """Assume a role; the response has credentials, whose token CloudTrail shortens."""
    return _assume(at, "AssumeRole", {"externalId": "7f3c"})


def sts_web_identity(at: Place) -> Fields:
    """Assume a role with a web identity token."""
    fields = _assume(at, "AssumeRoleWithWebIdentity", {})
    fields["responseElements"]["audience"] = "sts.amazonaws.com"
    fields["responseElements"]["subjectFromWebIdentityToken"] = "system:serviceaccount:shop:orders"
    return fields


def sts_whoami(_: Place) -> Fields:
    """Get the caller's identity: a call without parameters, and without response elements."""
    return {
        "eventSource": "sts.amazonaws.com",
        "eventName": "GetCallerIdentity",
        "requestParameters": None,
        "responseElements": None,
        "readOnly": True,
    }


def iam_read(at: Place) -> Fields:
    """Read from IAM, which is global and logs to us-east-1."""
    return {
        "eventSource": "iam.amazonaws.com",
        "eventName": at.rng.choice(("GetRole", "ListAttachedRolePolicies", "ListRolePolicies")),
        "requestParameters": {"roleName": at.rng.choice(("app-orders", "ci-runner", "etl-nightly"))},
        "responseElements": None,
        "readOnly": True,
    }


def iam_write(at: Place) -> Fields:
    """Create an access key for a user."""
    name = at.rng.choice(("alice", "svc-deploy"))
    return {
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateAccessKey",
        "requestParameters": {"userName": name},
        "responseElements": {
            "accessKey": {
                "userName": name,
                "accessKeyId": f"AKIAIOSFODNN7{at.rng.randrange(10**7):07d}",
                "status": "Active",
                "createDate": at.later_text(0),
            }
        },
        "readOnly": False,
    }


def lambda_update(_: Place) -> Fields:
    """Update a function's code; the event's name contains the API version."""
    return {
        "eventSource": "lambda.amazonaws.com",
        "eventName": "UpdateFunctionCode20150331v2",
        "requestParameters": {"functionName": "thumbnails", "publish": True, "dryRun": False},
        "responseElements": {
            "functionName": "thumbnails",
            "codeSize": 5_242_880,
            "memorySize": 512,
            "timeout": 30,
        },
        "readOnly": False,
        "apiVersion": "2015-03-31",
    }


def logs_stream(at: Place) -> Fields:
    """Create a log stream."""
    return {
        "eventSource": "logs.amazonaws.com",
        "eventName": "CreateLogStream",
        "requestParameters": {
            "logGroupName": "/aws/lambda/thumbnails",
            "logStreamName": f"{at.moment:%Y/%m/%d}/[$LATEST]{at.rng.getrandbits(128):032x}",
        },
        "responseElements": None,
        "readOnly": False,
        "apiVersion": "20140328",
    }


def ssm_update(at: Place) -> Fields:
    """Report an instance's state, as its agent does."""
    return {
        "eventSource": "ssm.amazonaws.com",
        "eventName": "UpdateInstanceInformation",
        "requestParameters": {"instanceId": at.instance, "agentVersion": "3.3.40.0", "agentStatus": "Active"},
        "responseElements": None,
        "readOnly": False,
    }


def key_rotated(at: Place) -> Fields:
    """Rotate a key, as KMS does by itself: a service event, with serviceEventDetails and no request."""
    return {
        "eventSource": "kms.amazonaws.com",
        "eventName": "RotateKey",
        "requestParameters": None,
        "responseElements": None,
        "serviceEventDetails": {"keyId": at.key.rpartition("/")[2], "rotationType": "AUTOMATIC"},
        "readOnly": False,
        "resources": [{"accountId": at.account.number, "type": "AWS::KMS::Key", "ARN": at.key}],
        "eventType": "AwsServiceEvent",
    }


def console_login(at: Place) -> Fields:
    """Sign in to the console, with or without a second factor; some attempts fail."""
    failed = at.rng.random() < 0.15
    mfa = "No" if failed else at.rng.choice(("Yes", "Yes", "No"))
    fields: Fields = {
        "eventSource": "signin.amazonaws.com",
        "eventName": "ConsoleLogin",
        "requestParameters": None,
        "responseElements": {"ConsoleLogin": "Failure" if failed else "Success"},
        "additionalEventData": {
            "LoginTo": "https://console.aws.amazon.com/console/home?state=hashArgs%23&isauthcode=true",
            "MobileVersion": "No",
            "MFAUsed": mfa,
        },
        "readOnly": False,
        "eventType": "AwsConsoleSignIn",
    }
    if failed:
        fields["errorMessage"] = "Failed authentication"
    return fields


def _assume(at: Place, name: str, more: dict[str, str]) -> Fields:
    role = at.rng.choice(("app-orders", "etl-nightly", "eks-node"))
    arn = f"arn:aws:iam::{at.account.number}:role/{role}"
    session = f"session-{at.rng.getrandbits(40):x}"
    return {
        "eventSource": "sts.amazonaws.com",
        "eventName": name,
        "requestParameters": {"roleArn": arn, "roleSessionName": session, "durationSeconds": 3600, **more},
        "responseElements": {
            "credentials": {
                "accessKeyId": f"ASIAIOSFODNN7{at.rng.randrange(10**7):07d}",
                "sessionToken": f"IQoJb3JpZ2luX2Vj{at.rng.getrandbits(512):0128x}",
                "expiration": at.later_text(3600),
            },
            "assumedRoleUser": {
                "assumedRoleId": f"AROAIOSFODNN7EXAMPLE1:{session}",
                "arn": f"arn:aws:sts::{at.account.number}:assumed-role/{role}/{session}",
            },
        },
        "readOnly": True,
        "resources": [{"accountId": at.account.number, "type": "AWS::IAM::Role", "ARN": arn}],
    }
