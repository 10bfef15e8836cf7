"""Params → requests: what is derived for each kind, and how a request travels."""

import json

import pytest

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.params.ingest import PARAMS
from cloudtrail_to_delta.params.request import IngestRequest, code_root, resolve_requests

PARAMS_OF_A_TRAIL = {
    "bucket": "audit-logs",
    "account": "111122223333",
    "regions": ["*"],
    "region": "eu-central-1",
    "target_root": "s3://lake/delta",
    "checkpoint_root": "s3://lake/checkpoints",
    "compute": "existing_cluster",
    "cluster_id": "0101-abc",
    "warehouse_id": "w1",
    "reader_role_arn": "arn:aws:iam::111122223333:role/reader",
}


def params(**changed):
    return PARAMS_OF_A_TRAIL | changed


def violations(**changed):
    with pytest.raises(InvalidRequestError) as caught:
        resolve_requests(params(**changed))
    return caught.value.violations


def test_the_five_values_of_the_guide_are_derived_for_each_kind():
    assert resolve_requests(params()) == {
        "events": IngestRequest(
            kind="events",
            logs_path="s3://audit-logs/AWSLogs/111122223333/CloudTrail/*/*",
            delta_path="s3://lake/delta/cloudtrail_events",
            checkpoint_path="s3://lake/checkpoints/cloudtrail_events",
            table="cloudtrail_events",
            region="eu-central-1",
        ),
        "insights": IngestRequest(
            kind="insights",
            logs_path="s3://audit-logs/AWSLogs/111122223333/CloudTrail-Insight/*/*",
            delta_path="s3://lake/delta/cloudtrail_insights",
            checkpoint_path="s3://lake/checkpoints/cloudtrail_insights",
            table="cloudtrail_insights",
            region="eu-central-1",
        ),
    }


@pytest.mark.parametrize(
    ("changed", "logs_path"),
    [
        ({"prefix": "trails/audit"}, "s3://audit-logs/trails/audit/AWSLogs/111122223333/CloudTrail/*/*"),
        (
            {"organization": "o-a1b2c3d4e5"},
            "s3://audit-logs/AWSLogs/o-a1b2c3d4e5/111122223333/CloudTrail/*/*",
        ),
        ({"account": "*"}, "s3://audit-logs/AWSLogs/*/CloudTrail/*/*"),
        ({"regions": ["eu-west-1"]}, "s3://audit-logs/AWSLogs/111122223333/CloudTrail/eu-west-1/*"),
        (
            {"regions": ["eu-west-1", "us-east-1", "eu-west-1"]},
            "s3://audit-logs/AWSLogs/111122223333/CloudTrail/{eu-west-1,us-east-1}/*",
        ),
        (
            {"events_logs_path": "s3://other/AWSLogs/111122223333/CloudTrail/us-east-1/2026/05/*"},
            "s3://other/AWSLogs/111122223333/CloudTrail/us-east-1/2026/05/*",
        ),
        (
            {"events_logs_path": "s3://other/AWSLogs/*/CloudTrail/{us-east-1}/*"},
            "s3://other/AWSLogs/*/CloudTrail/us-east-1/*",
        ),
        (
            {"events_logs_path": "s3://other/AWSLogs/*/CloudTrail/{us-east-1,eu-west-1,us-east-1}/*"},
            "s3://other/AWSLogs/*/CloudTrail/{us-east-1,eu-west-1}/*",
        ),
    ],
)
def test_the_logs_path_follows_the_layout_that_the_params_describe(changed, logs_path):
    assert resolve_requests(params(**changed))["events"].logs_path == logs_path


def test_only_the_kinds_that_are_asked_for_are_resolved():
    assert list(resolve_requests(params(kinds=["insights"]))) == ["insights"]


def test_null_and_absent_mean_the_default():
    optional = {name: None for name in PARAMS if name not in PARAMS_OF_A_TRAIL}
    assert resolve_requests(params(**optional)) == resolve_requests(params())


def test_paths_are_named_by_the_last_level_of_the_table_and_can_be_given():
    request = resolve_requests(
        params(
            events_table="main.security.trail",
            target_root="s3://lake/delta/",
            events_checkpoint_path="s3://lake/elsewhere/cp/",
        )
    )["events"]
    assert request.delta_path == "s3://lake/delta/trail"
    assert request.quarantine_path == "s3://lake/delta/trail_quarantine"
    assert request.quarantine_table == "main.security.trail_quarantine"
    assert request.checkpoint_path == "s3://lake/elsewhere/cp"
    assert request.log_bucket == "audit-logs"


def test_a_request_survives_an_xcom():
    request = resolve_requests(params(extra_views=["ocsf"]))["events"]
    assert json.loads(json.dumps(request.to_dict())) == request.to_dict()
    assert IngestRequest.from_dict(request.to_dict()) == request
    with pytest.raises(InvalidRequestError, match="missing or unexpected: checkpoint_path"):
        IngestRequest.from_dict({k: v for k, v in request.to_dict().items() if k != "checkpoint_path"})


def test_a_request_of_an_earlier_release_has_no_extra_views():
    request = resolve_requests(params())["events"]
    older = {name: value for name, value in request.to_dict().items() if name != "extra_views"}
    assert IngestRequest.from_dict(older) == request


def test_extra_views_are_named_after_the_table_and_only_events_have_ocsf():
    kinds = ["events", "network_activity", "insights"]
    plain = resolve_requests(params(kinds=kinds))
    more = resolve_requests(params(kinds=kinds, extra_views=["variant", "ocsf"]))
    added = {kind: set(more[kind].views.values()) - set(plain[kind].views.values()) for kind in kinds}
    classes = ("api_activity", "authentication", "account_change", "entity_management")
    assert added == {
        "events": {"cloudtrail_events_variant", *(f"cloudtrail_events_ocsf_{one}" for one in classes)},
        "network_activity": {"cloudtrail_network_activity_variant"},
        "insights": {"cloudtrail_insights_variant"},
    }


def test_a_table_may_not_have_the_name_of_an_extra_view_that_is_asked_for():
    named = {"network_activity_table": "cloudtrail_events_variant"}
    resolve_requests(params(**named))
    *_, found = violations(**named, extra_views=["variant"])
    assert "both named 'cloudtrail_events_variant'" in found


@pytest.mark.parametrize(
    ("changed", "root"),
    [
        ({}, "s3://lake/code"),
        ({"checkpoint_root": "s3://lake/a/b/checkpoints/"}, "s3://lake/a/b/code"),
        ({"checkpoint_root": "s3://lake"}, "s3://lake/code"),
        ({"code_root": "s3://wheels/jobs/"}, "s3://wheels/jobs"),
        ({"code_root": None}, "s3://lake/code"),
        ({"code_root": "/Volumes/main/ops/jobs"}, "/Volumes/main/ops/jobs"),
    ],
)
def test_the_code_root_is_given_or_stands_beside_the_checkpoints(changed, root):
    assert code_root(params(**changed)) == root
