"""A trail's keys, an empty trail, and a day of it."""

from datetime import timedelta

import pytest

from sandbox.sample_logs.digests import Place
from tests.fixtures.trails import (
    ACCOUNT,
    BUCKET,
    DAY,
    HOURS,
    NUMBERS,
    REGION,
    Key,
    Trail,
)


@pytest.fixture(scope="session")
def cloudtrail_key():
    return Key()


@pytest.fixture(scope="session")
def next_key():
    return Key()


@pytest.fixture(scope="session")
def other_key():
    return Key()


@pytest.fixture
def trail(aws, cloudtrail_key):
    """An account's trail, in a prefix of its own; nothing was delivered yet."""
    aws.client("s3").create_bucket(Bucket=BUCKET)
    place = Place(bucket=BUCKET, root=f"audit-{next(NUMBERS)}/AWSLogs/", account=ACCOUNT, region=REGION)
    keys = {cloudtrail_key.name: cloudtrail_key.public}
    return Trail(s3=aws.client("s3"), key=cloudtrail_key, place=place, keys=keys)


@pytest.fixture
def day(trail):
    """A day with a log file every four hours, each in the table, and every digest."""
    for hour in HOURS:
        trail.deliver(DAY + timedelta(hours=hour, minutes=20))
    trail.sign()
    return trail
