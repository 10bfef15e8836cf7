"""`cloudtrail-to-delta acceptance aws`: the probe on the command line.

It uses the credentials and endpoints of the AWS SDK (`AWS_PROFILE`, `AWS_ENDPOINT_URL`, …), not Airflow's.
"""

import json
import sys
from functools import cache

from cloudtrail_to_delta.acceptance.aws import probe_aws


def run_aws(*, bucket: str, role: str, region: str) -> int:
    """Ask AWS and print the redacted answers as JSON.

    Args:
        bucket: the log bucket.
        role: the reader role's ARN; empty to simulate nothing.
        region: the region of the bucket and the trails.

    Returns:
        0 if AWS answered any call, 2 if it answered none.
    """
    import boto3

    session = boto3.Session(region_name=region)
    entries = probe_aws(cache(session.client), bucket=bucket, role=role)
    json.dump(entries, sys.stdout, indent=1)
    sys.stdout.write("\n")
    if any(entry["status"] for entry in entries):
        return 0
    sys.stderr.write("AWS answered no call. Check credentials, region and network.\n")
    return 2
