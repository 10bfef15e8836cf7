"""docs/permissions.md and docs/permissions/*.json, from the lists that preflight simulates.

`make permissions` writes them.
"""

import json
from pathlib import Path
from typing import Any

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

EXAMPLE = {
    "kinds": ["events", "insights", "digests"],
    "bucket": "my-trail",
    "account": "111122223333",
    "regions": ["*"],
    "region": "us-east-1",
    "target_root": "s3://my-lake/delta",
    "checkpoint_root": "s3://my-lake/checkpoints",
    "cluster_id": "a-cluster",
    "warehouse_id": "a-warehouse",
    "reader_role_arn": "arn:aws:iam::111122223333:role/cloudtrail-reader",
}
LOGS_KEY = "arn:aws:kms:us-east-1:111122223333:key/of-the-log-files"
TABLES_KEY = "arn:aws:kms:us-east-1:111122223333:key/of-the-tables"
DEPLOYMENT_ROLE = "arn:aws:iam::111122223333:role/databricks"
TRAIL_ACCOUNT = "222233334444"
TOPIC = "arn:aws:sns:us-east-1:111122223333:alerts"

PAGE = """# The minimum permissions of each identity

Each identity has a policy that you can attach. `make permissions` generates the policies from the lists that
preflight simulates (`iam/reader.py`), for these params:

{params}

`cloudtrail-to-delta permissions --documents FOLDER` writes the same files.

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
reader role's account also need the policy of *The AWS connection*. Without `warehouse_id` this task does not
run.

A removal also finds resources that were created with other params ("found by its tag"). It needs the same
permissions on these resources. After a set-up by hand, or once this DAG has run, none of these permissions
are needed any more.

## How the policies are tested

The sandbox decides about each request with IAM's rules and refuses what a policy does not allow. Removing an
action from a policy makes one of these tests fail:

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
    "`airflow-ingest`, `alert-publisher`": "preflight/test_connection.py",
    "`reader-role-notifications`, `deployment-role`": "preflight/test_simulation.py",
}
_IN = "tests/integration/plugins/cloudtrail_to_delta"


def example_accesses() -> dict[str, list[Access]]:
    """Return the accesses of each policy on the page, by its name there; preflight simulates the same."""
    requests = resolve_requests(EXAMPLE)
    role = str(EXAMPLE["reader_role_arn"])
    reader = required_access(requests, code_root=code_root(EXAMPLE))
    bucket = S3Location.parse(str(EXAMPLE["target_root"])).bucket
    logs = dict.fromkeys(requests, (LOGS_KEY,))
    root = code_root(EXAMPLE)
    reader += key_access(requests, logs=logs, buckets={bucket: TABLES_KEY}, code_root=root)
    return {
        "reader": reader,
        "notifications": notification_access(requests, account=role.split(":")[4]),
        "deployment": pass_role(role),
        "connection": connection_access(
            requests,
            code_root=code_root(EXAMPLE),
            role=role,
            deployment_role=DEPLOYMENT_ROLE,
            topic=TOPIC,
            notifications=True,
            logs_keys=[LOGS_KEY],
            buckets={bucket: TABLES_KEY},
        ),
    }


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


def example_setup() -> dict[str, dict[str, Any]]:
    """Return account → the policy for running the set-up with the same params, and one more trail."""
    given = ("bucket", "account", "regions", "region", "target_root", "checkpoint_root")
    account = str(EXAMPLE["account"])
    connections = {account: "aws_default", TRAIL_ACCOUNT: "aws_trail"}
    more = {"accounts": connections, "kms_key": NEW_KEY, "sns_topic": "cloudtrail-files"}
    more |= {"bucket_account": account, "reader": "instance_profile", "discovery": "listing"}
    params = {name: EXAMPLE[name] for name in given} | more
    request = resolve_setup(params | {"deployment_role_arn": DEPLOYMENT_ROLE, "tables_kms_key": TABLES_KEY})
    return {one: setup_policy(request, one) for one in connections}


def documents() -> dict[str, dict[str, Any]]:
    """Return each policy by its file name without the suffix."""
    accesses = example_accesses()
    setup = example_setup()
    alert = [one for one in accesses["connection"] if one.statement == "Alert"]
    return {
        "reader-role": reader_policy(accesses["reader"]),
        "reader-role-notifications": reader_policy(accesses["notifications"]),
        "deployment-role": reader_policy(accesses["deployment"]),
        "airflow-ingest": reader_policy(accesses["connection"]),
        "airflow-completeness": reader_policy(
            completeness_access(resolve_requests(EXAMPLE), tables_keys=[TABLES_KEY])
        ),
        "alert-publisher": reader_policy(alert),
        "airflow-setup": setup[str(EXAMPLE["account"])],
        "airflow-setup-trail": setup[TRAIL_ACCOUNT],
    }


def write_documents(folder: Path) -> None:
    """Write each policy into the folder as a JSON file that can be attached."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in documents().items():
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
        tests="\n".join(f"| {what} | `{_IN}/{path}` |" for what, path in _TESTS.items()),
    )
