"""docs/permissions.md, made of the policies that preflight simulates: `make permissions` writes it."""

import json
from typing import Any

from cloudtrail_to_delta.iam.connection import PURPOSES, connection_access
from cloudtrail_to_delta.iam.notifications import notification_access
from cloudtrail_to_delta.iam.reader import Access, key_access, pass_role, reader_policy, required_access
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.params.request import code_root, resolve_requests
from cloudtrail_to_delta.params.setup import NEW_KEY
from cloudtrail_to_delta.setup.deployment_role import rows, setup_policy
from cloudtrail_to_delta.setup.request import resolve_setup

EXAMPLE = {
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
TOPIC = "arn:aws:sns:us-east-1:111122223333:alerts"

PAGE = """# The least that each identity needs

Made by `make permissions` from the module that preflight simulates (`iam/reader.py`), for
these params:

{params}

## The reader role: what the cluster reads and writes with

It has no right to change or delete a log file; preflight warns when it has one.

```json
{reader}
```

`DecryptLogs` and `UseTableKey` are needed only where the log files, or the tables' bucket, are encrypted with
a KMS key of your own. A code root in a bucket with another key takes `kms:Decrypt` on that key as well.

### For discovery `notifications`, besides

```json
{notifications}
```

## The Databricks deployment role: to start clusters with the reader role

```json
{deployment}
```

## The AWS connection: what Airflow itself asks with

For discovery `notifications`, an alert topic, and KMS keys of your own. Leave out what you do not use:

| statement | for |
|---|---|
{purposes}

```json
{connection}
```

## Who runs the set-up: the AWS connections of `cloudtrail_setup`

| action | on | for |
|---|---|---|
{setup}

The same as a policy, where one account has everything, with a new KMS key, a topic and the deployment role:

```json
{setup_policy}
```

The task `preflight` asks as an ingest does: the connections of the bucket's and the reader's account need the
policy of *The AWS connection* for it as well. Without `warehouse_id` it does not run.

A removal that looks for what other params have made ("found by its tag") needs the same on what it finds. A
deployment that is set up by hand, or by this DAG only once, needs none of these afterwards.

## The Databricks connection

Submit, see and cancel one-time runs; *Can attach to* the cluster (or the right to create one); *Can use* the
SQL warehouse; `USE CATALOG`, `USE SCHEMA` and `CREATE TABLE` in the schema of the tables, `CREATE EXTERNAL
TABLE` on their external location; `BROWSE` on the one of the log bucket, for discovery `file_events`; `WRITE
VOLUME` where the code root is a volume.

For the set-up: workspace admin, for instance profiles, cluster policies and clusters; with Unity Catalog
`CREATE STORAGE CREDENTIAL` and `CREATE EXTERNAL LOCATION` on the metastore. The ingest needs none of these.
"""


def example_accesses() -> dict[str, list[Access]]:
    """What each policy of the page is made of, by its place there; the same is simulated by preflight."""
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


def example_setup() -> dict[str, Any]:
    """The policy of who runs the set-up of the same params."""
    given = ("bucket", "account", "regions", "region", "target_root", "checkpoint_root")
    account = str(EXAMPLE["account"])
    more = {"accounts": {account: "aws_default"}, "kms_key": NEW_KEY, "sns_topic": "cloudtrail-files"}
    params = {name: EXAMPLE[name] for name in given} | more
    request = resolve_setup(params | {"deployment_role_arn": DEPLOYMENT_ROLE, "tables_kms_key": TABLES_KEY})
    return setup_policy(request, account)


def page() -> str:
    """The page, as Markdown."""
    shown = ("bucket", "account", "regions", "target_root", "checkpoint_root")
    return PAGE.format(
        params="\n".join(f"- `{name}`: `{EXAMPLE[name]}`" for name in shown),
        purposes="\n".join(f"| `{statement}` | {why} |" for statement, why in PURPOSES.items()),
        **{name: json.dumps(reader_policy(needed), indent=2) for name, needed in example_accesses().items()},
        setup="\n".join(f"| `{action}` | {where} | {why} |" for action, where, why in rows()),
        setup_policy=json.dumps(example_setup(), indent=2),
    )
