"""The contract, rule by rule: what breaks it is named with what to do, all of it at once."""

import pytest

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.params.request import RUN_NAME_BYTES, RUN_NAME_REST, resolve_requests
from tests.unit.plugins.cloudtrail_to_delta.params.test_request import params, violations


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("kinds", [], "give a list with at least one value"),
        ("kinds", "events", "give a list"),
        ("kinds", ["events", "insight"], "Did you mean 'insights'?"),
        ("bucket", None, "bucket is missing: give the name of an S3 bucket"),
        ("bucket", "s3://audit-logs", "without s3://"),
        ("bucket", "Audit_Logs", "the name of an S3 bucket"),
        ("bucket", "10.0.0.1", "the name of an S3 bucket"),
        ("prefix", "/trails", "without a slash at either end"),
        ("prefix", "trails/AWSLogs", "the key prefix that precedes /AWSLogs/"),
        ("prefix", "a*", "the key prefix that precedes"),
        ("organization", "my-org", "like o-a1b2c3d4e5"),
        ("account", "12345", "12 digits"),
        ("account", 111122223333, "in quotes"),
        ("account", "١١١١٢٢٢٢٣٣٣٣", "12 digits"),
        ("regions", ["*", "us-east-1"], "'*' means all: give it without other values"),
        ("regions", ["us-east-1", "us-east2"], "Did you mean 'us-east-2'?"),
        ("regions", [["us-east-1"]], "give a region"),
        ("region", "eu-centrl-1", "Did you mean 'eu-central-1'?"),
        ("region", "us-iso-east-1", "in partition aws, aws-us-gov or aws-cn"),
        ("target_root", "dbfs:/delta", "DBFS cannot hold tables and checkpoints in this release"),
        ("target_root", "/dbfs/delta", "DBFS cannot hold"),
        ("target_root", "/Volumes/main/x/y", "Unity Catalog volumes cannot hold tables"),
        ("checkpoint_root", "dbfs:/Volumes/main/x/y", "Unity Catalog volumes cannot hold tables"),
        ("checkpoint_root", "s3a://lake/x", "Did you mean 's3://lake/x'?"),
        ("target_root", "lake/delta", "give a location of the form s3://bucket/folder"),
        ("target_root", "s3://lake//delta", "the part '' is not allowed"),
        ("target_root", "s3://lake/../delta", "the part '..' is not allowed"),
        ("target_root", "s3://lake/de lta", "the part 'de lta' is not allowed"),
        ("target_root", 7, "give text"),
        ("code_root", "/Volumes/main", "/Volumes/catalog/schema/volume"),
        ("events_table", "Cloud-Trail", "Did you mean 'cloud_trail'?"),
        ("events_table", "a.b.c.d", "catalog.schema.table"),
        ("events_table", "1st", "does not start with a digit"),
        ("events_table", "a" * 250, "at most 255 characters"),
        ("events_delta_path", "s3://lake", "a bucket without a folder is too broad"),
        ("insights_checkpoint_path", "dbfs:/x", "DBFS cannot hold"),
        (
            "events_logs_path",
            "s3://audit-logs/111122223333/CloudTrail/*/*",
            "it does not contain '/AWSLogs/'",
        ),
        ("events_logs_path", "s3://audit-logs/AWSLogs/1/CloudTrail/*/*", "'1' is neither a 12-digit account"),
        (
            "insights_logs_path",
            "s3://audit-logs/AWSLogs/*/Cloudtrail-Insights/*/*",
            "Use the form s3://bucket/[prefix/]AWSLogs/[o-id/]account/CloudTrail|CloudTrail-Insight|"
            "CloudTrail-NetworkActivity|CloudTrail-Aggregated|CloudTrail-Digest/region/*. "
            "Did you mean 'CloudTrail-Insight'?",
        ),
        ("events_logs_path", "s3://audit-logs/AWSLogs/*/CloudTrail/us-east2/*", "Did you mean 'us-east-2'?"),
        (
            "events_logs_path",
            "s3://audit-logs/AWSLogs/*/CloudTrail/{us-east-1,cn-north-1}/*",
            "cn-north-1 is in partition 'aws-cn', but region='eu-central-1' is in 'aws'",
        ),
        ("duplicates", "removed", "Did you mean 'remove'?"),
        ("iam_simulation", "warm", "Did you mean 'warn'?"),
        ("compute", "Server-less", "Did you mean 'serverless'?"),
        ("compute", "existing-cluster", "Did you mean 'existing_cluster'?"),
        ("instance_profile_arn", "arn:aws:iam::111122223333:role/x", "instance-profile/reader"),
        ("num_workers", -1, "a whole number from 0 to 100"),
        ("num_workers", True, "a whole number"),
        ("warehouse_id", "", "a SQL warehouse ID, not a name: letters, digits and _ - only"),
        ("warehouse_id", "../../../2.0/secrets/scopes/list", "a SQL warehouse ID"),
        ("cluster_id", "..", "a cluster ID"),
        ("policy_id", "a/b", "a cluster policy ID"),
        ("node_type_id", "m6id large", "a node type like m6id.large: letters, digits and _ - . only"),
        ("spark_version", "17.3?x", "a runtime like 17.3.x-scala2.13: letters, digits and _ - . : only"),
        ("code_root", "/Volumes/../../../2.0/secrets", "/Volumes/catalog/schema/volume"),
        ("region", "us-est-1", "Did you mean 'us-east-1'?"),
        ("prefix", "../x", "the key prefix that precedes"),
        ("target_root", "s3://lake//", "the part '' is not allowed"),
        ("events_logs_path", "s3://audit-logs//AWSLogs/*/CloudTrail/*/*", "two slashes before AWSLogs"),
        (
            "events_logs_path",
            "s3://audit-logs/AWSLogs/*/CloudTrail/us-east-1,eu-west-1/*",
            "'us-east-1,eu-west-1' is neither a region, nor '*', nor {a,b}",
        ),
        ("events_logs_path", "s3://audit-logs/AWSLogs/*/CloudTrail/{us-east-1/*", "is neither a region"),
        ("discovery", "notification", "Did you mean 'notifications'?"),
        ("trigger", "availablenow", "Did you mean 'available_now'?"),
        ("max_files_per_trigger", 0, "from 1 to 1000000"),
        ("max_files_per_trigger", "1000", "a whole number"),
        ("max_bytes_per_trigger", "1 g", "a size like 512m or 1g"),
        ("max_bytes_per_trigger", "0", "a size like 512m or 1g"),
        ("max_bytes_per_trigger", "9999999999g", "at most 6 digits before the unit"),
        ("alert_conn_ids", "slack", "give a list; it may be empty"),
        ("alert_conn_ids", ["my slack"], "the ID of an Airflow connection of type apprise"),
        ("alert_events", ["insights"], "Did you mean 'insight'?"),
        ("alert_silent_hours", 241, "from 0 to 240"),
        ("test_alert", True, "there is no alert target to test"),
        ("minimum_rows", 1.5, "a whole number"),
        ("reader_role_arn", "arn:aws:iam::111122223333:user/reader", "an ARN like"),
        (
            "reader_role_arn",
            "arn:aws-iso:iam::111122223333:role/reader",
            "in partition aws, aws-us-gov or aws-cn",
        ),
        ("iam_simulation", "on", "require, warn, off"),
        ("alert_topic_arn", "arn:aws:sqs:us-east-1:111122223333:q", "an ARN like arn:aws:sns:"),
        (
            "alert_topic_arn",
            "arn:aws:sns:us-east-1:111122223333:alerts.fifo",
            "give the ARN of a standard topic",
        ),
        ("databricks_conn_id", "my conn", "the ID of an Airflow connection of type databricks"),
        ("delta_log_timeout_minutes", 0, "from 1 to 10080"),
        ("run_timeout_minutes", "720", "a whole number"),
        # More than Python's own arithmetic of times takes.
        ("run_timeout_minutes", 9999999999999, "to 43200"),
        ("from", "2026-W05-1", "give a day like 2026-01-31"),
        ("from", "0001-01-01", "in the years 2000 to 2999"),
        ("until", "9999-12-31", "in the years 2000 to 2999"),
    ],
)
def test_a_value_that_breaks_the_contract_is_named_with_what_to_do(name, value, said):
    found = violations(**{name: value})
    assert len(found) == 1
    assert found[0].startswith(name)
    assert value is None or repr(value) in found[0]
    assert said in found[0]


