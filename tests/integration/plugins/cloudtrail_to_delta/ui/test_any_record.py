"""Records of other releases, and any JSON at all: they cost what they hold, never a page or an account."""

import json

import pytest
from airflow.providers.common.io.xcom.backend import XComObjectStorageBackend
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from cloudtrail_to_delta.records.outcome import Outcome
from tests.fixtures.metadata import HOUR, RECORDS, Metadata, left_by_release, resolved, validated
from tests.fixtures.pages import pages_of
from tests.integration.plugins.cloudtrail_to_delta.ui.visits import (
    ACCOUNT,
    PREFLIGHT,
    get,
    good_run,
    overview,
)

pytestmark = pytest.mark.anyio
# What the pages read of a run.
READ = [
    ("resolve", "return_value"),
    ("preflight", "return_value"),
    ("preflight", "findings"),
    ("events.submit", "run_page_url"),
    ("events.validate_rows", "return_value"),
    ("events.validate_rows", "details"),
    ("notify", "alerts"),
    ("notify", "alert_targets"),
]
SOUND = {(task, key): value for task, key, value in left_by_release(RECORDS / "0.1.0.json")}
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**30, -1, 1e308, -0.0, "\ud800", "<b>", "http://[", "9999-12-31T23:59:59-23:59"])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None), max_size=8)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def changed(draw, value):
    """A sound record in which one place is something else."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(value)))
        return value | {name: draw(changed(value[name]))}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [draw(changed(value[0])), *value[1:]]
    return draw(JSON)


@st.composite
def any_records(draw):
    """What a run left: for each record the sound one, none, any JSON, or a sound one with an odd place."""
    found = []
    for task, key in READ:
        sound = SOUND[task, key]
        value = draw(st.just(sound) | changed(sound) | JSON)
        if draw(st.integers(0, 9)):
            found.append((task, key, value))
    return found


def storable(value):
    """The value as PostgreSQL takes it: its text has no NUL and no half of a surrogate pair."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [storable(one) for one in value]
    if isinstance(value, dict):
        return {storable(name): storable(one) for name, one in value.items()}
    return value


def replace_xcoms(metadata, dag_id, xcoms):
    """What the DAG's runs left, as text: a driver would refuse to write some of it."""
    is_postgres = metadata.engine.dialect.name == "postgresql"
    with metadata.engine.begin() as connection:
        for task, key, found in xcoms:
            value = storable(found) if is_postgres else found
            connection.execute(
                text("UPDATE xcom SET value = :value WHERE dag_id = :dag AND task_id = :task AND key = :key"),
                {"value": json.dumps(value), "dag": dag_id, "task": task, "key": key},
            )


async def looked_at(metadata, dag):
    """The overview's rows, after every page of the DAG has been opened; none may be an error."""
    app = pages_of(metadata)
    for kind in ("", "events", "insights"):
        answer = await get(app, ACCOUNT, dag_id=dag, kind=kind)
        assert answer.status_code in (200, 404)
        assert "<b>" not in answer.text
    run = f"scheduled__{metadata.now - HOUR:%Y-%m-%dT%H:%M:%S}+00:00"
    assert (await get(app, PREFLIGHT, dag_id=dag, run_id=run, task_id="preflight")).status_code == 200
    return await overview(metadata)


@pytest.mark.parametrize("path", sorted(RECORDS.glob("*.json")), ids=lambda path: path.stem)
async def test_what_a_release_left_is_shown(metadata, path):
    dag = metadata.dag("prod")
    metadata.run(dag, HOUR, xcoms=left_by_release(path))
    (row,) = [row for row in await looked_at(metadata, dag) if " events " in row["Account"]]
    assert row["State"] == "✓ ok"
    assert (row["Rows, 24 h"], row["Files, 24 h"], row["Quarantined"]) == ("2", "1", "1 +1 in 24 h")
    assert row["Alerts"] == "ok"
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag, kind="events")).text
    for said in ("no_event_time", "us-east-1", "there are none", "jobs/runs/1"):
        assert said in page
    assert "cannot be read" not in page


