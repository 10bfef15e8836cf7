"""docs/permissions.md, made of the policies that preflight simulates: `make permissions` writes it."""

import json
import sys

from cloudtrail.locations import S3Location
from cloudtrail.notification_policy import notification_access
from cloudtrail.policies import Access, key_access, pass_role, reader_policy, required_access
from cloudtrail.request import code_root, resolve_requests
from cloudtrail.setup.permissions import rows

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

PAGE = """# The least that each identity needs

Made by `make permissions` from the module that preflight simulates (`plugins/cloudtrail/policies.py`), for
these params:

{params}

## The reader role: what the cluster reads and writes with

It has no right to change or delete a log file; preflight warns when it has one.

```json
{reader}
```

`DecryptLogs` and `UseTableKey` are needed only where the log files, or the tables' bucket, are encrypted with
a KMS key of your own.

### For discovery `notifications`, besides

```json
{notifications}
```

## The Databricks deployment role: to start clusters with the reader role

```json
{deployment}
```

## The AWS connection: what Airflow itself asks with

| action | on | for |
|---|---|---|
{connection}

## Who runs the set-up: the AWS connections of `cloudtrail_setup`

| action | on | for |
|---|---|---|
{setup}

A deployment that is set up by hand, or by this DAG only once, needs none of these afterwards.

## The Databricks connection

Submit, see and cancel one-time runs; *Can attach to* the cluster (or the right to create one); *Can use* the
SQL warehouse; `USE CATALOG`, `USE SCHEMA` and `CREATE TABLE` in the schema of the tables, `CREATE EXTERNAL
TABLE` on their external location; `BROWSE` on the one of the log bucket, for discovery `file_events`; `WRITE
VOLUME` where the code root is a volume.

For the set-up: workspace admin, for instance profiles, cluster policies and clusters; with Unity Catalog
`CREATE STORAGE CREDENTIAL` and `CREATE EXTERNAL LOCATION` on the metastore. The ingest needs none of these.
"""

CONNECTION = (
    ("s3:ListBucket", "the log bucket, the tables' bucket", "preflight, the wait for the first commit"),
    (
        "s3:GetObject",
        "the tables' `_delta_log/*`, checkpoints' `owner/*`, log files",
        "preflight, row counts",
    ),
    ("s3:PutObject", "the code root", "stage_code"),
    ("s3:GetEncryptionConfiguration", "both buckets", "preflight: which KMS key"),
    ("s3:GetBucketPolicy, kms:GetKeyPolicy", "the buckets, their KMS keys", "preflight, with the role's own"),
    ("s3:GetBucketNotification", "the log bucket, for discovery `notifications`", "preflight"),
    ("kms:DescribeKey", "a key that is given by id or alias", "preflight"),
    ("kms:Decrypt", "the tables' KMS key, where there is one", "row counts from the Delta log"),
    ("iam:SimulatePrincipalPolicy", "the reader role, and the deployment role when it is given", "preflight"),
    (
        "iam:GetInstanceProfile, iam:GetRole",
        "the reader role, when it is given as instance profile or session; the cluster's instance profile",
        "preflight",
    ),
    ("sns:Publish", "the alert topic", "alerts"),
)


def example_accesses() -> dict[str, list[Access]]:
    """What each policy of the page is made of, by its place there; the same is simulated by preflight."""
    requests = resolve_requests(EXAMPLE)
    role = str(EXAMPLE["reader_role_arn"])
    reader = required_access(requests, code_root=code_root(EXAMPLE))
    bucket = S3Location.parse(str(EXAMPLE["target_root"])).bucket
    reader += key_access(requests, logs=dict.fromkeys(requests, (LOGS_KEY,)), buckets={bucket: TABLES_KEY})
    return {
        "reader": reader,
        "notifications": notification_access(requests, account=role.split(":")[4]),
        "deployment": pass_role(role),
    }


def page() -> str:
    """The page, as Markdown."""
    shown = ("bucket", "account", "regions", "target_root", "checkpoint_root")
    return PAGE.format(
        params="\n".join(f"- `{name}`: `{EXAMPLE[name]}`" for name in shown),
        connection="\n".join(f"| `{action}` | {where} | {why} |" for action, where, why in CONNECTION),
        **{name: json.dumps(reader_policy(needed), indent=2) for name, needed in example_accesses().items()},
        setup="\n".join(f"| `{action}` | {where} | {why} |" for action, where, why in rows()),
    )


if __name__ == "__main__":
    sys.stdout.write(page())
