"""The auditor's tool with each case that the job's views are tested with, too."""

import dataclasses
from datetime import timedelta

import pytest

from tests.fixtures.trail_cases import CASES, Keys
from tests.fixtures.trails import DAY


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_audit_finds(case, trail, cloudtrail_key, next_key, other_key):
    keys = Keys(cloudtrail_key, next_key, other_key)
    trail = dataclasses.replace(trail, keys=keys.public)
    expected = case(trail, keys)
    audit = trail.audit(first=expected.first)
    assert {one.log_file: one.verdict for one in audit.not_proven} == expected.verdicts
    assert audit.files["late"] == expected.late
    gaps = [(one.start - DAY) // timedelta(hours=1) for one in audit.not_covered if one.state == "gap"]
    assert gaps == list(expected.gaps)
    said = {one.uri if "://" in one.uri else trail.uri(one.uri): one.problem for one in audit.digests}
    assert said.keys() == expected.digests.keys()
    assert all(part in said[uri] for uri, part in expected.digests.items())