async def test_a_kind_and_fields_of_a_later_release_are_passed_over(metadata):
    dag = metadata.dag("prod")
    later = resolved(("events", "hologram"), tables={"hologram": "holograms"})
    found = [
        ("preflight", "findings", [{**SOUND["preflight", "findings"][1], "severity": 3, "detail": "kept"}])
    ]
    outcome, details = validated(at=metadata.now - HOUR, odd={"invented": [1], "known": {"invented": 2}})
    metadata.run(dag, HOUR, xcoms=[later, *found, outcome, details])
    rows = {row["Account"].split()[1]: row["State"] for row in await looked_at(metadata, dag)}
    assert rows == {"events": "✓ ok", "hologram": "○ skipped"}
    assert "kept" in (await get(pages_of(metadata), ACCOUNT, dag_id=dag, kind="events")).text


async def test_an_odd_record_is_named_and_the_rest_of_its_run_is_shown(metadata):
    dag = metadata.dag("prod")
    good_run(metadata, dag, 2 * HOUR, rows=700)
    good_run(metadata, dag, HOUR, odd={"reasons": ["no", "mapping"]})
    (row,) = await overview(metadata)
    assert row["State"] == "✓ ok 1 unreadable"
    assert row["Rows, 24 h"] == "700"
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag)).text
    assert "Some records cannot be read" in page
    assert "events.validate_rows return_value of 1 run" in page


async def test_a_finding_of_another_release_does_not_hide_the_others(metadata):
    dag = metadata.dag("prod")
    sound = SOUND["preflight", "findings"]
    good_run(
        metadata, dag, xcoms=[resolved(("events",)), ("preflight", "findings", [*sound, {"status": "dire"}])]
    )
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag)).text
    assert "1 of the findings cannot be read" in page
    assert sound[1]["remedy"] in page


# Airflow reads .airflowignore of the plugins with a pattern class that its library has deprecated.
@pytest.mark.filterwarnings("ignore:GitWildMatchPattern")
async def test_figures_outside_the_database_are_those_of_asset_events(metadata, tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH", f"file://{tmp_path}/xcoms")
    monkeypatch.setenv("AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD", "0")
    kept = XComObjectStorageBackend.serialize_value
    dag = metadata.dag("prod")
    stored = [(task, key, kept(SOUND[task, key], task_id=task, key=key)) for task, key in READ]
    metadata.run(dag, HOUR, xcoms=stored)
    (row,) = await looked_at(metadata, dag)
    assert row["State"] == "✓ ok"
    assert row["Rows, 24 h"] == "–"  # noqa: RUF001 - nobody knows
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag)).text
    assert "Unknown: the figures of 1 run are not in Airflow's database" in page
    run = f"scheduled__{metadata.now - HOUR:%Y-%m-%dT%H:%M:%S}+00:00"
    outcome = Outcome.from_dict(SOUND["events.validate_rows", "return_value"])
    metadata.report(dag, run, outcome, at=metadata.now - HOUR / 2)
    (row,) = await looked_at(metadata, dag)
    assert (row["State"], row["Rows, 24 h"]) == ("✓ ok", str(outcome.run_rows))
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag)).text
    assert outcome.table in page
    assert "are not in Airflow's database" not in page.partition("Findings")[0]
    answer = await get(pages_of(metadata), PREFLIGHT, dag_id=dag, run_id=run, task_id="preflight")
    assert answer.status_code == 200
    assert "not in Airflow's database" in answer.text


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(xcoms=any_records())
async def test_no_record_makes_a_page_an_error_or_hides_another_account(two_accounts, xcoms):
    odd, _ = two_accounts.dags
    replace_xcoms(two_accounts, odd, xcoms)
    rows = await looked_at(two_accounts, odd)
    names = [row["Account"].split()[0] for row in rows]
    assert "odd" in names
    (row,) = [row for row in rows if row["Account"].startswith("sound events")]
    assert (row["State"], row["Rows, 24 h"]) == ("✓ ok", "2")


@pytest.fixture
def two_accounts(new_database, secret):
    """Two accounts, each with a run of this release."""
    found = Metadata(new_database())
    found.dags = [found.dag(name) for name in ("odd", "sound")]
    for dag in found.dags:
        found.run(dag, HOUR, xcoms=[(task, key, SOUND[task, key]) for task, key in READ])
    yield found
    found.engine.dispose()
