"""The files for Databricks that are made of docs/queries.md."""

import json
import re
from itertools import pairwise

import pytest
from databricks.sdk.service.dashboards import Dashboard
from databricks.sdk.service.sql import CreateQueryRequestQuery

from cloudtrail_to_delta.console import main
from cloudtrail_to_delta.reference.queries import PARAMETERS, columns, files, statements
from tests.fixtures.documents import ROOT

PAGE = (ROOT / "docs/queries.md").read_text(encoding="utf-8")
MADE = {name: json.loads(text) for name, text in files(PAGE).items()}
QUERIES = [one["query"] for one in MADE["queries.json"]]
DASHBOARD = MADE["cloudtrail.lvdash.json"]
# What published dashboards have: type of widget → version of its specification.
VERSIONS = {"table": 1, "counter": 2, "bar": 3}


def test_the_files_are_those_of_the_page():
    folder = ROOT / "docs/databricks"
    written = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert written == files(PAGE), "docs/databricks is stale: run `make queries`"


def test_every_statement_of_the_page_is_a_saved_query_that_the_sdk_takes_whole():
    assert len(QUERIES) == PAGE.count("```sql\n") == len(statements(PAGE))
    for query in QUERIES:
        assert CreateQueryRequestQuery.from_dict(query).as_dict() == query
        assert query["display_name"].startswith("CloudTrail: ")
        assert not query["query_text"].endswith(";")


def test_a_statement_about_one_thing_has_it_as_a_parameter():
    asked = {one["display_name"].removeprefix("CloudTrail: "): one for one in QUERIES if "parameters" in one}
    assert asked.keys() == PARAMETERS.keys()
    for query in asked.values():
        (parameter,) = query["parameters"]
        assert f":{parameter['name']}" in query["query_text"]
        assert parameter["text_value"]["value"] not in query["query_text"]


def test_the_dashboard_has_every_other_statement_once_and_all_of_its_columns():
    sdk = Dashboard.from_dict({"display_name": "CloudTrail", "serialized_dashboard": json.dumps(DASHBOARD)})
    assert json.loads(sdk.serialized_dashboard) == DASHBOARD
    titles = [dataset["displayName"] for dataset in DASHBOARD["datasets"]]
    assert titles == [one.title for one in statements(PAGE) if one.title not in PARAMETERS]
    sql = {dataset["name"]: "".join(dataset["queryLines"]) for dataset in DASHBOARD["datasets"]}
    tables = []
    for widget in widgets():
        (query,) = widget["queries"]
        shown = columns(sql[query["query"]["datasetName"]])
        fields = {one["name"]: one["expression"] for one in query["query"]["fields"]}
        assert set(re.findall(r"`(.+?)`", " ".join(fields.values()))) <= set(shown)
        spec = widget["spec"]
        assert spec["version"] == VERSIONS[spec["widgetType"]]
        encodings = spec["encodings"].get("columns") or spec["encodings"].values()
        assert {one["fieldName"] for one in encodings} == fields.keys()
        if spec["widgetType"] == "table":
            tables.append(query["query"]["datasetName"])
            assert list(fields) == shown
    assert tables == list(sql)


def test_the_widgets_of_a_page_have_names_of_their_own_and_do_not_overlap():
    names = [widget["name"] for widget in widgets()] + [page["name"] for page in DASHBOARD["pages"]]
    assert len(names) == len(set(names))
    for page in DASHBOARD["pages"]:
        taken = [
            (x, y)
            for one in page["layout"]
            for x in range(one["position"]["x"], one["position"]["x"] + one["position"]["width"])
            for y in range(one["position"]["y"], one["position"]["y"] + one["position"]["height"])
        ]
        assert len(taken) == len(set(taken))
        assert max(x for x, _ in taken) < 6
        assert all(after["position"]["y"] >= one["position"]["y"] for one, after in pairwise(page["layout"]))


def test_the_dashboard_reads_a_bounded_number_of_days():
    for dataset in DASHBOARD["datasets"]:
        sql = "".join(dataset["queryLines"])
        reads = re.findall(r"`cloudtrail_events_(?:flat|unique)`( WHERE `date` >=)?", sql)
        assert all(reads), sql


def test_the_command_writes_them_for_a_table_of_another_name(tmp_path):
    page = str(ROOT / "docs/queries.md")
    assert main(["queries", page, str(tmp_path), "--table", "main.sec.events_payments", "--days", "7"]) == 0
    for path in tmp_path.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "cloudtrail_events" not in text
        assert "`main`.`sec`.`events_payments_flat`" in text
    assert "CURRENT_DATE(), 7)" in (tmp_path / "cloudtrail.lvdash.json").read_text(encoding="utf-8")


def test_the_command_refuses_what_is_not_the_name_of_a_table(tmp_path, capsys):
    assert main(["queries", str(ROOT / "docs/queries.md"), str(tmp_path / "new"), "--table", "x; DROP"]) == 2
    assert "give table, schema.table or catalog.schema.table" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT a, b.c, COUNT(*) AS n, f(x, 'a, FROM b') AS `d`\nFROM t", ["a", "c", "n", "d"]),
        ("SELECT EXPLODE(ARRAY(CASE WHEN a = '(' THEN 1 END)) AS control, e FROM t", ["control", "e"]),
    ],
)
def test_the_columns_of_a_statement_are_found(sql, names):
    assert columns(sql) == names


def widgets():
    return [one["widget"] for page in DASHBOARD["pages"] for one in page["layout"]]
