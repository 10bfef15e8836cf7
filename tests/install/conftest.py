"""Fixtures for the session: the built distribution, and one environment for each case."""

import pytest

from tests.install.environments import CASES, build_distribution, make


@pytest.fixture(scope="session")
def distribution(tmp_path_factory):
    """Build the distribution's wheel from this checkout."""
    return build_distribution(tmp_path_factory.mktemp("distribution"))


@pytest.fixture(scope="session", params=CASES, ids=lambda case: case.name)
def environment(request, distribution, tmp_path_factory):
    """Create a fresh environment with the distribution and, from this checkout, only copied DAG files."""
    return make(request.param, distribution, tmp_path_factory.mktemp(request.param.name))
