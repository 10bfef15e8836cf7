"""No set-up harms a trail: one that exists after a step can still do all that it could do before it."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.operators.setup import make_plan, planned_resources
from cloudtrail_to_delta.params.setup import ACTIONS
from cloudtrail_to_delta.setup.applying import Patience, apply_action
from cloudtrail_to_delta.setup.aws.bucket import bucket_owner
from cloudtrail_to_delta.setup.refusals import ImpossibleChangeError
from cloudtrail_to_delta.setup.request import resolve_setup
from tests.unit.plugins.cloudtrail_to_delta.setup.memory_aws import (
    Cloud,
    MemoryClouds,
    statement_of_others,
)

LOGS, PRODUCTION, STAGING = "111122223333", "222233334444", "333344445555"
ACCOUNTS = (LOGS, PRODUCTION, STAGING)
ORGANIZATION = "o-a1b2c3d4e5"
BUCKET = "org-logs"
ONCE = Patience(tries=1, pause=lambda _: None)
MINE = ["bucket", "bucket_policy", "trail"]
BESIDE = f"arn:aws:cloudtrail:us-east-1:{LOGS}:trail/organization"


def request_of(**changed):
    """A request for trails in all accounts, with some params changed."""
    return resolve_setup(
        {
            "accounts": dict.fromkeys(ACCOUNTS, "aws_default"),
            "bucket_account": LOGS,
            "bucket": BUCKET,
            "region": "us-east-1",
            "target_root": "s3://lake/delta",
            "checkpoint_root": "s3://lake/checkpoints",
            "actions": MINE,
            "reader": "instance_profile",
            "discovery": "listing",
        }
        | changed
    )


def run(cloud, request, *, tasks=None):
    """A run of the set-up, of which the first tasks are done; the plan that it had approved."""
    clouds = MemoryClouds(request.accounts, region=request.region, cloud=cloud)
    owner = bucket_owner(clouds.s3(LOGS), request.bucket)
    request = replace(request, own_bucket=owner in (None, request.name))
    plan, found = make_plan(request, clouds)
    for action in (ACTIONS if plan.mode == "apply" else ACTIONS[::-1])[:tasks]:
        apply_action(plan, action, planned_resources(request, found), clouds, patience=ONCE)
    return plan


def rights(cloud):
    """ARN → what the trail may do."""
    return {arn: cloud.rights(arn) for arn in cloud.trails}


def lost(before, after):
    """The rights that trails had before, and that those which still exist have no more."""
    return [
        (arn, right)
        for arn, held in before.items()
        if arn in after
        for right, could in held.items()
        if could and not after[arn].get(right, True)
    ]


def with_trail_beside(cloud):
    """Make an organization trail of somebody else, which delivers into the same bucket."""
    run(cloud, request_of(actions=["bucket"], name="other"))
    cloud.buckets[BUCKET]["policy"] = statement_of_others(BUCKET, BESIDE, ORGANIZATION)
    cloud.trails[BESIDE] = {
        "S3BucketName": BUCKET,
        "IsOrganizationTrail": True,
        "tags": {},
        "selectors": [],
        "logging": True,
    }


some = st.lists(st.sampled_from(ACCOUNTS), min_size=1, unique=True)
RUNS = st.fixed_dictionaries(
    {"mode": st.sampled_from(["apply", "apply", "remove"])},
    optional={
        "name": st.sampled_from(["cloudtrail"] * 4 + ["audit"]),
        "trail_accounts": some,
        "without": st.sampled_from([PRODUCTION, STAGING]),
        "actions": st.lists(st.sampled_from(MINE), min_size=1, unique=True),
        "change_adopted": st.lists(st.sampled_from(MINE), unique=True),
        "prefix": st.sampled_from(["", "audit"]),
        "kms_key": st.sampled_from(["new", "new", ""]),
        "sns_topic": st.sampled_from(["files", "files", ""]),
        "trail": st.sampled_from(["cloudtrail"] * 3 + ["second"]),
        "organization": st.sampled_from(["", ORGANIZATION]),
        "bucket": st.sampled_from([BUCKET] * 3 + ["more-logs"]),
        "tasks": st.integers(1, len(ACTIONS)),
    },
)
EVENTS = st.sampled_from(["tags", "object"]) | st.tuples(st.just("deleted"), st.sampled_from(ACCOUNTS))


def happen(cloud, event):
    """What people and CloudTrail do between two runs."""
    if event == "tags":
        for trail in cloud.trails.values():
            trail["tags"] = {}
    elif event == "object" and BUCKET in cloud.buckets:
        cloud.buckets[BUCKET]["objects"] = ["a log file"]
    elif event[0] == "deleted":
        for arn in [arn for arn in cloud.trails if event[1] in arn]:
            del cloud.trails[arn]


def step(cloud, one):
    """Make one step: a run, whole, in part or refused, or an event."""
    if not isinstance(one, dict):
        happen(cloud, one)
        return
    given = dict(one)
    tasks, without = given.pop("tasks", None), given.pop("without", "")
    accounts = {account: "aws_default" for account in ACCOUNTS if account != without}
    trails = [account for account in given.get("trail_accounts", ACCOUNTS) if account in accounts] or [LOGS]
    given |= {"accounts": accounts, "trail_accounts": trails[:1] if given.get("organization") else trails}
    try:
        run(cloud, request_of(**given), tasks=tasks)
    except CloudTrailError:
        return  # Such a run stops, and may have done a part.


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(beside=st.booleans(), steps=st.lists(RUNS | EVENTS, min_size=1, max_size=6))
def test_no_sequence_of_runs_takes_a_right_from_a_trail_that_exists(beside, steps):
    cloud = Cloud(ORGANIZATION)
    if beside:
        with_trail_beside(cloud)
    run(cloud, request_of(kms_key="new", sns_topic="files"))
    for number, one in enumerate(steps):
        before = rights(cloud)
        step(cloud, one)
        assert lost(before, rights(cloud)) == [], (number, one)


def test_an_account_that_is_dropped_keeps_its_trail_and_the_trail_its_delivery():
    cloud = Cloud(ORGANIZATION)
    options = {"kms_key": "new", "sns_topic": "files"}
    run(cloud, request_of(**options))
    run(cloud, request_of(**options, trail_accounts=[LOGS]))
    assert len(cloud.trails) == 3
    assert {all(one.values()) for one in rights(cloud).values()} == {True}


@pytest.mark.parametrize("objects", [[], ["a log file"]], ids=["empty", "with-files"])
def test_a_removal_keeps_what_an_adopted_trail_needs(objects):
    cloud = Cloud(ORGANIZATION)
    options = {"kms_key": "new", "sns_topic": "files"}
    run(cloud, request_of(**options))
    adopted = next(arn for arn in cloud.trails if PRODUCTION in arn)
    cloud.trails[adopted]["tags"] = {}
    cloud.buckets[BUCKET]["objects"] = objects
    run(cloud, request_of(**options, mode="remove"))
    assert list(cloud.trails) == [adopted]
    assert cloud.rights(adopted) == {"deliver": True, "encrypt": True, "notify": True}
    assert LOGS not in [one for one in cloud.buckets[BUCKET]["policy"].split('"') if one in ACCOUNTS], (
        "the deleted trails are still named"
    )


def test_the_plan_says_whose_delivery_changes():
    cloud = Cloud(ORGANIZATION)
    run(cloud, request_of())
    cloud.trails.pop(next(arn for arn in cloud.trails if STAGING in arn))
    (policy,) = run(cloud, request_of(trail_accounts=[LOGS])).writes
    gone = f"arn:aws:cloudtrail:us-east-1:{STAGING}:trail/cloudtrail"
    assert f"no longer lets CloudTrail deliver {gone}" in policy.note
    assert f"still needed by {BESIDE.replace('organization', 'cloudtrail')}" in policy.note
    moved = run(cloud, request_of(trail_accounts=[LOGS], prefix="audit"))
    (trail,) = [change for change in moved.writes if change.action == "trail"]
    assert trail.note == "its log files go to s3://org-logs/audit instead of s3://org-logs/"
    removal = run(cloud, request_of(mode="remove"))
    notes = [change.note for change in removal.writes if change.action == "trail"]
    assert len(notes) == 2
    assert all(note.startswith("it stops recording and delivering") for note in notes)


def test_the_plan_shows_the_latest_error_of_a_trails_delivery():
    cloud = Cloud(ORGANIZATION)
    run(cloud, request_of())
    for trail in cloud.trails.values():
        trail["status"] = {"LatestDeliveryError": "AccessDenied"}
    plan = run(cloud, request_of())
    assert plan.writes == ()
    assert plan.render().count("its latest delivery failed: AccessDenied") == len(ACCOUNTS)


def test_a_sixth_trail_in_a_region_stops_the_plan():
    cloud = Cloud(ORGANIZATION)
    for number in range(5):
        run(cloud, request_of(trail=f"trail{number}", trail_accounts=[LOGS]))
    with pytest.raises(ImpossibleChangeError, match=r"has 5 trails in us-east-1 .*trail4"):
        run(cloud, request_of(trail="trail5", trail_accounts=[LOGS]))
    assert len(cloud.trails) == 5