NEW = {
    "compute": "new_cluster",
    "cluster_id": None,
    "instance_profile_arn": "arn:aws:iam::111122223333:instance-profile/reader",
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"cluster_id": ""}, "compute='existing_cluster', cluster_id='': give the cluster ID"),
        (
            NEW | {"cluster_id": "0101-abc"},
            "compute='new_cluster', cluster_id='0101-abc': a cluster ID only applies to an existing cluster",
        ),
        (
            NEW | {"instance_profile_arn": None},
            "a cluster without an instance profile cannot read the job wheel from S3: give instance_profile",
        ),
        (
            {"policy_id": "ABC"},
            "compute='existing_cluster', policy_id='ABC': a cluster policy only applies to a new cluster",
        ),
        (
            {"compute": "serverless", "code_root": "/Volumes/a/b/c", "trigger": "continuous"},
            "compute='serverless', trigger='continuous': serverless compute does not support continuous",
        ),
        (
            {"compute": "serverless", "code_root": "/Volumes/a/b/c", "discovery": "notifications"},
            "notifications need dedicated compute",
        ),
        (
            {
                "compute": "serverless",
                "code_root": "/Volumes/a/b/c",
                "instance_profile_arn": "arn:aws:iam::111122223333:instance-profile/reader",
            },
            "serverless compute has no instance profile",
        ),
        ({"compute": "serverless"}, "installs wheels from Unity Catalog"),
        ({"reader_role_arn": ""}, "iam_simulation='require', reader_role_arn='': give the role"),
        ({"reader_role_arn": None, "iam_simulation": "warn"}, "or set iam_simulation to off"),
        (
            {"region": "cn-north-1"},
            "reader_role_arn is in partition 'aws', but region='cn-north-1' is in 'aws-cn'",
        ),
        ({"regions": ["us-gov-west-1"]}, "regions us-gov-west-1 is in partition 'aws-us-gov'"),
        (
            {"events_logs_path": "s3://audit-logs/AWSLogs/111122223333/CloudTrail-Insight/*/*"},
            "CloudTrail does not deliver events to 'CloudTrail-Insight': use 'CloudTrail'",
        ),
        (
            {"events_delta_path": "s3://lake/same", "insights_delta_path": "s3://lake/same/"},
            "the events table (s3://lake/same) and the insights table (s3://lake/same) share a folder",
        ),
        (
            {"insights_delta_path": "s3://lake/delta/cloudtrail_events_quarantine"},
            "the events quarantine (s3://lake/delta/cloudtrail_events_quarantine) and the insights table",
        ),
        (
            {"events_checkpoint_path": "s3://lake/delta/cloudtrail_events/_checkpoint"},
            "the events table (s3://lake/delta/cloudtrail_events) and the events checkpoint "
            "(s3://lake/delta/cloudtrail_events/_checkpoint) share a folder: change target_root or "
            "events_table or events_checkpoint_path",
        ),
        (
            {"events_delta_path": "s3://lake/checkpoints/cloudtrail_events/table"},
            "the events table (s3://lake/checkpoints/cloudtrail_events/table) and the events checkpoint",
        ),
        (
            {"events_checkpoint_path": "s3://lake/cp", "insights_checkpoint_path": "s3://lake/cp"},
            "the events checkpoint (s3://lake/cp) and the insights checkpoint (s3://lake/cp) share a folder",
        ),
        (
            {"events_delta_path": "s3://audit-logs/AWSLogs/delta"},
            "the events table (s3://audit-logs/AWSLogs/delta) and the logs (s3://audit-logs/AWSLogs) share",
        ),
        (
            {"prefix": "trails/a", "events_checkpoint_path": "s3://audit-logs/trails"},
            "the events checkpoint (s3://audit-logs/trails) and the logs (s3://audit-logs/trails/a/AWSLogs)",
        ),
        (
            {"code_root": "s3://lake/delta/cloudtrail_events/code"},
            "the events table (s3://lake/delta/cloudtrail_events) and the code root",
        ),
        (
            {"code_root": "s3://audit-logs/AWSLogs/code"},
            "the logs (s3://audit-logs/AWSLogs) and the code root",
        ),
        ({"comput": "serverless"}, "unknown param 'comput': remove it. Did you mean 'compute'?"),
    ],
)
def test_values_that_do_not_fit_together_are_named_with_what_to_do(changed, said):
    found = violations(**changed)
    assert len(found) == 1
    assert said in found[0]


