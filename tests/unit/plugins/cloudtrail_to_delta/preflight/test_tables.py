"""The table name check: free, ours, or somebody else's."""

import pytest

from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.preflight.tables import Names, check_schema, check_table, check_view
from cloudtrail_to_delta.tables.views import MARK

PATH = "s3://lake/delta/trail"


def refuse(name):
    raise CloudTrailError(f"no warehouse for {name}")


def names(*, location=refuse, properties=refuse, has_schema=refuse):
    return Names(location=location, properties=properties, has_schema=has_schema)


def test_a_free_name_is_ok():
    assert check_table(names(location={}.get), "trail", PATH).detail == "free"


@pytest.mark.parametrize("location", [PATH, f"{PATH}/", "s3a://lake/delta/trail"])
def test_a_name_that_points_at_this_path_is_ok(location):
    finding = check_table(names(location={"trail": location}.get), "trail", PATH)
    assert (finding.status, finding.detail) == ("ok", f"already at {PATH}")


@pytest.mark.parametrize("location", ["s3://lake/delta/other", "dbfs:/user/hive/warehouse/trail"])
def test_a_name_that_is_taken_fails_and_both_places_are_named(location):
    finding = check_table(names(location={"trail": location}.get), "trail", PATH)
    assert finding.status == "failed"
    assert repr(location) in finding.detail
    assert repr(PATH) in finding.detail


def test_the_name_of_a_view_is_not_free_for_a_table():
    finding = check_table(names(location={"trail": ""}.get), "trail", PATH)
    assert (finding.status, finding.detail) == (
        "failed",
        f"is the name of a view, not of a table at {PATH!r}",
    )


@pytest.mark.parametrize(
    ("properties", "status", "said"),
    [
        (None, "ok", "free"),
        ({MARK: "1a2b"}, "ok", "already a view of this pipeline"),
        ({}, "failed", "this pipeline did not create"),
    ],
)
def test_the_name_of_a_view_is_free_or_ours(properties, status, said):
    finding = check_view(names(properties={"trail_files": properties}.get), "trail_files")
    assert finding.status == status
    assert said in finding.detail


def test_a_schema_is_there_or_is_to_be_created():
    there = names(has_schema={"sec"}.__contains__)
    assert check_schema(there, "sec").status == "ok"
    finding = check_schema(there, "secc")
    assert (finding.status, finding.subject) == ("failed", "schema secc")
    assert "CREATE SCHEMA secc" in finding.remedy


def test_a_name_that_cannot_be_asked_for_is_not_a_pass():
    for check in (
        lambda: check_table(names(), "trail", PATH),
        lambda: check_view(names(), "trail_files"),
        lambda: check_schema(names(), "sec"),
    ):
        with pytest.raises(CloudTrailError):
            check()
