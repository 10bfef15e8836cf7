"""Any path and any query of the pages: never an error of ours, and nothing of it is markup."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudtrail_to_delta.ui.listing import COLUMNS
from tests.fixtures.pages import pages_of
from tests.integration.plugins.cloudtrail_to_delta.ui.visits import (
    ACCOUNT,
    GUIDANCE,
    OVERVIEW,
    PREFLIGHT,
    get,
)

pytestmark = pytest.mark.anyio
MARK = "\"><b id=x>'</script>"
TEXTS = st.sampled_from(
    [
        MARK,
        "",
        "\0",
        "9" * 5000,
        "-1",
        "٣",
        "failed",
        "events",
        "-rows",
        "cloudtrail_ingest__prod_eu",
        *COLUMNS,
    ]
) | st.text(max_size=20)
NAMES = ("q", "state", "kind", "sort", "page", "dag_id", "run_id", "task_id", "table", "unknown")
PATHS = st.sampled_from([OVERVIEW, ACCOUNT, PREFLIGHT, GUIDANCE]) | st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12
).map(lambda name: f"/cloudtrail/{name}")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS, query=st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=6))
async def test_no_address_is_an_error_of_ours_and_none_of_it_is_markup(made_up, path, query):
    answer = await get(pages_of(made_up), path.replace("?", "%3F").replace("#", "%23"), **query)
    assert answer.status_code < 500
    assert "<b id=x>" not in answer.text
    if answer.status_code != 307:
        assert answer.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_an_address_that_names_nothing_says_what_it_lacks(made_up):
    answer = await get(pages_of(made_up), ACCOUNT)
    assert answer.status_code == 400
    assert "The URL lacks the parameter dag_id." in answer.text
