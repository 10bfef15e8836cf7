"""The contract of the set-up, and what follows from its params."""

import json
from collections.abc import Mapping
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.operators.setup import ingest_params_of
from cloudtrail_to_delta.params.ingest import ingest_params
from cloudtrail_to_delta.params.request import resolve_requests
from cloudtrail_to_delta.params.setup import SETUP_PARAMS, setup_params
from cloudtrail_to_delta.setup.aws.policies import BucketPolicy
from cloudtrail_to_delta.setup.aws.selectors import advanced_selectors, in_one_form
from cloudtrail_to_delta.setup.build import build_resources, reader_document
from cloudtrail_to_delta.setup.documents import PolicyTooLargeError
from cloudtrail_to_delta.setup.request import SetupRequest, resolve_setup
from sandbox.aws.cloudtrail.selectors import find_fault

A, B = "111122223333", "222233334444"


def setup(**changed):
    return resolve_setup(
        {
            "accounts": {A: "aws_default"},
            "bucket": "logs",
            "region": "us-east-1",
            "target_root": "s3://lake/delta",
            "checkpoint_root": "s3://lake/checkpoints",
            "reader": "instance_profile",
            "databricks_compute": "cluster",
            "discovery": "listing",
        }
        | changed
    )


def fields_of(selector):
    return {
        field["Field"]: {name: value for name, value in field.items() if name != "Field"}
        for field in selector["FieldSelectors"]
    }


def test_the_forms_defaults_are_a_request_that_the_contract_accepts():
    assert (
        resolve_setup({name: param.resolve() for name, param in setup_params().items()}).name == "cloudtrail"
    )


def test_the_request_has_every_param_but_those_that_no_task_reads_from_it():
    assert set(SETUP_PARAMS) - set(setup().to_dict()) == {"approve", "aws_conn_id"}
    assert set(setup().to_dict()) <= set(SETUP_PARAMS)


def test_the_fields_of_the_request_have_the_types_that_the_contract_accepts():
    types = {"string": str, "boolean": bool, "integer": int, "array": tuple, "object": Mapping}
    for name, hint in get_type_hints(SetupRequest).items():
        if name not in SETUP_PARAMS or name == "accounts":
            continue
        schema, kind = SETUP_PARAMS[name].check.schema, get_origin(hint) or hint
        words = schema.get("items", schema).get("enum")
        word = get_args(hint)[0] if kind is tuple else hint
        assert kind in (types[schema["type"]], Literal), name
        if get_origin(word) is Literal:
            assert set(get_args(word)) == set(words), name
        elif words:
            assert name in {"insights", "kinds"}


def test_what_the_params_leave_out_follows_from_the_others():
    request = setup()
    assert (request.bucket_account, request.reader_account, request.trail_accounts) == (A, A, (A,))
    assert (request.given_code_root, request.code_root) == ("", "s3://lake/code")


@pytest.mark.parametrize("name", setup_params())
def test_every_field_has_a_title(name):
    assert setup_params()[name].schema["title"]


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"accounts": {"1": "aws"}}, "give an object that maps 12-digit accounts"),
        ({"accounts": {}}, "give an object that maps 12-digit accounts"),
        ({"bucket_account": B}, "the bucket's account needs an AWS connection"),
        ({"accounts": {A: "a", B: "b"}}, "there are several accounts: give the account of the bucket"),
        ({"reader_account": B}, "the reader role's account needs an AWS connection"),
        ({"trail_accounts": [B]}, "each account that gets a trail needs"),
        ({"organization": "o-a1b2c3d4e5", "accounts": {A: "a", B: "b"}}, "one trail for all its accounts"),
        ({"insights": ["ApiCallRateInsight"], "management_events": "read"}, "those that write"),
        ({"management_events": "none"}, "the trail would record nothing"),
        ({"kms_key": "mine"}, "give 'new' to create a key"),
        ({"kms_key": f"arn:aws:kms:eu-west-1:{A}:key/k"}, "in the region of the bucket"),
        ({"kms_key": f"arn:aws:kms:us-east-1:{B}:key/k"}, "so its account needs an AWS connection"),
        ({"deployment_role_arn": f"arn:aws:iam::{B}:role/d"}, "the deployment role's account needs"),
        ({"trail": "a--b"}, "3 to 128 characters"),
        ({"trail": "192.168.5.4"}, "not an IP address"),
        ({"s3_data_events": ["*", "arn:aws:s3:::b/"]}, "give it without other values"),
        (
            {"insights": ["ApiErrorRateInsight"], "management_events": "none", "s3_data_events": ["*"]},
            "Insights",
        ),
        ({"s3_data_events": ["arn:aws:s3:::logs/audit"]}, "objects that the pipeline itself writes"),
        ({"s3_data_events": ["arn:aws:s3:::lake/"]}, "objects that the pipeline itself writes"),
        ({"s3_data_events": ["arn:aws:s3:::lake/code/x"]}, "objects that the pipeline itself writes"),
        ({"s3_data_events": [f"arn:aws:s3:::b{one}/" for one in range(600)]}, "selectors hold 500 values"),
        ({"network_activity_sources": [f"s{one}.amazonaws.com" for one in range(241)]}, "hold 500 values"),
        ({"name": "My set-up"}, "a lowercase letter"),
        ({"discovery": "file_events"}, "choose the reader storage_credential"),
        ({"buckett": "x"}, "Did you mean 'bucket'"),
        ({"target_root": "dbfs:/x"}, "DBFS cannot hold tables"),
    ],
)
def test_a_violation_is_named_with_what_to_give(changed, complaint):
    with pytest.raises(InvalidRequestError, match=complaint):
        setup(**changed)


