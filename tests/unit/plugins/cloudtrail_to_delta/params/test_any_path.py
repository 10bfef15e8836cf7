"""Whatever path is given, what preflight lists is what the job's glob matches."""

import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.kinds import FOLDERS
from cloudtrail_to_delta.params.locations import LogsLocation, S3Location
from cloudtrail_to_delta.params.request import resolve_requests
from cloudtrail_to_delta.params.values import shown
from cloudtrail_to_delta.preflight.deliveries import find_deliveries
from cloudtrail_to_delta.preflight.listing import Listing
from tests.unit.plugins.cloudtrail_to_delta.listed_bucket import ListedBucket
from tests.unit.plugins.cloudtrail_to_delta.params.test_request import params

ACCOUNTS = ("111122223333", "444455556666")
REGIONS = ("us-east-1", "us-east-2", "eu-west-1")
NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)


def key_of(account, folder, region):
    name = f"{account}_{folder}_{region}_20260502T1105Z_9sHvTPxS1n9XyZ01.json.gz"
    return f"AWSLogs/{account}/{folder}/{region}/2026/05/02/{name}"


STREAMS = [
    (account, folder, region) for account in ACCOUNTS for folder in FOLDERS.values() for region in REGIONS
]


def matches(glob, key):
    """Whether Hadoop's glob takes in the key or a folder above it; a star stays within one folder.

    Source: `org.apache.hadoop.fs.GlobPattern`, which refuses a brace without its counterpart.
    """
    depth, pattern = 0, ""
    for character in glob:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth in (0, 1), f"{glob!r}: Unclosed group"
        special = {"{": "(?:", "}": ")", "*": "[^/]*", ",": "|" if depth else ","}
        pattern += special.get(character) or re.escape(character)
    assert depth == 0, f"{glob!r}: Unclosed group"
    return re.fullmatch(f"{pattern}(/.*)?", key) is not None


def listed(logs):
    """The accounts and regions under the logs path in which preflight finds a log file."""
    keys = {key_of(*stream): stream for stream in STREAMS}
    found = set()
    for key, stream in keys.items():
        bucket = Listing(ListedBucket([key]), logs.bucket, budget=20)
        seen = find_deliveries(bucket, logs, since=NOW.replace(hour=1), today=NOW.replace(hour=0))
        if seen.newest is not None:
            found.add(stream)
    return found


def accepted(value, **changed):
    """The requests; none when the value is refused, which each violation then quotes."""
    try:
        return resolve_requests(params(**changed))
    except InvalidRequestError as refused:
        unquoted = [violation for violation in refused.violations if shown(value) not in violation]
    assert unquoted == []
    return {}


pieces = st.sampled_from(
    [*REGIONS, "*", "{", "}", ",", "{us-east-1,eu-west-1}", "{us-east-1}", "us-*", "?", ""]
)


@given(
    account=st.sampled_from([*ACCOUNTS, "*", "{111122223333,444455556666}"]),
    folder=st.sampled_from(list(FOLDERS.values())),
    regions=st.lists(pieces, max_size=4).map("".join),
    period=st.sampled_from(["", "2026/", "2026/05/", "2026/05/02/", "2026/*/"]),
)
def test_what_preflight_lists_is_what_the_jobs_glob_matches(account, folder, regions, period):
    kind = next(kind for kind, its in FOLDERS.items() if its == folder)
    path = f"s3://audit-logs/AWSLogs/{account}/{folder}/{regions}/{period}*"
    request = accepted(path, kinds=[kind], **{f"{kind}_logs_path": path}).get(kind)
    if request is None:
        return
    glob = request.logs_path.removeprefix("s3://audit-logs/")
    assert listed(request.logs) == {stream for stream in STREAMS if matches(glob, key_of(*stream))}


text = st.lists(
    st.sampled_from(
        ["s3://", "/", "//", ".", "..", "lake", "a-b", "AWSLogs", "*", "{", " ", "\n", "é", "%2e", "?", "#"]
    ),
    max_size=7,
).map("".join)


@given(text)
def test_a_location_that_is_accepted_is_what_it_says_wherever_it_is_put(uri):
    try:
        location = S3Location.parse(uri)
    except InvalidRequestError:
        return
    assert location.uri == uri.removesuffix("/")
    assert S3Location.parse(location.uri) == location
    assert not {"", ".", ".."} & set(location.uri.removeprefix("s3://").split("/"))


@given(text)
def test_a_prefix_that_is_accepted_stands_in_every_path_that_is_made_of_it(prefix):
    for request in accepted(prefix, prefix=prefix).values():
        assert request.logs == LogsLocation.parse(request.logs_path)
        assert request.logs.prefix == prefix
