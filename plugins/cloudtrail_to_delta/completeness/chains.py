"""Chains of digests: which of them CloudTrail signed, which are missing, and which hours they cover. Pure.

A digest's signature is in the digest after it, and in the metadata of its own object. Two digests that were
deleted in a row leave no broken link in those that remain, so hours are counted, too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from cloudtrail_to_delta.completeness.digests import Digest, DigestName, is_signed

HOUR = timedelta(hours=1)
# CloudTrail delivers a digest within the hour after it ends, in our experience. Until then nothing is wrong.
PENDING = timedelta(hours=3)

HourState = Literal["covered", "gap", "pending"]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A digest file in the bucket: what was read of it, or why it proves nothing."""

    name: DigestName
    digest: Digest | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class DigestProblem:
    """A digest that proves nothing, or that is not there: where it should be, and what is wrong."""

    uri: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class Hour:
    """One hour of an account's region, UTC, and whether signed digests cover it."""

    account: str
    region: str
    start: datetime
    state: HourState


@dataclass
class Proof:
    """What the digests of one account and region prove.

    Attributes:
        log_files: `s3://bucket/key` → SHA-256, of every log file that a signed digest names.
        late: those of them that only a backfill digest names.
        covered: the periods that signed digests are about, ascending, apart from each other.
        problems: the digests that prove nothing, and those that are not there.
    """

    log_files: dict[str, str] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    covered: list[tuple[datetime, datetime]] = field(default_factory=list)
    problems: list[DigestProblem] = field(default_factory=list)

    def covers(self, start: datetime, end: datetime) -> bool:
        """Whether one covered period has all of it."""
        return any(first <= start and end <= last for first, last in self.covered)


def prove(found: Iterable[Found], keys: Mapping[str, bytes], *, first: datetime) -> Proof:
    """Check the digests of one account and region.

    Args:
        found: the digest files of the period and at least one more after it, of any chains.
        keys: fingerprint → public key (PKCS #1, DER).
        first: the start of the period. A digest that ends before it is not asked for.
    """
    chains: dict[tuple[str, str, str, bool], list[Found]] = {}
    for one in found:
        chains.setdefault(one.name.chain, []).append(one)
    proof, periods = Proof(), list[tuple[datetime, datetime]]()
    named_by_hour: set[str] = set()
    for (_, _, _, is_backfill), members in sorted(chains.items()):
        members.sort(key=lambda one: one.name.end)
        signed, problems = _check_chain(members, keys, first=first)
        proof.problems += problems
        for digest in signed:
            proof.log_files |= digest.log_files
            if is_backfill:
                proof.late |= digest.log_files.keys()
            else:
                named_by_hour |= digest.log_files.keys()
                periods.append((digest.start, digest.end))
    proof.late -= named_by_hour
    proof.covered = _joined(periods)
    return proof


def hours_of(
    proof: Proof, account: str, region: str, *, first: datetime, last: datetime, now: datetime
) -> Iterator[Hour]:
    """Say of each hour from `first` to before `last` whether signed digests cover it.

    An hour is pending, not a gap, while its digest may still come.
    """
    start = first.replace(minute=0, second=0, microsecond=0)
    while start < min(last, now):
        end = start + HOUR
        state: HourState = "covered" if proof.covers(start, end) else "gap"
        if state == "gap" and end + PENDING > now:
            state = "pending"
        yield Hour(account=account, region=region, start=start, state=state)
        start = end


def _check_chain(
    members: Sequence[Found], keys: Mapping[str, bytes], *, first: datetime
) -> tuple[list[Digest], list[DigestProblem]]:
    """The signed digests of one chain, ascending, and what is wrong with the others. Newest first."""
    signed: list[Digest] = []
    problems: list[DigestProblem] = []
    there = {one.digest.uri for one in members if one.digest is not None}
    unread = {one.name.key for one in members if one.digest is None}
    successor: Digest | None = None
    for one in reversed(members):
        if one.digest is None:
            problems.append(DigestProblem(uri=one.name.key, problem=one.problem))
            continue
        problem = _problem_of(one.digest, successor, keys)
        if problem:
            problems.append(DigestProblem(uri=one.digest.uri, problem=problem))
            # Its own links prove nothing either.
            continue
        signed.append(one.digest)
        previous = one.digest.previous_uri
        is_asked_for = one.digest.start > first
        if previous and is_asked_for and previous not in there and _key_of(previous) not in unread:
            problems.append(
                DigestProblem(uri=previous, problem=f"it is not there, and {one.digest.uri} comes after it")
            )
        successor = one.digest
    return signed[::-1], problems[::-1]


def _problem_of(digest: Digest, successor: Digest | None, keys: Mapping[str, bytes]) -> str:
    """Why a digest proves nothing; empty if it is signed. `successor` is the next signed one."""
    key = keys.get(digest.fingerprint)
    if key is None:
        return f"CloudTrail has no public key with the fingerprint {digest.fingerprint!r} for this period"
    if successor is not None and successor.previous_uri == digest.uri:
        if successor.previous_sha256 != digest.sha256:
            return f"it was changed: {successor.uri} has another hash of it"
        # The successor is signed, so this is CloudTrail's own signature, whatever the metadata says.
        signature = successor.previous_signature or ""
    else:
        signature = digest.signature
    if not signature:
        return "it has no signature"
    if not is_signed(digest, signature, key):
        return "its signature is not CloudTrail's"
    return ""


def _joined(periods: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Periods that overlap or touch, as one."""
    joined: list[tuple[datetime, datetime]] = []
    for start, end in sorted(periods):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _key_of(uri: str) -> str:
    return uri.removeprefix("s3://").partition("/")[2]