def test_all_violations_are_named_at_once():
    with pytest.raises(InvalidRequestError) as caught:
        setup(accounts={"1": "aws"}, kms_key="mine", trail="a")
    assert len(caught.value.violations) == 3


def test_the_management_selector_leaves_out_what_is_asked_for():
    (selector,) = advanced_selectors(
        setup(management_events="write", exclude_kms_events=True, exclude_rds_data_events=True)
    )
    assert fields_of(selector) == {
        "eventCategory": {"Equals": ["Management"]},
        "readOnly": {"Equals": ["false"]},
        "eventSource": {"NotEquals": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]},
    }


def test_the_empty_operators_that_cloudtrail_gives_back_make_no_difference():
    wanted = advanced_selectors(setup(s3_data_events=["*"]))
    operators = ("Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith")
    answered = [
        {
            "Name": selector["Name"],
            "FieldSelectors": [dict.fromkeys(operators, ()) | field for field in selector["FieldSelectors"]],
        }
        for selector in wanted
    ]
    lists = json.loads(json.dumps(answered))
    assert in_one_form(lists) == wanted


def test_named_buckets_and_functions_are_selected_by_their_arns():
    function = f"arn:aws:lambda:us-east-1:{A}:function:f"
    selectors = advanced_selectors(
        setup(
            management_events="none", s3_data_events=["arn:aws:s3:::data/in"], lambda_data_events=[function]
        )
    )
    assert [fields_of(one)["resources.ARN"] for one in selectors] == [
        {"StartsWith": ["arn:aws:s3:::data/in"]},
        {"Equals": [function]},
    ]


def test_all_objects_are_all_but_those_that_the_pipeline_writes():
    selector = fields_of(advanced_selectors(setup(s3_data_events=["*"]))[1])
    mine = ["logs", "lake/checkpoints", "lake/code", "lake/delta"]
    assert selector["resources.ARN"]["NotStartsWith"] == sorted(f"arn:aws:s3:::{one}/" for one in mine)


def test_the_error_rate_of_management_events_that_only_read_can_be_analyzed():
    assert setup(insights=["ApiErrorRateInsight"], management_events="read").insights


def test_the_most_values_that_the_contract_accepts_are_within_the_quota_of_cloudtrail():
    most = [f"arn:aws:s3:::b{one}/" for one in range(480)]
    found = setup(s3_data_events=most, management_events="write", exclude_kms_events=True)
    assert find_fault(advanced_selectors(found)) == ""


def test_the_notification_actions_are_in_the_policy_only_when_discovery_needs_them():
    without, with_them = reader_document(setup()), reader_document(setup(discovery="notifications"))
    assert "sqs:" not in str(without)
    assert "sqs:CreateQueue" in str(with_them)


def test_the_reader_cannot_change_a_log_file():
    statements = [one for one in reader_document(setup())["Statement"] if ":::logs" in str(one["Resource"])]
    actions = {action for one in statements for action in one["Action"]}
    assert actions == {"s3:ListBucket", "s3:GetObject", "s3:GetBucketLocation"}