def test_two_tables_of_one_name_are_refused_also_with_paths_of_their_own():
    found = violations(
        events_table="sec.trail",
        insights_table="sec.trail",
        insights_delta_path="s3://lake/delta/other",
        insights_checkpoint_path="s3://lake/checkpoints/other",
    )
    assert found == [
        "the events table and the insights table are both named 'sec.trail': change events_table or "
        "insights_table."
    ]


def test_a_table_may_not_be_named_like_what_stands_beside_another():
    for suffix in ("quarantine", "files", "schema_drift", "accounts", "flat", "unique"):
        *_, found = violations(events_table="trail", network_activity_table=f"trail_{suffix}")
        assert f"both named 'trail_{suffix}': change events_table or network_activity_table." in found
    # Only insights have episodes.
    resolve_requests(params(events_table="trail", network_activity_table="trail_episodes"))


@pytest.mark.parametrize(
    "value", ["2026-02-30", "yesterday", "20260131", 20260131, "2026-W05-6", "0001-01-01"]
)
def test_a_bound_is_a_day_of_the_calendar(value):
    (found,) = violations(**{"from": value})
    assert found == f"from={value!r}: give a day like 2026-01-31, in the years 2000 to 2999."


def test_bounds_are_in_order_and_need_a_path_of_all_days():
    assert violations(**{"from": "2026-02-01", "until": "2026-01-01"}) == [
        "from='2026-02-01', until='2026-01-01': the first day is after the last day: correct one of them."
    ]
    (found,) = violations(events_logs_path="s3://logs/AWSLogs/*/CloudTrail/*/2026/*", until="2026-01-01")
    assert found.startswith(
        "events_logs_path='s3://logs/AWSLogs/*/CloudTrail/*/2026/*' already names a period"
    )
    assert found.endswith("or leave until='2026-01-01' empty.")


