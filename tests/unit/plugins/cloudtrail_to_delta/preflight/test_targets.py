"""The Delta target check, from the keys in a folder to the finding."""

import json

import pytest

from cloudtrail_to_delta.preflight.targets import DeltaLogs, check_target
from tests.unit.plugins.cloudtrail_to_delta.listed_bucket import ListedBucket

SCHEMA = json.dumps(
    {"type": "struct", "fields": [{"name": n, "type": "string"} for n in ("raw", "log_file", "batch_id")]}
)
PATH = "s3://lake/delta/trail"


def check(*keys):
    bucket = ListedBucket(f"delta/{key}" for key in keys)
    return check_target(
        bucket, PATH, columns={}, delta_logs=DeltaLogs(schema=lambda _: SCHEMA, has_rows=bool)
    )


@pytest.mark.parametrize(
    "keys",
    [[], ["trail/"], ["trail_$folder$", "trail/x_$folder$"], ["trail_quarantine/part-0.parquet"], ["trail2"]],
)
def test_a_folder_with_nothing_in_it_is_ok(keys):
    assert (check(*keys).status, check(*keys).detail) == ("ok", "empty")


def test_a_delta_table_is_ok_at_its_version():
    finding = check(
        "trail/part-0.parquet", f"trail/_delta_log/{4:020d}.json", f"trail/_delta_log/{5:020d}.json"
    )
    assert (finding.status, finding.detail) == ("ok", "holds a Delta table at version 5")


def test_other_files_fail_and_the_first_is_named():
    finding = check("trail/", "trail/part-0.parquet", "trail/x.csv")
    assert finding.status == "failed"
    assert finding.subject == PATH
    assert "'delta/trail/part-0.parquet'" in finding.detail
    assert "Choose another Delta path" in finding.remedy


def test_a_log_without_a_commit_is_no_table():
    assert check("trail/_delta_log/.tmp").status == "failed"
