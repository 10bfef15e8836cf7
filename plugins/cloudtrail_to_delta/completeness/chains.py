"""Chains of digests: which ones CloudTrail signed, which ones are missing, which hours they cover. Pure.

A digest's signature is in the next digest and in the metadata of its own object. If the newest digests of a
chain are deleted, the remaining ones show no broken link. Therefore the hours are checked, too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from cloudtrail_to_delta.completeness.digests import Digest, DigestName, is_signed

HOUR = timedelta(hours=1)
# How long after an hour its digest may arrive before the hour counts as a gap.
PENDING = timedelta(hours=3)

HourState = Literal["covered", "gap", "pending"]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A digest file in the bucket: its content, or the reason why it proves nothing."""

    name: DigestName
    digest: Digest | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class DigestProblem:
    """A digest that proves nothing or is missing: its place, and what is wrong."""

    uri: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class Hour:
    """One hour of an account's region, UTC, with its state."""

    account: str
    region: str
    start: datetime
    state: HourState


@dataclass
class Proof:
    """The proof that the digests of one account and region give.

    Attributes:
        log_files: `s3://bucket/key` → SHA-256, of every log file that a signed digest names.
        late: the log files that only a backfill digest names.
        covered: the periods that signed digests cover, ascending, without overlaps.
        problems: the digests that prove nothing or are missing.
    """

    log_files: dict[str, str] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    covered: list[tuple[datetime, datetime]] = field(default_factory=list)
    problems: list[DigestProblem] = field(default_factory=list)

    def covers(self, start: datetime, end: datetime) -> bool:
        """Return whether one covered period contains all of it."""
        return any(first <= start and end <= last for first, last in self.covered)


def prove(found: Iterable[Found], keys: Mapping[str, bytes], *, first: datetime) -> Proof:
    """Check the digests of one account and region.

    Args:
        found: the digest files of the period and at least one later digest, of any chains.
        keys: fingerprint → public key (PKCS #1, DER).
        first: the start of the period. A missing digest that ends before it is not a problem.
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
    """Yield each hour from `first` to before `last` with its state.

    An hour is pending, not a gap, while its digest may still arrive.
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
    """Return the signed digests of one chain and the problems of the others, both ascending."""
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
            # Its links prove nothing either.
            continue
        signed.append(one.digest)
        previous = one.digest.previous_uri
        is_asked_for = one.digest.start > first
        if previous and is_asked_for and previous not in there and _key_of(previous) not in unread:
            problems.append(
                DigestProblem(
                    uri=previous, problem=f"missing: {one.digest.uri} names it as the previous digest"
                )
            )
        successor = one.digest
    return signed[::-1], problems[::-1]


def _problem_of(digest: Digest, successor: Digest | None, keys: Mapping[str, bytes]) -> str:
    """Return why a digest proves nothing; empty if it is signed. `successor` is the next signed one."""
    key = keys.get(digest.fingerprint)
    if key is None:
        return f"CloudTrail lists no public key with the fingerprint {digest.fingerprint!r} for this period"
    if successor is not None and successor.previous_uri == digest.uri:
        if successor.previous_sha256 != digest.sha256:
            return f"altered: {successor.uri} names a different hash"
        # The successor is signed, so this is CloudTrail's signature even if the metadata differs.
        signature = successor.previous_signature or ""
    else:
        signature = digest.signature
    if not signature:
        return "no signature"
    if not is_signed(digest, signature, key):
        return "the signature is not CloudTrail's"
    return ""


def _joined(periods: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Join periods that overlap or touch."""
    joined: list[tuple[datetime, datetime]] = []
    for start, end in sorted(periods):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _key_of(uri: str) -> str:
    return uri.removeprefix("s3://").partition("/")[2]