def test_a_wide_code_root_and_a_table_beside_the_logs_are_fine():
    assert resolve_requests(params(code_root="s3://lake", target_root="s3://audit-logs/delta"))


def test_a_kind_that_is_not_asked_for_keeps_its_places():
    found = violations(kinds=["insights"], insights_delta_path="s3://lake/delta/cloudtrail_events")
    assert "the events table" in found[0]


def test_the_checkpoints_of_a_shared_run_have_to_go_into_its_name():
    roots = {"checkpoint_root": f"s3://lake/{'/'.join(['x' * 200] * 9)}"}
    assert resolve_requests(params(**roots, kinds=["events"], share_run=True))
    assert resolve_requests(params(**roots, kinds=["events", "insights"], share_run=False))
    (found,) = violations(**roots, kinds=["events", "insights"], share_run=True)
    assert found.startswith("share_run=True: the checkpoint paths of events, insights have 3")
    assert "room for 3496: shorten checkpoint_root" in found


def test_all_violations_are_reported_at_once():
    found = violations(
        bucket="S3://X",
        region="mars-1",
        target_root="dbfs:/x",
        compute="serverless",
        trigger="continuous",
        events_table="trail",
        insights_table="trail",
        surprise=1,
    )
    for said in ("bucket=", "region=", "target_root=", "trigger='continuous'", "'trail'", "'surprise'"):
        assert any(said in violation for violation in found), said
    with pytest.raises(InvalidRequestError) as caught:
        resolve_requests({})
    assert len(caught.value.violations) == 8
    assert "8 problem(s) with the params; nothing was submitted" in str(caught.value)
    assert all(f"- {violation}" in str(caught.value) for violation in caught.value.violations)


