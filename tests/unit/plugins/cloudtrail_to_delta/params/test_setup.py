"""What the params of the set-up's Databricks part may not be, alone and together."""

import pytest

from cloudtrail_to_delta.errors import InvalidRequestError
from tests.unit.plugins.cloudtrail_to_delta.setup.databricks.test_locations import request


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"databricks_compute": "existing_cluster"}, "give the cluster ID"),
        ({"min_workers": 3, "max_workers": 2}, "max_workers must not be below min_workers"),
        ({"max_workers": 2}, "autoscaling needs at least one worker"),
        ({"autotermination_minutes": 0}, "give a whole number from 10"),
        ({"autotermination_minutes": 20000}, "from 10 to 10000"),
        ({"discovery": "notifications", "access_mode": "USER_ISOLATION"}, "set access_mode to SINGLE_USER"),
        (
            {"reader": "instance_profile", "access_mode": "USER_ISOLATION"},
            "in standard access mode, code cannot use an instance profile: set access_mode to SINGLE_USER",
        ),
        (
            {"databricks_compute": "cluster"},
            "cannot read the job wheel from S3: give a code_root of /Volumes",
        ),
        ({"bucket": "audit.logs"}, "accepts no bucket with a dot in its name"),
        ({"target_root": "s3://my.lake/delta"}, "accepts no bucket with a dot in its name"),
        ({"storage_credential": "a/b"}, "letters, digits, _ and -"),
        ({"databricks_compute": "clusters"}, "Did you mean 'cluster"),
    ],
)
def test_what_cannot_work_is_said(changed, words):
    with pytest.raises(InvalidRequestError, match=words):
        request(**changed)


def test_a_fixed_size_an_autoscaling_one_and_a_single_node_are_sizes():
    for least, most in ((0, 0), (2, 2), (1, 8)):
        request(databricks_compute="none", min_workers=least, max_workers=most)
