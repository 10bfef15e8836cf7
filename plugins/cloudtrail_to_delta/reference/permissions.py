"""docs/permissions.md and docs/permissions/*.json, from the lists that preflight simulates.

`make permissions` writes them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.iam.catalog import table_needs, volume_needs
from cloudtrail_to_delta.iam.connection import PURPOSES, completeness_access, connection_access
from cloudtrail_to_delta.iam.notifications import notification_access
from cloudtrail_to_delta.iam.reader import Access, key_access, pass_role, reader_policy, required_access
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.params.request import code_root, resolve_requests
from cloudtrail_to_delta.params.setup import NEW_KEY
from cloudtrail_to_delta.preflight.catalog import places
from cloudtrail_to_delta.setup.deployment_role import rows, setup_policy
from cloudtrail_to_delta.setup.request import resolve_setup
from cloudtrail_to_delta.setup.resources import Document

EXAMPLE = {
    "kinds": ["events", "insights", "digests"],
    "bucket": "my-trail",
    "account": "111122223333",
    "regions": ["*"],
    "region": "us-east-1",
    "target_root": "s3://my-lake/delta",
    "checkpoint_root": "s3://my-lake/checkpoints",
    "compute": "existing_cluster",
    "cluster_id": "a-cluster",
    "warehouse_id": "a-warehouse",
    "reader_role_arn": "arn:aws:iam::111122223333:role/cloudtrail-reader",
}
LOGS_KEY = "arn:aws:kms:us-east-1:111122223333:key/of-the-log-files"
TABLES_KEY = "arn:aws:kms:us-east-1:111122223333:key/of-the-tables"
DEPLOYMENT_ROLE = "arn:aws:iam::111122223333:role/databricks"
TRAIL_ACCOUNT = "222233334444"
# What a policy of the page includes that an ingest may not use.
EVERYTHING = {
    "deployment_role_arn": DEPLOYMENT_ROLE,
    "alert_topic_arn": "arn:aws:sns:us-east-1:111122223333:alerts",
    "discovery": "notifications",
}

PAGE = """# The minimum permissions of each identity

Each identity has a policy that you can attach. `make permissions` generates the policies from the lists that
preflight simulates (`iam/reader.py`), for these params:

{params}

`cloudtrail-to-delta permissions --documents FOLDER` writes the same files. With a JSON file of your own
params it writes the policies for them: `--ingest FILE` for an ingest, `--setup FILE` for a set-up. Add
`--logs-key ARN` if the log files have a customer managed KMS key, and `--tables-key ARN` if the tables'
bucket has one.

| identity | policy |
|---|---|
{documents}

Each policy fits into one managed policy (6,144 characters). Replace the names of the example by yours.

## The reader role, with which the cluster reads and writes

The role needs no permission to change or delete log files. Preflight warns if it has one.

`DecryptLogs` is needed only if the log files are encrypted with a customer managed KMS key, and `UseTableKey`
only if the tables' bucket is. If the code root is in a bucket with another key, the role also needs
`kms:Decrypt` on that key.

## The AWS connection, with which Airflow calls AWS

The policy includes the kind `digests`, discovery `notifications`, an alert topic and customer managed KMS
keys. Leave out the statements that you do not use:

| statement | used by |
|---|---|
{purposes}

## Who runs the set-up: the AWS connections of `cloudtrail_setup`

| action | on | for |
|---|---|---|
{setup}

The policies include a new KMS key, a topic and the deployment role.

The set-up's task `preflight` runs the checks of an ingest. For it, the connections of the bucket's and the
reader role's account also need the policy of *The AWS connection*, which `--setup` writes as
`airflow-setup-preflight.json`. Without `warehouse_id` this task does not run.

A removal also finds resources that were created with other params ("found by its tag"). It needs the same
permissions on these resources. After a set-up by hand, or once this DAG has run, none of these permissions
are needed any more.

## How the policies are tested

The sandbox decides about each request with IAM's rules and refuses what a policy does not allow. `make demo`
runs a set-up and an ingest with connections that hold exactly these policies. So do the end-to-end tests of
set-up and completeness. They fail if an action is refused, and if no run uses an action that no other test
needs. Removing an action from a policy makes one of these tests fail:

| policy | test |
|---|---|
{tests}

## The Databricks connection

For the ingest, the connection's principal needs this. The set-up gives it to `ingest_principal`. Preflight
names what is missing, with the SQL that gives it; for compute, it names the page.

