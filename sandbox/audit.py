"""The audit of the demo: the product's command, on the digests that the sandbox's CloudTrail has signed."""

import json
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sandbox.airflow import inherited
from sandbox.aws.seed import CREDENTIALS, REGION
from sandbox.errors import SandboxError
from sandbox.sample_logs import SampleSpec, generate
from sandbox.spark import ROOT


def audit(aws_url: str, bucket: str, delta_path: str, samples: SampleSpec) -> dict[str, Any]:
    """Run `cloudtrail-to-delta audit` for the whole days of the samples' events and return what it says.

    Raises:
        SandboxError: when it could not check.
    """
    first, last = days(samples)
    words = ["audit", f"s3://{bucket}/AWSLogs/*/CloudTrail/*/*", delta_path, "--from", first, "--until", last]
    done = subprocess.run(
        [sys.executable, "-m", "cloudtrail_to_delta", *words, "--json"],
        env=inherited(
            {
                "PYTHONPATH": str(ROOT / "plugins"),
                "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
                "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ENDPOINT_URL": aws_url,
            }
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise SandboxError(f"the audit failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def days(samples: SampleSpec) -> tuple[str, str]:
    """The first and the last day of an audit: from the first whole day of deliveries to the last."""
    return f"{samples.start + timedelta(days=1):%Y-%m-%d}", f"{samples.until:%Y-%m-%d}"


def promised(samples: SampleSpec) -> Counter[str]:
    """How many log files of events have each verdict: a file that was cut is not what CloudTrail signed."""
    first, last = days(samples)
    return Counter(
        "altered" if file.defect == "truncated_gzip" else "proven"
        for file in generate(samples)
        if file.kind == "events" and first <= f"{file.delivered:%Y-%m-%d}" <= last
    )


def differences(found: dict[str, Any], samples: SampleSpec) -> list[str]:
    """What of an audit is not as the sample logs promise, in words."""
    problems = []
    if found["files"] != (wanted := dict(promised(samples))):
        problems.append(f"the audit says {found['files']} of the log files, the sample logs promise {wanted}")
    if found["hours"].get("gap") or found["digests"]:
        problems.append(f"the audit misses digests: {found['hours']}, {found['digests']}")
    return problems


def render(found: dict[str, Any]) -> str:
    """The audit for a person."""
    first, last = found["from"][:10], datetime.fromisoformat(found["until"]) - timedelta(days=1)
    files = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(found["files"].items()))
    lines = [
        f"CloudTrail's signed digests, {first} to {last:%Y-%m-%d}: log files: {files}",
        *(f"  {one['verdict']}: {one['log_file']}: {one['detail']}" for one in found["not_proven"]),
    ]
    return "\n".join(lines)
