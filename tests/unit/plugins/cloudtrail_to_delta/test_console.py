"""The console command."""

import json
from pathlib import Path

import pytest

from cloudtrail_to_delta.console import main

ROOT = Path(__file__).resolve().parents[4]


def test_permissions_prints_the_page(capsys):
    assert main(["permissions"]) == 0
    assert capsys.readouterr().out == (ROOT / "docs/permissions.md").read_text()


INGEST = {
    "bucket": "audit",
    "account": "111122223333",
    "region": "us-east-1",
    "kinds": ["events"],
    "target_root": "s3://lake/delta",
    "checkpoint_root": "s3://lake/checkpoints",
    "compute": "existing_cluster",
    "cluster_id": "c",
    "warehouse_id": "w",
    "reader_role_arn": "arn:aws:iam::111122223333:role/reader",
}
SETUP = {name: INGEST[name] for name in ("bucket", "region", "target_root", "checkpoint_root")} | {
    "accounts": {"111122223333": "aws_logs", "222233334444": "aws_production"},
    "bucket_account": "111122223333",
    "code_root": "/Volumes/main/default/code",
}


@pytest.fixture
def written(tmp_path):
    """Writes params to a file, runs the command on them, and returns the policies by their names."""

    def run(option, params, *more):
        given, folder = tmp_path / "params.json", tmp_path / "policies"
        given.write_text(json.dumps(params))
        code = main(["permissions", option, str(given), "--documents", str(folder), *more])
        return code, {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}

    return run


def test_permissions_writes_the_policies_of_given_params_and_only_what_they_use(written, capsys):
    key = "arn:aws:kms:us-east-1:111122223333:key/lake"
    code, policies = written("--ingest", INGEST, "--tables-key", key)
    assert (code, capsys.readouterr().out) == (0, "")
    assert set(policies) == {"reader-role", "airflow-ingest", "airflow-completeness"}
    used = {one["Sid"] for one in policies["airflow-ingest"]["Statement"]}
    assert used.isdisjoint({"Alert", "VerifyDigests", "LookAtNotifications"})
    assert key in json.dumps(policies["reader-role"])
    assert "my-trail" not in json.dumps(policies)
    topic = {"alert_topic_arn": "arn:aws:sns:us-east-1:111122223333:alerts", "discovery": "notifications"}
    _, more = written("--ingest", INGEST | topic)
    assert set(more) - set(policies) == {"alert-publisher", "reader-role-notifications"}


def test_permissions_writes_a_policy_for_each_account_of_a_set_up(written):
    code, policies = written("--setup", SETUP)
    assert code == 0
    names = {f"airflow-setup-{account}" for account in SETUP["accounts"]}
    assert set(policies) == names | {"airflow-setup-preflight"}
    assert "s3:CreateBucket" in json.dumps(policies["airflow-setup-111122223333"])
    assert "s3:" not in json.dumps(policies["airflow-setup-222233334444"])


@pytest.mark.parametrize(
    ("option", "params", "words"),
    [
        ("--ingest", INGEST | {"region": "moon-1"}, "region"),
        ("--ingest", INGEST | {"reader_role_arn": ""}, "reader_role_arn"),
        ("--setup", SETUP | {"accounts": {}}, "accounts"),
        ("--setup", [], "a JSON object"),
    ],
)
def test_permissions_of_invalid_params_are_not_written(written, capsys, option, params, words):
    assert written(option, params) == (2, {})
    assert words in capsys.readouterr().err


def test_accounts_schema_prints_the_file_that_editors_read(capsys):
    assert main(["accounts-schema"]) == 0
    assert capsys.readouterr().out == (ROOT / "dags/accounts.schema.json").read_text()


def test_check_accounts_looks_at_the_file_of_the_dags_folder_by_default(capsys):
    assert main(["check-accounts"]) == 0
    assert "accounts.yaml: 0 accounts, no problems" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["params", "digest"]])
def test_wrong_arguments_are_exit_code_2_and_name_the_commands(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "cloudtrail-to-delta" in capsys.readouterr().err