| on | needs | for |
|---|---|---|
{catalog}
| the cluster | *Can manage*: *Can restart* starts it, but installs no libraries | submit runs |
| or the cluster policy | *Can use*; without a policy, the entitlement to create clusters | submit runs |
| the SQL warehouse | *Can use* | create and count tables |

Without an instance profile, all of this is needed. With one, the compute reaches S3 by its role, and the rows
of the log files' and the checkpoints' location are not needed. In `hive_metastore` there are no privileges,
and the tables need no location.

For the set-up, which the ingest does not need, the principal must be a workspace admin, to manage instance
profiles, cluster policies and clusters. With Unity Catalog it also needs `CREATE STORAGE CREDENTIAL` and
`CREATE EXTERNAL LOCATION` on the metastore.
"""
# File name → whose policy it is.
DOCUMENTS = {
    "reader-role": "the reader role",
    "reader-role-notifications": "the reader role, in addition, for discovery `notifications`",
    "deployment-role": "the Databricks deployment role, which starts clusters with the reader role",
    "airflow-ingest": "the AWS connection of the ingest",
    "airflow-completeness": "the AWS connection of `cloudtrail_completeness`, without its alerts; unlike the "
    "one of the ingest, it can read the tables' records",
    "alert-publisher": "the AWS connection of the set-up's alerts (`aws_conn_id`)",
    "airflow-setup": "the AWS connection of the set-up, in the account of bucket, reader role and a trail",
    "airflow-setup-trail": "the AWS connection of the set-up, in an account that only has a trail",
}
# Policy → the test that fails without any one of its actions, below `tests/`.
_TESTS = {
    "`airflow-setup`, `airflow-setup-trail`": "setup/test_deployment_role.py",
    "`airflow-setup`, for Auto Loader's leftovers": "setup/databricks/test_auto_ingest.py",
    "`airflow-setup`, for the checks of tables and access": "setup/databricks/test_verify_access.py",
    "`airflow-ingest`, `airflow-completeness`, `alert-publisher`": "preflight/test_connection.py",
    "`reader-role`, but for what is only advised": "setup/databricks/test_real_job.py",
    "`reader-role-notifications`, `deployment-role`": "preflight/test_simulation.py",
}
_IN = "tests/integration/plugins/cloudtrail_to_delta"
# The end-to-end tests: policies → test.
_END_TO_END = {
    "`airflow-setup`, `airflow-setup-trail`, `airflow-ingest`, `reader-role` together": "test_setup.py",
    "`airflow-completeness`": "test_completeness.py",
}


def accesses_of(
    params: Mapping[str, Any], *, logs_key: str = "", tables_key: str = ""
) -> dict[str, list[Access]]:
    """Return the name of each policy of an ingest → its accesses; preflight simulates the same.

    Args:
        params: the params of the ingest; `reader_role_arn` is the ARN of a role.
        logs_key: the ARN of the KMS key of the log files, if they have one.
        tables_key: the ARN of the KMS key of the tables' bucket, if it has one.

    Raises:
        InvalidRequestError: if the params are invalid.
    """
    requests, root = resolve_requests(params), code_root(params)
    role, topic = str(params.get("reader_role_arn") or ""), str(params.get("alert_topic_arn") or "")
    if ":role/" not in role:
        raise InvalidRequestError([f"reader_role_arn is {role!r}: give the ARN of the role itself."])
    deployment = str(params.get("deployment_role_arn") or "")
    notifications = params.get("discovery") == "notifications"
    logs_keys = (logs_key,) if logs_key else ()
    buckets = {S3Location.parse(one.delta_path).bucket: tables_key for one in requests.values() if tables_key}
    connection = connection_access(
        requests,
        code_root=root,
        role=role,
        deployment_role=deployment,
        topic=topic,
        notifications=notifications,
        logs_keys=logs_keys,
        buckets=buckets,
    )
    keys = key_access(requests, logs=dict.fromkeys(requests, logs_keys), buckets=buckets, code_root=root)
    found = {
        "reader-role": required_access(requests, code_root=root) + keys,
        "reader-role-notifications": (
            notification_access(requests, account=role.split(":")[4]) if notifications else []
        ),
        "deployment-role": pass_role(role) if deployment else [],
        "airflow-ingest": connection,
        "airflow-completeness": completeness_access(requests, tables_keys=filter(None, [tables_key])),
        "alert-publisher": [one for one in connection if one.statement == "Alert"],
    }
    return {name: needed for name, needed in found.items() if needed}


def example_accesses() -> dict[str, list[Access]]:
    """Return the name of each policy on the page → its accesses, but for those of the set-up."""
    return accesses_of(EXAMPLE | EVERYTHING, logs_key=LOGS_KEY, tables_key=TABLES_KEY)


def example_needs() -> list[tuple[str, list[str], str]]:
    """Return what the ingest's principal needs in Unity Catalog: object, privileges, purpose."""
    words = {"CATALOG": "the catalog", "SCHEMA": "the schema", "VOLUME": "the volume"}
    of_tables = [
        (f"{words[need.securable]} of the tables", need) for need in table_needs(["main.security.events"])
    ]
    of_code = [
        (f"{words[need.securable]} of the code root", need)
        for need in volume_needs("/Volumes/main/security/code")
    ]
    found = [
        (what, [one.replace("_", " ") for one in need.privileges], need.purpose)
        for what, need in (*of_tables, *of_code)
    ]
    request = resolve_requests(EXAMPLE)["events"]
    for place in places([request]):
        kind = place.what.split()[0].replace("log", "log files").replace("checkpoint", "checkpoints")
        if place.path != request.quarantine_path:
            what = f"the external location of the {kind.replace('table', 'tables')}"
            found.append((what, [one.replace("_", " ") for one in place.privileges], f"use the {kind}"))
    return found


