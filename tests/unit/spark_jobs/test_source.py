"""The options of both sources, as data: Auto Loader's can be run on Databricks only."""

import pytest

from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.source import auto_loader_options, file_source_options, on_databricks
from tests.unit.spark_jobs.test_args import argv

ALWAYS = {
    "cloudFiles.format": "binaryFile",
    "cloudFiles.includeExistingFiles": "true",
    "cloudFiles.validateOptions": "true",
    "cloudFiles.maxFilesPerTrigger": "1000",
    "cloudFiles.maxBytesPerTrigger": "1073741824b",
}


@pytest.mark.parametrize(
    ("discovery", "own"),
    [
        ("listing", {}),
        ("file_events", {"cloudFiles.useManagedFileEvents": "true"}),
        (
            "notifications",
            {
                "cloudFiles.useNotifications": "true",
                "cloudFiles.region": "us-east-1",
                "cloudFiles.backfillInterval": "1 day",
            },
        ),
    ],
)
def test_auto_loader_has_exactly_these_options(discovery, own):
    (arguments,) = parse_arguments(argv(discovery=discovery))
    assert auto_loader_options(arguments) == ALWAYS | own


def test_the_file_source_reads_day_folders_and_bounds_the_bytes():
    (arguments,) = parse_arguments(argv(max_bytes_per_trigger="2k"))
    assert file_source_options(arguments) == {
        "recursiveFileLookup": "true",
        "maxFileAge": "36500d",
        "maxBytesPerTrigger": "2048",
        "ignoreMissingFiles": "false",
        "ignoreCorruptFiles": "false",
    }


def test_databricks_is_known_by_its_runtimes_own_variable():
    assert on_databricks({"DATABRICKS_RUNTIME_VERSION": "17.3"})
    assert not on_databricks({})