@pytest.mark.parametrize(
    ("region", "partition"),
    [("us-gov-west-1", "aws-us-gov"), ("cn-northwest-1", "aws-cn"), ("us-east-1", "aws")],
)
def test_every_partition_works_when_all_of_it_is_in_one(region, partition):
    path = f"s3://audit/trails/AWSLogs/o-a1b2c3d4e5/111122223333/CloudTrail/{region}/*"
    assert resolve_requests(
        params(region=region, regions=[region], reader_role_arn="", iam_simulation="off")
        | {"events_logs_path": path}
    )
    assert resolve_requests(
        params(
            region=region,
            regions=[region],
            reader_role_arn=f"arn:{partition}:iam::111122223333:instance-profile/path/reader",
            alert_topic_arn=f"arn:{partition}:sns:{region}:111122223333:alerts",
        )
    )


@pytest.mark.parametrize(
    "name", ["alert_conn_ids", "alert_topic_arn", "aws_conn_id", "bucket", "reader_role_arn"]
)
def test_an_address_with_a_token_is_refused_and_not_repeated(name):
    address = "https://hooks.slack.example/services/T0/B0/t0ken"
    (violation,) = violations(**{name: [address] if name == "alert_conn_ids" else address})
    assert "https://…" in violation
    assert "t0ken" not in violation


def test_an_address_in_place_of_a_connection_is_told_where_it_belongs():
    (violation,) = violations(alert_conn_ids=["slack://a/b/c"])
    assert "put it into an Airflow connection of type apprise and give the connection's ID" in violation


@pytest.mark.parametrize(
    ("name", "last", "beyond"),
    [
        ("bucket", "abc", "ab"),
        ("bucket", "a" * 63, "a" * 64),
        ("organization", f"o-{'a' * 10}", f"o-{'a' * 9}"),
        ("organization", f"o-{'a' * 32}", f"o-{'a' * 33}"),
        ("events_table", "a" * (255 - len("_quarantine")), "a" * (256 - len("_quarantine"))),
        ("warehouse_id", "w" * 200, "w" * 201),
        ("aws_conn_id", "c" * 250, "c" * 251),
        ("kinds", ["events"], []),
        ("alert_conn_ids", [], None),
        ("num_workers", 0, -1),
        ("num_workers", 100, 101),
        ("max_files_per_trigger", 1, 0),
        ("alert_silent_hours", 240, 241),
        ("max_bytes_per_trigger", "1", "0"),
        ("from", "2026-02-28", "2026-02-29"),
        ("code_root", "/Volumes/a/b/c", "/Volumes/a/b"),
        ("events_delta_path", "s3://lake/x", "s3://lake"),
        (
            "events_logs_path",
            "s3://audit-logs/AWSLogs/*/CloudTrail/*/*",
            "s3://audit-logs/AWSLogs/*/CloudTrail/*",
        ),
    ],
)
def test_the_last_value_that_fits_is_accepted_and_the_next_one_is_not(name, last, beyond):
    assert resolve_requests(params(**{name: last}))
    if beyond is not None:
        assert [violation.startswith(f"{name}=") for violation in violations(**{name: beyond})] == [True]


def test_one_day_is_a_period():
    assert resolve_requests(params(**{"from": "2026-02-01", "until": "2026-02-01"}))


def test_the_checkpoints_of_a_shared_run_may_fill_its_name():
    spare = RUN_NAME_BYTES - RUN_NAME_REST - 2 * len("s3://lake/")
    longest = {
        "events_checkpoint_path": f"s3://lake/{'e' * (spare // 2)}",
        "insights_checkpoint_path": f"s3://lake/{'i' * (spare - spare // 2)}",
    }
    assert resolve_requests(params(**longest, share_run=True))
    longest["insights_checkpoint_path"] += "i"
    assert len(violations(**longest, share_run=True)) == 1