def ingest_documents(
    params: Mapping[str, Any], *, logs_key: str = "", tables_key: str = ""
) -> dict[str, Document]:
    """Return each policy of an ingest by its file name without the suffix. See `accesses_of`."""
    found = accesses_of(params, logs_key=logs_key, tables_key=tables_key)
    return {name: reader_policy(needed) for name, needed in found.items()}


def setup_documents(params: Mapping[str, Any]) -> dict[str, Document]:
    """Return the policies of the set-up's connections by file name: one for each account, and `preflight`'s.

    Raises:
        InvalidRequestError: if the params are invalid.
    """
    request = resolve_setup(params)
    checks = connection_access(
        request.requests,
        code_root=request.code_root,
        role=request.reader_role_arn,
        deployment_role=request.deployment_role_arn,
        notifications=request.discovery == "notifications",
    )
    policies = {f"airflow-setup-{account}": setup_policy(request, account) for account in request.accounts}
    return policies | {"airflow-setup-preflight": reader_policy(checks)}


def example_setup() -> dict[str, Any]:
    """Return params for running the set-up with the same names, and one more trail."""
    given = ("bucket", "account", "regions", "region", "target_root", "checkpoint_root")
    account = str(EXAMPLE["account"])
    connections = {account: "aws_default", TRAIL_ACCOUNT: "aws_trail"}
    more = {"accounts": connections, "kms_key": NEW_KEY, "sns_topic": "cloudtrail-files"}
    more |= {"bucket_account": account, "reader": "instance_profile", "discovery": "listing"}
    more |= {"deployment_role_arn": DEPLOYMENT_ROLE, "tables_kms_key": TABLES_KEY}
    return {name: EXAMPLE[name] for name in given} | more


def documents() -> dict[str, Document]:
    """Return each policy of the page by its file name without the suffix."""
    setup = setup_documents(example_setup())
    found = {name: reader_policy(needed) for name, needed in example_accesses().items()}
    return found | {
        "airflow-setup": setup[f"airflow-setup-{EXAMPLE['account']}"],
        "airflow-setup-trail": setup[f"airflow-setup-{TRAIL_ACCOUNT}"],
    }


def write_documents(folder: Path, made: Mapping[str, Document]) -> None:
    """Write each policy into the folder as a JSON file that can be attached."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in made.items():
        text = json.dumps(document, indent=2)
        (folder / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


def page() -> str:
    """Return the page as Markdown."""
    shown = ("bucket", "account", "regions", "target_root", "checkpoint_root")
    return PAGE.format(
        params="\n".join(f"- `{name}`: `{EXAMPLE[name]}`" for name in shown),
        documents="\n".join(
            f"| {whose} | [{name}.json](permissions/{name}.json) |" for name, whose in DOCUMENTS.items()
        ),
        purposes="\n".join(f"| `{statement}` | {why} |" for statement, why in PURPOSES.items()),
        setup="\n".join(f"| `{action}` | {where} | {why} |" for action, where, why in rows()),
        catalog="\n".join(
            f"| {words} | {', '.join(f'`{one}`' for one in shown)} | {purpose} |"
            for words, shown, purpose in example_needs()
        ),
        tests="\n".join(
            f"| {what} | `{folder}/{path}` |"
            for folder, tests in ((_IN, _TESTS), ("tests/e2e", _END_TO_END))
            for what, path in tests.items()
        ),
    )
