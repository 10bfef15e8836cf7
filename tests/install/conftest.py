"""The built distribution, and one environment for each case, made once for the session."""

import pytest

from tests.install.environments import CASES, build_distribution, make


@pytest.fixture(scope="session")
def distribution(tmp_path_factory):
    """The distribution's wheel, built from this checkout."""
    return build_distribution(tmp_path_factory.mktemp("distribution"))


@pytest.fixture(scope="session", params=CASES, ids=lambda case: case.name)
def environment(request, distribution, tmp_path_factory):
    """A fresh environment with the distribution and nothing of this checkout but copied DAG files."""
    return make(request.param, distribution, tmp_path_factory.mktemp(request.param.name))
