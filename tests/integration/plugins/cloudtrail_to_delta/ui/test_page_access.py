"""Who may see the pages of the tables' state, and that they load nothing from elsewhere."""

import base64
import hashlib
import re

import pytest
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity

from cloudtrail_plugin import CloudTrailPlugin
from tests.fixtures.pages import pages_of
from tests.integration.plugins.cloudtrail_to_delta.ui.visits import ACCOUNT, OVERVIEW, get, good_run

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", [OVERVIEW, f"{ACCOUNT}?dag_id=cloudtrail_ingest__prod&kind=events"])
@pytest.mark.parametrize(("role", "status"), [(None, 401), ("none", 403), ("VIEWER", 200)])
async def test_the_anonymous_and_the_unprivileged_get_nothing(metadata, path, role, status):
    good_run(metadata, metadata.dag("prod"))
    answer = await get(pages_of(metadata), path, role)
    assert answer.status_code == status
    for secret in ("cloudtrail_events", "111122223333", "us-east-1"):
        assert (secret in answer.text) == (status == 200)


@pytest.mark.parametrize(
    ("role", "words"),
    [(None, "Not authenticated: sign in to Airflow"), ("none", "Forbidden|permission to read")],
)
async def test_who_is_refused_is_told_so_in_a_page_that_loads_nothing(metadata, role, words):
    answer = await get(pages_of(metadata), OVERVIEW, role)
    assert answer.headers["content-type"].startswith("text/html")
    assert re.search(words, re.sub("<[^>]+>", "", answer.text))
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_who_has_no_rights_is_refused_also_while_there_is_no_dag(metadata):
    app = pages_of(metadata)
    assert (await get(app, OVERVIEW, "none")).status_code == 403
    answer = await get(app, OVERVIEW)
    assert answer.status_code == 200
    assert "Nothing has run yet" in answer.text


async def test_the_entry_in_airflows_navigation_leads_to_the_overview(metadata):
    (view,) = CloudTrailPlugin.external_views
    assert (view["destination"], view["href"]) == ("nav", OVERVIEW.lstrip("/"))
    assert (await get(pages_of(metadata), f"/{view['href']}")).status_code == 200


async def test_a_user_sees_only_the_dags_that_they_may_read_whoever_asked_before(metadata, one_dag):
    for name in ("first", "second"):
        good_run(metadata, metadata.dag(name), table=f"{name}_events", xcoms=())
    app = pages_of(metadata)
    for mine, other in (("first", "second"), ("second", "first")):
        one_dag(f"cloudtrail_ingest__{mine}")
        listed = (await get(app, OVERVIEW)).text
        assert f"{mine}_events" in listed
        assert f"{other}_events" not in listed
        assert f"__{other}" not in listed
        assert (await get(app, ACCOUNT, dag_id=f"cloudtrail_ingest__{mine}")).status_code == 200
        hidden = await get(app, ACCOUNT, dag_id=f"cloudtrail_ingest__{other}")
        missing = await get(app, ACCOUNT, dag_id="cloudtrail_ingest__nowhere")
        assert hidden.status_code == missing.status_code == 404
        assert f"{other}_events" not in hidden.text


async def test_the_auth_manager_gets_three_questions_for_any_number_of_dags_and_no_connection_waits_for_it(
    metadata, networked
):
    for number in range(12):
        good_run(metadata, metadata.dag(f"a{number}"))
    assert (await get(pages_of(metadata), OVERVIEW)).status_code == 200
    # Each account has an ingest and a completeness check.
    asked = ["DAGs: 24", "RUN of None", "XCOM of None"]
    assert networked.questions == [f"{question}, connections: 0" for question in asked]


async def test_who_may_read_the_xcoms_of_some_dags_sees_those(metadata, networked):
    for name in ("first", "second"):
        good_run(metadata, metadata.dag(name), table=f"{name}_events", xcoms=())
    xcoms = DagAccessEntity.XCOM
    networked.refused |= {(xcoms, None), (xcoms, "cloudtrail_ingest__second")}
    listed = (await get(pages_of(metadata), OVERVIEW)).text
    assert "first_events" in listed
    assert "second_events" not in listed


async def test_nothing_is_loaded_from_elsewhere_and_only_our_own_style_and_script_may_run(made_up):
    answer = await get(pages_of(made_up), OVERVIEW)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert "style=" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
