"""Insights records: unusual call rates and error rates, each as a Start and an End that share an id.

Source of the shape: "CloudTrail Insights insightDetails element". The averages are floating-point numbers,
and some are so small that CloudTrail writes them with an exponent.
"""

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

from sandbox.sample_logs.people import time_text

_SUBJECTS = (
    ("s3.amazonaws.com", "DeleteObject", None),
    ("ec2.amazonaws.com", "RunInstances", None),
    ("iam.amazonaws.com", "CreateAccessKey", None),
    ("s3.amazonaws.com", "GetObject", "AccessDenied"),
    ("kms.amazonaws.com", "Decrypt", "AccessDenied"),
)


def insight_pair(
    account: str, region: str, start: datetime, rng: random.Random
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the Start and the End of an unusual period, 15 minutes or more from `start`."""
    minutes = rng.randrange(15, 45)
    source, name, error = rng.choice(_SUBJECTS)
    baseline, rate = rng.random() * 10 ** -rng.randrange(1, 6), round(5 + rng.random() * 80, 4)
    shared = _uuid(rng)
    who = f"arn:aws:sts::{account}:assumed-role/etl-nightly/i-{rng.getrandbits(68):017x}"
    pair = []
    for state, moment in (("Start", start), ("End", start + timedelta(minutes=minutes))):
        details: dict[str, Any] = {
            "state": state,
            "eventSource": source,
            "eventName": name,
            "insightType": "ApiErrorRateInsight" if error else "ApiCallRateInsight",
        }
        if error:
            details["errorCode"] = error
        details["insightContext"] = {
            "statistics": {
                "baseline": {"average": baseline},
                "insight": {"average": rate},
                "insightDuration": minutes if state == "End" else 1,
                "baselineDuration": 10_080,
            },
            "attributions": [
                _attribution("userIdentityArn", who, rate, baseline),
                _attribution("userAgent", "aws-sdk-java/2.35.4", rate, baseline),
                _attribution("errorCode", error or "null", rate, baseline),
            ],
        }
        pair.append(_record(account, region, moment, shared, details, rng))
    return pair[0], pair[1]


def _record(
    account: str, region: str, moment: datetime, shared: str, details: dict[str, Any], rng: random.Random
) -> dict[str, Any]:
    return {
        "eventVersion": "1.08",
        "eventTime": time_text(moment),
        "awsRegion": region,
        "eventID": _uuid(rng),
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": account,
        "sharedEventID": shared,
        "insightDetails": details,
        "eventCategory": "Insight",
    }


def _attribution(name: str, value: str, rate: float, baseline: float) -> dict[str, Any]:
    return {
        "attribute": name,
        "insight": [{"value": value, "average": rate}],
        "baseline": [{"value": value, "average": baseline}],
    }


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
