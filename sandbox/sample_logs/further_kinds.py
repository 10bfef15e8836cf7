"""Records of the kinds that a trail delivers on request only: network activity and aggregated events.

Sources of the shapes: AWS, "CloudTrail record contents for network activity events" and "... for aggregated
events". A file of aggregated events is a bare array, without `Records`.
"""

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

from sandbox.sample_logs.people import time_text

_WINDOW = timedelta(minutes=5)


def network_activity(account: str, region: str, moment: datetime, rng: random.Random) -> dict[str, Any]:
    """Return a call through a VPC endpoint; the endpoint's policy denies some of them."""
    denied = rng.random() < 0.3
    record: dict[str, Any] = {
        "eventVersion": "1.09",
        "userIdentity": {"type": "AWSAccount", "principalId": "AIDACKCEVSQ6C2EXAMPLE", "accountId": account},
        "eventTime": time_text(moment),
        "eventSource": "kms.amazonaws.com",
        "eventName": rng.choice(["Decrypt", "ListKeys"]),
        "awsRegion": region,
        "sourceIPAddress": f"10.0.{rng.randrange(4)}.{rng.randrange(1, 255)}",
        "requestID": _uuid(rng),
        "eventID": _uuid(rng),
        "eventType": "AwsVpceEvent",
        "recipientAccountId": account,
        "vpcEndpointId": f"vpce-{rng.getrandbits(68):017x}",
        "vpcEndpointAccountId": account,
        "eventCategory": "NetworkActivity",
    }
    if denied:
        record |= {
            "errorCode": "VpceAccessDenied",
            "errorMessage": "The request was denied due to a VPC endpoint policy",
        }
    return record


def aggregated(account: str, region: str, moment: datetime, rng: random.Random) -> dict[str, Any]:
    """Return the counts of the S3 calls in 5 minutes, with the callers as a further dimension."""
    start = moment - _WINDOW
    names = {"GetObject": rng.randrange(100, 5000), "PutObject": rng.randrange(1, 300)}
    caller = f"arn:aws:iam::{account}:role/etl-nightly"
    return {
        "eventVersion": "1.0",
        "accountId": account,
        "eventId": _uuid(rng),
        "eventCategory": "Aggregated",
        "eventType": "AwsAggregatedEvent",
        "awsRegion": region,
        "eventSource": "s3.amazonaws.com",
        "timeWindow": {"windowStart": time_text(start), "windowEnd": time_text(moment), "windowSize": "PT5M"},
        "summary": {
            "primaryDimension": _dimension("eventName", names),
            "details": [_dimension("userIdentity", {caller: sum(names.values())})],
        },
    }


def _dimension(name: str, counts: dict[str, int]) -> dict[str, Any]:
    statistics = [{"name": value, "value": count} for value, count in counts.items()]
    return {"dimension": name, "statistics": statistics, "aggregationType": "COUNT"}


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
