"""The calls in the sample logs: each function returns the fields of a record that differ from call to call.

`records` adds the fields that every record has. `control_calls` has the calls of the control plane. The
shapes of requestParameters and responseElements are those in the AWS documentation.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.sample_logs.people import Account

Fields = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where and when a call happens, and the random numbers for it."""

    account: Account
    region: str
    moment: datetime
    rng: random.Random

    def arn(self, service: str, rest: str) -> str:
        """Return the ARN of a resource in this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account.number}:{rest}"

    @property
    def key(self) -> str:
        """The ARN of the account's KMS key."""
        return self.arn("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab")

    @property
    def instance(self) -> str:
        """The id of a random instance."""
        return f"i-{self.rng.getrandbits(68):017x}"

    def later_text(self, seconds: int) -> str:
        """Return a moment some seconds later, in the long form that responses use."""
        return (self.moment + timedelta(seconds=seconds)).strftime("%b %d, %Y, %I:%M:%S %p")

    @property
    def bucket(self) -> str:
        """One of the account's buckets."""
        return f"{self.rng.choice(('orders', 'invoices', 'thumbnails', 'backups'))}-{self.account.number[:4]}"


Call = Callable[[Place], Fields]


def s3_get(at: Place) -> Fields:
    """Read an object: a data event."""
    return _s3_object(at, "GetObject", read=True, sent=0, returned=at.rng.randrange(200, 5_000_000))


def s3_head(at: Place) -> Fields:
    """Read an object's metadata: a data event."""
    return _s3_object(at, "HeadObject", read=True, sent=0, returned=0)


def s3_put(at: Place) -> Fields:
    """Write an object: a data event with the response's headers."""
    fields = _s3_object(at, "PutObject", read=False, sent=at.rng.randrange(200, 5_000_000), returned=0)
    fields["responseElements"] = {
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": at.key,
        "x-amz-server-side-encryption-bucket-key-enabled": "true",
    }
    return fields


def s3_delete(at: Place) -> Fields:
    """Delete an object: a data event."""
    return _s3_object(at, "DeleteObject", read=False, sent=0, returned=0)


def kms_decrypt(at: Place) -> Fields:
    """Decrypt a data key, mostly for an S3 object."""
    key = at.key
    context = {"aws:s3:arn": f"arn:aws:s3:::{at.bucket}"}
    return {
        "eventSource": "kms.amazonaws.com",
        "eventName": "Decrypt",
        "requestParameters": {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": context},
        "responseElements": None,
        "readOnly": True,
        "resources": [{"accountId": at.account.number, "type": "AWS::KMS::Key", "ARN": key}],
    }


def kms_generate(at: Place) -> Fields:
    """Generate a data key."""
    fields = kms_decrypt(at)
    fields["eventName"] = "GenerateDataKey"
    fields["requestParameters"] = {"keyId": at.key, "keySpec": "AES_256"}
    return fields


def lambda_invoke(at: Place) -> Fields:
    """Invoke a function: a data event."""
    function = at.arn("lambda", "function:thumbnails")
    return {
        "eventSource": "lambda.amazonaws.com",
        "eventName": "Invoke",
        "requestParameters": {"functionName": function, "invocationType": "Event"},
        "responseElements": None,
        "additionalEventData": {"functionVersion": f"{function}:$LATEST"},
        "readOnly": False,
        "resources": [{"accountId": at.account.number, "type": "AWS::Lambda::Function", "ARN": function}],
        "managementEvent": False,
    }


def _s3_object(at: Place, name: str, *, read: bool, sent: int, returned: int) -> Fields:
    bucket, key = at.bucket, f"{at.moment:%Y/%m}/part-{at.rng.randrange(10**6):06d}.parquet"
    if bucket.startswith("invoices"):
        key = f"{at.moment:%Y/%m}/Übersicht “{at.rng.randrange(10**4)}”.pdf"
    return {
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "requestParameters": {
            "bucketName": bucket,
            "Host": f"{bucket}.s3.{at.region}.amazonaws.com",
            "key": key,
        },
        "responseElements": None,
        "additionalEventData": {
            "SignatureVersion": "SigV4",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "bytesTransferredIn": sent,
            "SSEApplied": "SSE_KMS",
            "AuthenticationMethod": "AuthHeader",
            "x-amz-id-2": f"{at.rng.getrandbits(256):064x}",
            "bytesTransferredOut": returned,
        },
        "readOnly": read,
        "resources": [
            {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"},
            {"accountId": at.account.number, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"},
        ],
        "managementEvent": False,
    }
