"""The options of both sources, as data: Auto Loader's can be run on Databricks only."""

from dataclasses import fields

import pytest

from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.checkpoint import UNSTATED_GLOBBER, Owner
from cloudtrail_jobs.source import (
    GLOBBER,
    auto_loader_options,
    file_source_options,
    name,
    on_databricks,
)
from cloudtrail_to_delta.preflight import checkpoints as preflight
from tests.unit.spark_jobs.test_args import argv

ALWAYS = {
    "cloudFiles.format": "binaryFile",
    "cloudFiles.includeExistingFiles": "true",
    "cloudFiles.validateOptions": "true",
    "cloudFiles.useStrictGlobber": "true",
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
    assert auto_loader_options(arguments, GLOBBER) == ALWAYS | own


def test_a_stream_of_an_earlier_release_keeps_the_globber_that_it_began_with():
    (arguments,) = parse_arguments(argv())
    options = auto_loader_options(arguments, UNSTATED_GLOBBER)
    assert options == ALWAYS | {"cloudFiles.useStrictGlobber": "false"}


def test_a_checkpoints_marker_says_what_preflight_looks_for(monkeypatch):
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    assert name() == preflight.AUTO_LOADER
    assert {*preflight.IDENTITY, "source", "globber"} <= {field.name for field in fields(Owner)}


def test_the_file_source_reads_day_folders_and_bounds_the_bytes():
    (arguments,) = parse_arguments(argv(max_bytes_per_trigger="2k"))
    assert file_source_options(arguments) == {
        "recursiveFileLookup": "true",
        "maxFileAge": "36500d",
        "maxBytesPerTrigger": "2048",
        "ignoreMissingFiles": "true",
        "ignoreCorruptFiles": "false",
    }


def test_databricks_is_known_by_its_runtimes_own_variable():
    assert on_databricks({"DATABRICKS_RUNTIME_VERSION": "17.3"})
    assert not on_databricks({})
