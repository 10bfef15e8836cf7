"""Which signatures are read from metadata: those that no later digest can have."""

from datetime import UTC, datetime, timedelta

from cloudtrail_to_delta.completeness.digests import DigestName
from cloudtrail_to_delta.completeness.evidence import unfollowed
from sandbox.sample_logs.digests import Place

END = datetime(2026, 11, 20, 4, 1, 31, tzinfo=UTC)


def names(*hours, trail="trail", backfill=False):
    place = Place(bucket="b", root="AWSLogs/", account="111122223333", region="us-east-1", trail=trail)
    keys = [place.key(END + timedelta(hours=hour), backfill=backfill) for hour in hours]
    return [DigestName.parse(key) for key in keys]


def hours_of(found):
    return sorted((one.chain[2:], (one.end - END) / timedelta(hours=1)) for one in found)


def test_only_the_newest_digest_of_a_whole_chain_is_unfollowed():
    trail = ("trail (us-east-1)", False)
    assert hours_of(unfollowed(names(2, 0, 1, 3))) == [(trail, 3)]
    assert hours_of(unfollowed([])) == []


def test_each_digest_before_a_hole_is_too_as_its_chain_may_have_begun_again():
    trail = ("trail (us-east-1)", False)
    assert hours_of(unfollowed(names(0, 1, 4, 5, 5.5))) == [(trail, 1), (trail, 5), (trail, 5.5)]


def test_each_trail_and_its_backfill_digests_are_chains_of_their_own():
    found = [*names(0, 1), *names(1, 2, trail="second"), *names(2, backfill=True)]
    second, trail = "second (us-east-1)", "trail (us-east-1)"
    assert hours_of(unfollowed(found)) == [((second, False), 2), ((trail, False), 1), ((trail, True), 2)]
