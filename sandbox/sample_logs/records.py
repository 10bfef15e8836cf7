"""Whole CloudTrail records: a call, its caller, and the fields that every record has."""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.sample_logs import calls, control_calls
from sandbox.sample_logs.calls import Call, Fields, Place
from sandbox.sample_logs.people import Account, Identity, time_text

Caller = Callable[[Account, datetime], Identity]


@dataclass(frozen=True)
class Scene:
    """A call with its callers; `weight` is its share of all records, per mille."""

    weight: float
    call: Call
    callers: tuple[Caller, ...]
    only_us_east_1: bool = False


_APPS = (Account.role, Account.role, Account.role, Account.pod)
_PEOPLE = (Account.person, Account.user)
SCENES = (
    Scene(300, calls.s3_get, (*_APPS, Account.partner)),
    Scene(90, calls.s3_put, _APPS),
    Scene(60, calls.s3_head, _APPS),
    Scene(10, calls.s3_delete, (*_APPS, Account.user)),
    Scene(120, calls.kms_decrypt, (*_APPS, Account.service, Account.partner)),
    Scene(40, calls.kms_generate, (*_APPS, Account.service)),
    Scene(40, calls.lambda_invoke, _APPS),
    Scene(90, control_calls.ec2_describe, (*_PEOPLE, Account.role)),
    Scene(6, control_calls.ec2_run, (*_PEOPLE, Account.role, Account.root)),
    Scene(90, control_calls.sts_assume, (Account.service, Account.service, Account.role, Account.partner)),
    Scene(20, control_calls.sts_web_identity, (Account.web,)),
    Scene(20, control_calls.sts_whoami, (*_PEOPLE, Account.federated, Account.role, Account.root)),
    Scene(30, control_calls.iam_read, (*_PEOPLE, Account.federated), only_us_east_1=True),
    Scene(3, control_calls.iam_write, (Account.user, Account.root), only_us_east_1=True),
    Scene(3, control_calls.lambda_update, (Account.role, Account.user)),
    Scene(45, control_calls.logs_stream, (Account.role,)),
    Scene(25, control_calls.ssm_update, (Account.role,)),
    Scene(2, control_calls.key_rotated, (Account.service,)),
    Scene(6, control_calls.console_login, (Account.user, Account.user, Account.root), only_us_east_1=True),
)

_VERSIONS, _VERSION_SHARES = ("1.08", "1.09", "1.10", "1.11"), (50, 15, 15, 20)
_PROGRAMS = (
    "aws-sdk-java/2.35.4 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1 lang/java#17.0.13",
    "Boto3/1.42.0 md/Botocore#1.42.0 ua/2.1 os/linux#6.1.112 md/arch#x86_64 lang/python#3.12.7",
    "aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.23.6 md/GOOS#linux md/GOARCH#amd64",
)
_CLI = "aws-cli/2.27.0 md/awscrt#0.25.4 ua/2.1 os/macos#24.4.0 md/arch#arm64 md/prompt#off"
_S3_CONSOLE = "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.750 Linux/5.10.226]"
_BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36"
_ORDER = (
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "requestID",
    "eventID",
    "readOnly",
    "resources",
    "eventType",
    "apiVersion",
    "managementEvent",
    "recipientAccountId",
    "serviceEventDetails",
    "sharedEventID",
    "vpcEndpointId",
    "vpcEndpointAccountId",
    "addendum",
    "sessionCredentialFromConsole",
    "eventCategory",
    "tlsDetails",
)
_CIPHERS = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384")


def scenes_of(region: str) -> tuple[tuple[Scene, ...], tuple[float, ...]]:
    """Return the scenes that happen in `region`, and their weights."""
    scenes = tuple(scene for scene in SCENES if region == "us-east-1" or not scene.only_us_east_1)
    return scenes, tuple(scene.weight for scene in scenes)


def make_record(scene: Scene, at: Place) -> dict[str, Any]:
    """Return one record of `scene`, with the fields in CloudTrail's order."""
    rng = at.rng
    identity = rng.choice(scene.callers)(at.account, at.moment)
    call = scene.call(at)
    by_service = identity["type"] == "AWSService"
    version = rng.choices(_VERSIONS, _VERSION_SHARES)[0]
    record: dict[str, Any] = {
        "eventVersion": version,
        "userIdentity": identity,
        "eventTime": time_text(at.moment),
        "awsRegion": at.region,
        "sourceIPAddress": identity["invokedBy"] if by_service else _address(rng),
        "userAgent": identity["invokedBy"] if by_service else _agent(identity, call, rng),
    }
    _deny(call, identity, rng)
    record |= call
    _finish(record, at, version)
    return {name: record[name] for name in _ORDER if name in record}


def _agent(identity: Identity, call: Fields, rng: random.Random) -> str:
    if call.get("eventType") == "AwsConsoleSignIn":
        return _BROWSER
    if identity["type"] != "IAMUser":
        return rng.choice(_PROGRAMS)
    return _S3_CONSOLE if call["eventSource"] == "s3.amazonaws.com" else _CLI


def _deny(call: Fields, identity: Identity, rng: random.Random) -> None:
    """Deny every 30th call, which then has no response."""
    if "eventType" in call or identity["type"] in ("AWSService", "Root") or rng.random() > 0.033:
        return
    call["errorCode"] = (
        "Client.UnauthorizedOperation" if call["eventSource"].startswith("ec2") else "AccessDenied"
    )
    who = identity.get("arn", identity["principalId"])
    call["errorMessage"] = (
        f"User: {who} is not authorized to perform this operation because no identity-based policy allows it"
    )
    call["responseElements"] = None


def _finish(record: dict[str, Any], at: Place, version: str) -> None:
    rng = at.rng
    management = record.setdefault("managementEvent", True)
    record["eventID"] = _uuid(rng)
    if record.setdefault("eventType", "AwsApiCall") == "AwsApiCall":
        record["requestID"] = _uuid(rng)
    record["recipientAccountId"] = at.account.number
    if record["userIdentity"]["type"] == "AWSAccount":
        record["sharedEventID"] = _uuid(rng)
    if record["eventSource"] == "s3.amazonaws.com" and rng.random() < 0.3:
        record["vpcEndpointId"] = "vpce-0a1b2c3d4e5f67890"
        if version != "1.08":
            record["vpcEndpointAccountId"] = at.account.number
    record["eventCategory"] = "Management" if management else "Data"
    if record["eventType"] == "AwsConsoleSignIn":
        record["userIdentity"].pop("accessKeyId")  # a sign-in uses no key
    if not str(record["userAgent"]).endswith(".amazonaws.com"):
        host = f"{record['eventSource'].partition('.')[0]}.{at.region}.amazonaws.com"
        cipher = rng.choice(_CIPHERS)
        record["tlsDetails"] = {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": cipher,
            "clientProvidedHostHeader": host,
        }
        if version == "1.11":
            record["tlsDetails"]["keyExchange"] = "X25519MLKEM768"
    if record["userAgent"] == _S3_CONSOLE:
        record["sessionCredentialFromConsole"] = "true"
    if rng.random() < 0.001:
        record["addendum"] = {
            "reason": "DELIVERY_DELAY",
            "updatedFields": None,
            "originalRequestID": None,
            "originalEventID": None,
        }


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _address(rng: random.Random) -> str:
    """Return an address from the ranges that RFC 5737 and RFC 3849 reserve for examples, or a private one."""
    network = rng.choice(("192.0.2.", "198.51.100.", "203.0.113.", "10.0.3.", "2001:db8::"))
    return f"{network}{rng.randrange(1, 255)}"
