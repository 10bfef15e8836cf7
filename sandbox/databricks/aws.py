"""The stand-in's access to AWS: a role in each account, as the service has one in each customer's account."""

from typing import Any

import boto3

from sandbox.aws.seed import ACCOUNT, REGION, client


def account_client(service: str, endpoint: str, arn: str) -> Any:
    """Return a boto3 client of `service` in the account of this ARN."""
    account = arn.split(":")[4]
    if account == ACCOUNT:
        return client(service, endpoint)
    role = f"arn:aws:iam::{account}:role/databricks"
    key = client("sts", endpoint).assume_role(RoleArn=role, RoleSessionName="databricks")["Credentials"]
    make: Any = boto3.client  # its type knows services by literal names only
    return make(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key["SessionToken"],
    )
