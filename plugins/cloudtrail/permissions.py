"""docs/permissions.md, made of the policies that preflight simulates: `make permissions` writes it."""

import json
import sys

from cloudtrail.locations import S3Location
from cloudtrail.policies import key_access, reader_policy, required_access
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
        "the tables' `_delta_log/*`, checkpoints' `owner/*`, one log file",
        "preflight, row counts",
    ),
    ("s3:PutObject", "the code root", "stage_code"),
    ("s3:GetEncryptionConfiguration", "the tables' bucket", "preflight: which KMS key"),
    ("s3:GetBucketPolicy, kms:GetKeyPolicy", "the buckets, their KMS keys", "preflight, with the role's own"),
    ("kms:DescribeKey", "a key that is given by id or alias", "preflight"),
    ("kms:Decrypt", "the tables' KMS key, where there is one", "row counts from the Delta log"),
    ("iam:SimulatePrincipalPolicy", "the reader role", "preflight"),
    ("iam:GetInstanceProfile, iam:GetRole", "the reader role, when it is given as one of these", "preflight"),
    ("sns:Publish", "the alert topic", "alerts"),
)


def page() -> str:
    """The page, as Markdown."""
    requests = resolve_requests(EXAMPLE)
    accesses = required_access(requests, code_root=code_root(EXAMPLE))
    bucket = S3Location.parse(str(EXAMPLE["target_root"])).bucket
    accesses += key_access(requests, logs=dict.fromkeys(requests, LOGS_KEY), buckets={bucket: TABLES_KEY})
    shown = ("bucket", "account", "regions", "target_root", "checkpoint_root")
    return PAGE.format(
        params="\n".join(f"- `{name}`: `{EXAMPLE[name]}`" for name in shown),
        reader=json.dumps(reader_policy(accesses), indent=2),
        connection="\n".join(f"| `{action}` | {where} | {why} |" for action, where, why in CONNECTION),
        setup="\n".join(f"| `{action}` | {where} | {why} |" for action, where, why in rows()),
    )


if __name__ == "__main__":
    sys.stdout.write(page())