def test_a_storage_credentials_role_assumes_itself_and_has_no_profile():
    request = setup(reader="storage_credential", databricks_compute="none")
    (own,) = [one for one in reader_document(request)["Statement"] if one["Sid"] == "AssumeSelf"]
    assert own["Resource"] == [f"arn:aws:iam::{A}:role/cloudtrail-reader"]
    assert not [one for one in build_resources(request) if one.name.startswith("instance profile")]


def test_delivery_is_allowed_to_our_trails_alone():
    request = setup(accounts={A: "a", B: "b"}, bucket_account=A, prefix="audit")
    (policy,) = [one for one in build_resources(request) if isinstance(one, BucketPolicy)]
    (deliver,) = [one for name, one in policy.ours.wanted.items() if name.endswith("Deliver")]
    assert deliver["Resource"] == [f"arn:aws:s3:::logs/audit/AWSLogs/{account}/*" for account in (A, B)]
    assert deliver["Condition"]["StringEquals"] == {
        "s3:x-amz-acl": "bucket-owner-full-control",
        "aws:SourceArn": [f"arn:aws:cloudtrail:us-east-1:{one}:trail/cloudtrail" for one in (A, B)],
        "aws:SourceAccount": [A, B],
    }


def test_a_bucket_policy_for_too_many_accounts_is_refused_while_planning():
    accounts = {f"{number:012}": "aws" for number in range(100, 250)}
    request = setup(accounts=accounts, bucket_account=next(iter(accounts)))
    (policy,) = [one for one in build_resources(request) if isinstance(one, BucketPolicy)]
    with pytest.raises(PolicyTooLargeError, match="Use an organization trail"):
        policy.wanted(None)


READER = {"ListLogs", "ReadLogs", "NotifyBucket", "FileEventsBucket"}


@pytest.mark.parametrize(
    ("actions", "wanted"),
    [
        (["trail"], {"CheckAcl", "Deliver"}),
        (["bucket_policy"], READER),
        (["bucket", "bucket_policy"], READER | {"CheckAcl", "Deliver"}),
    ],
)
def test_a_run_decides_only_about_the_statements_of_its_actions(actions, wanted):
    (policy,) = [one for one in build_resources(setup(actions=actions)) if isinstance(one, BucketPolicy)]
    prefix = "CloudTrailSetupCloudtrail"
    assert {name.removeprefix(prefix) for name in policy.ours.managed} == wanted
    possible = {name.removeprefix(prefix) for name in policy.ours.possible}
    assert possible == READER | {"CheckAcl", "Deliver", "TlsOnly"}


def test_the_report_names_what_an_ingest_of_the_set_up_takes_and_nothing_that_nobody_gave():
    request = setup(events_table="main.logs.events", warehouse_id="w", reader_role="reader")
    params = ingest_params_of(request)
    made = {"cluster_id": "made", "compute": "existing_cluster"}
    assert resolve_requests(params | made) == request.requests
    assert params["aws_conn_id"] == "aws_default"
    assert params["warehouse_id"] == "w"
    assert params["instance_profile_arn"] == f"arn:aws:iam::{A}:instance-profile/reader"
    assert "deployment_role_arn" not in params


def test_a_connection_that_assumes_a_role_in_each_account_is_not_named_as_the_readers_own():
    assert "aws_conn_id" not in ingest_params_of(setup(assume_role="SetUp", warehouse_id="w"))


def test_a_list_that_is_emptied_in_the_form_is_sent_as_null_and_is_no_star():
    form = setup_params()
    lists = [name for name, param in form.items() if param.value == []]
    assert {"trail_accounts", "insights", "change_adopted", "s3_data_events"} <= set(lists)
    for name in lists:
        assert form[name].resolve(None) is None, name
        assert setup(**{name: None}).to_dict()[name] == ([A] if name == "trail_accounts" else []), name


def test_every_field_but_a_name_that_says_it_all_has_its_help():
    silent = {name for name, param in setup_params().items() if not param.schema.get("description_md")}
    assert silent == {
        *("insights_table", "network_activity_table", "aggregated_table", "digests_table"),
        *("exclude_rds_data_events", "autotermination_minutes"),
    }


@pytest.mark.parametrize("organization", ["", "o-abcdefghij"])
def test_the_form_of_the_ingest_takes_every_value_that_the_report_names(organization):
    form = ingest_params()
    for name, value in ingest_params_of(setup(organization=organization, warehouse_id="w")).items():
        assert form[name].resolve(value) == value
