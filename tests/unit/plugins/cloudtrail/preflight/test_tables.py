"""The table name check: free, ours, or somebody else's."""

import pytest

from cloudtrail.errors import CloudTrailError
from cloudtrail.preflight.tables import check_table

PATH = "s3://lake/delta/trail"


def test_a_free_name_is_ok():
    assert check_table({}.get, "trail", PATH).detail == "free"


@pytest.mark.parametrize("location", [PATH, f"{PATH}/", "s3a://lake/delta/trail"])
def test_a_name_that_points_at_this_path_is_ok(location):
    finding = check_table({"trail": location}.get, "trail", PATH)
    assert (finding.status, finding.detail) == ("ok", f"already at {PATH}")


@pytest.mark.parametrize("location", ["s3://lake/delta/other", "dbfs:/user/hive/warehouse/trail", ""])
def test_a_name_that_is_taken_fails_and_both_places_are_named(location):
    finding = check_table({"trail": location}.get, "trail", PATH)
    assert finding.status == "failed"
    assert repr(location) in finding.detail
    assert repr(PATH) in finding.detail


def test_a_name_that_cannot_be_asked_for_is_not_a_pass():
    def refuse(name):
        raise CloudTrailError(f"no warehouse for {name}")

    with pytest.raises(CloudTrailError):
        check_table(refuse, "trail", PATH)
