"""An account of the sandbox with log files, and preflight on it over HTTP."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

from cloudtrail_to_delta.hooks.databricks import IngestHook
from cloudtrail_to_delta.params.request import resolve_requests
from cloudtrail_to_delta.preflight import PreflightReport, run_preflight
from cloudtrail_to_delta.preflight.clients import Clients
from cloudtrail_to_delta.preflight.tables import Names
from cloudtrail_to_delta.preflight.targets import delta_logs_of
from sandbox.aws.seed import LAKE_BUCKET, LOGS_BUCKET, Seeded

NOW = datetime.now(UTC)
ACCOUNT = "111122223333"
OWN_RUN = "(cloudtrail_ingest, manual__1)"
FOLDERS = {"events": "CloudTrail", "insights": "CloudTrail-Insight"}


@dataclass
class Account:
    """A seeded AWS account and the params of an ingest in it."""

    aws: Any
    s3: Any
    iam: Any
    seeded: Seeded

    def deliver(self, kind="events", *, account=ACCOUNT, region="us-east-1", age=timedelta(hours=1), root=""):
        """Put one log file, delivered `age` ago."""
        moment = NOW - age
        folder = FOLDERS[kind]
        name = f"{account}_{folder}_{region}_{moment:%Y%m%dT%H%MZ}_a1b2c3d4e5f6g7h8.json.gz"
        key = f"{root}AWSLogs/{account}/{folder}/{region}/{moment:%Y/%m/%d}/{name}"
        self.s3.put_object(Bucket=LOGS_BUCKET, Key=key, Body=b"")

    def validate_log_files(self, *, account=ACCOUNT):
        """Put a digest file, as a trail with log file validation has."""
        key = f"AWSLogs/{account}/CloudTrail-Digest/us-east-1/{NOW:%Y/%m/%d}/digest.json.gz"
        self.s3.put_object(Bucket=LOGS_BUCKET, Key=key, Body=b"")

    def encrypt_logs(self, key):
        """Every log file again, with a KMS key."""
        for entry in self.s3.list_objects_v2(Bucket=LOGS_BUCKET)["Contents"]:
            self.s3.put_object(
                Bucket=LOGS_BUCKET,
                Key=entry["Key"],
                Body=b"",
                ServerSideEncryption="aws:kms",
                SSEKMSKeyId=key,
            )

    def allow(self, action, resource, **more):
        """Give the reader role one more right."""
        statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
        self.iam.put_role_policy(
            RoleName=self.seeded.reader_role_arn.rpartition("/")[2],
            PolicyName="more",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    def put(self, key, body=b"x"):
        """Put one object into the lake."""
        self.s3.put_object(Bucket=LAKE_BUCKET, Key=key, Body=body)

    def table(self, path, columns, *, rows=0):
        """Put the first commit of a Delta table into the lake; `columns` are name → Delta type."""
        fields = [
            {"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in columns.items()
        ]
        metadata = {
            "id": "t",
            "format": {"provider": "parquet", "options": {}},
            "partitionColumns": [],
            "schemaString": json.dumps({"type": "struct", "fields": fields}),
            "configuration": {},
        }
        protocol = {"minReaderVersion": 1, "minWriterVersion": 2}
        lines = [json.dumps({"protocol": protocol}), json.dumps({"metaData": metadata})]
        if rows:
            added = {"path": "part-0.parquet", "size": 1, "partitionValues": {}, "modificationTime": 0}
            added |= {"dataChange": True, "stats": json.dumps({"numRecords": rows})}
            lines.append(json.dumps({"add": added}))
        self.put(f"{path}/_delta_log/{0:020d}.json", "\n".join(lines).encode())

    def params(self, **changed):
        """The params of a sound request, with some of them changed."""
        return {
            "bucket": LOGS_BUCKET,
            "account": ACCOUNT,
            "regions": ["*"],
            "region": "us-east-1",
            "target_root": f"s3://{LAKE_BUCKET}/delta",
            "checkpoint_root": f"s3://{LAKE_BUCKET}/checkpoints",
            "compute": "existing_cluster",
            "cluster_id": "sandbox-cluster",
            "warehouse_id": "sandbox-warehouse",
            "reader_role_arn": self.seeded.reader_role_arn,
        } | changed

    def preflight(
        self, *, table_location={}.get, properties={}.get, schemas=(), own_run=OWN_RUN, **changed
    ) -> PreflightReport:
        """Run every check; names are free, and there are no schemas, unless these say otherwise."""
        params = self.params(**changed)
        hook = AwsBaseHook("aws_default", client_type="s3")
        self.aws.forget_requests()
        return run_preflight(
            resolve_requests(params),
            params,
            aws=Clients.connect("aws_default", "us-east-1"),
            names=Names(location=table_location, properties=properties, has_schema=schemas.__contains__),
            delta_logs=delta_logs_of(hook),
            databricks=IngestHook(),
            own_run=own_run,
            now=NOW,
        )


@pytest.fixture
def account(aws, connections):
    """A fresh account with one recent log file of each kind."""
    seeded = aws.reset()
    fresh = Account(aws=aws, s3=aws.client("s3"), iam=aws.client("iam"), seeded=seeded)
    fresh.deliver("events")
    fresh.deliver("insights")
    fresh.validate_log_files()
    return fresh


@pytest.fixture(scope="module")
def account_of_roles(aws):
    """What was seeded, and IAM of that account."""
    return aws.reset(), aws.client("iam")
