"""The metrics' page, Grafana's files and the mappings of StatsD are about the metrics that tasks send."""

import itertools
import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics.stats_utils import NoStatsLogger

from cloudtrail_to_delta.records.completeness import Completeness, Signatures
from cloudtrail_to_delta.records.outcome import Outcome
from cloudtrail_to_delta.reference.metrics import page
from cloudtrail_to_delta.runs.metrics import (
    CHECK_METRICS,
    DAG_METRICS,
    TABLE_METRICS,
    send_completeness_metrics,
    send_dag_metrics,
    send_metrics,
)

ROOT = Path(__file__).resolve().parents[3]
GRAFANA = ROOT / "docs/reference/grafana"
DASHBOARD = json.loads((GRAFANA / "dashboard.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((GRAFANA / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
MAPPINGS = yaml.safe_load((GRAFANA / "statsd-mappings.yaml").read_text(encoding="utf-8"))["mappings"]
DECLARED = [*TABLE_METRICS, *DAG_METRICS, *CHECK_METRICS]
PARAMS = {"account": "111122223333"}
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
GOOD = Outcome(
    kind="events", table="main.security.trail", slowest_seconds=90, databricks_seconds=240, newest_file=NOW
)
GAPS = Completeness(kind="events", table="main.security.trail", gap_count=2, files={"missing": 3})
DIGESTS = Completeness(
    kind="digests", table="main.security.digests", signed=Signatures(as_of=NOW, hours={"gap": 2})
)


@pytest.fixture
def sent():
    """What goes to Airflow's metrics, as name and value; names are without Airflow's prefix."""
    found = []

    class Kept(NoStatsLogger):
        @classmethod
        def gauge(cls, stat, value, *_, **__):
            found.append((stat, value))

    stats.initialize(factory=Kept, export_legacy_names=True)
    yield found
    stats.initialize(factory=NoStatsLogger, export_legacy_names=True)


def send(outcome=GOOD, failed=(), checks=(GAPS, DIGESTS)):
    send_metrics([outcome], PARAMS, dag_id="cloudtrail_ingest__prod")
    send_dag_metrics(failed, PARAMS, dag_id="cloudtrail_ingest__prod")
    send_completeness_metrics(checks, PARAMS, dag_id="cloudtrail_completeness__prod")


def mapped(name):
    """Return a StatsD name as statsd_exporter maps it: name and labels; None if it drops it.

    Source: its README, "Glob matching": `*` is one part between dots, and the first match counts.
    """
    for one in MAPPINGS:
        pattern = re.escape(one["match"]).replace(r"\*", "([^.]*)")
        if match := re.fullmatch(pattern, name):
            if one.get("action") == "drop":
                return None
            return expanded(one["name"], match), {
                key: expanded(text, match) for key, text in one["labels"].items()
            }
    raise AssertionError(name)


def expanded(text, match):
    """Fill in a template as Go does: in `$4_x` the name is `4_x`, which is nothing.

    Source: Go, regexp.Regexp.Expand: the longest sequence of letters, digits and underscores is the name.
    """

    def part(found):
        name = found[1] or found[2]
        return match[int(name)] if name.isdecimal() else ""

    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", part, text)


def in_prometheus(name):
    return f"airflow_cloudtrail_{name.replace('.', '_')}"


def test_the_page_is_made_of_the_declared_metrics():
    written = (ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8")
    assert written == page(), "docs/reference/metrics.md is stale: run `make metrics`"


def test_names_follow_opentelemetry_and_say_their_unit_as_prometheus_asks():
    for metric in DECLARED:
        assert re.fullmatch(r"[a-z]+\.[a-z]+(_[a-z]+)*", metric.name)
        assert (metric.unit == "s") == metric.name.endswith("_seconds"), metric.name
    names = [metric.name for metric in DECLARED]
    assert len(set(names)) == len(names)


def test_statsd_and_opentelemetry_come_to_one_name_in_prometheus_with_account_and_table_as_labels(sent):
    send()
    untagged = [name for name, _ in sent if mapped(f"airflow.{name}") is None]
    tagged = [found for name, _ in sent if (found := mapped(f"airflow.{name}"))]
    assert {in_prometheus(name.removeprefix("cloudtrail.")) for name in untagged} == {
        name for name, _ in tagged
    }
    assert {name.removeprefix("cloudtrail.") for name in untagged} >= {
        one.name for one in DECLARED if not one.name.endswith("proven_files")
    }
    for name, labels in tagged:
        assert labels["account"] == "111122223333"
        kinds = {"dag_id"} if "_dag_" in name else {"kind", "table"}
        assert labels.keys() == {"account", *kinds}
    assert ("airflow_cloudtrail_dag_failed_tasks", "cloudtrail_ingest__prod") in [
        (name, labels.get("dag_id")) for name, labels in tagged
    ]


def queries():
    for panel in DASHBOARD["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])
    yield from ((rule["uid"], expression(rule)) for rule in RULES)
    yield from ((one["name"], one["query"]["query"]) for one in DASHBOARD["templating"]["list"][1:])


def expression(rule):
    return rule["data"][0]["model"]["expr"]


@pytest.mark.parametrize(("place", "query"), list(queries()), ids=lambda text: text if len(text) < 50 else "")
def test_every_metric_that_grafana_asks_for_is_sent(place, query):
    asked = set(re.findall(r"\bairflow_\w+", query))
    assert asked, place
    assert asked <= {in_prometheus(metric.name) for metric in DECLARED}


def test_the_dashboard_has_the_shape_that_grafana_imports():
    """Source: Grafana, "Dashboard JSON model" and "Variables"."""
    assert DASHBOARD["uid"]
    assert len(DASHBOARD["uid"]) <= 40
    assert DASHBOARD["schemaVersion"] >= 36
    assert DASHBOARD.get("id") is None
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    variables = {one["name"] for one in DASHBOARD["templating"]["list"]}
    for panel in panels:
        assert panel["type"] in {"stat", "timeseries"}
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"] in {"s", "none", "short"}
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)
        for used in (panel, *panel["targets"]):
            assert used["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert set(re.findall(r"\$(\w+)", json.dumps(panel["targets"]))) <= variables
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
    for one, other in itertools.combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_each_rule_compares_its_query_with_a_threshold():
    """Source: Grafana, "Use configuration files to provision alerting resources"."""
    assert len({rule["uid"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        query, threshold = rule["data"]
        assert rule["condition"] == threshold["refId"] == threshold["model"]["refId"] == "B"
        assert threshold["model"]["expression"] == query["refId"] == query["model"]["refId"] == "A"
        assert threshold["datasourceUid"] == "__expr__"
        assert threshold["model"]["type"] == "threshold"
        assert threshold["model"]["conditions"][0]["evaluator"]["type"] == "gt"
        labels = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        (group,) = re.findall(r"max by \(([\w, ]+)\)", expression(rule))
        assert labels <= set(group.split(", "))


FIRES = {
    "": {},
    "cloudtrail-lag": {"outcome": replace(GOOD, slowest_seconds=9000)},
    "cloudtrail-cost": {"outcome": replace(GOOD, databricks_seconds=4000)},
    "cloudtrail-failed-run": {"failed": ["events.submit"]},
    "cloudtrail-gaps": {"checks": [GAPS]},
    "cloudtrail-unproven": {"checks": [DIGESTS]},
}
QUIET = {"outcome": GOOD, "failed": [], "checks": []}


needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is not installed (Debian: prometheus)"
)


@needs_promtool
def test_prometheus_understands_the_queries_of_every_panel(tmp_path):
    rules = [
        {"record": f"panel:{number}", "expr": re.sub(r"\$(account|kind)", ".*", target["expr"])}
        for number, target in enumerate(
            target for panel in DASHBOARD["panels"] for target in panel["targets"]
        )
    ]
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))
    command = ["promtool", "check", "rules", "rules.yaml"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(rules)} rules found" in ran.stdout


@needs_promtool
def test_each_rule_fires_for_what_it_is_about_and_for_nothing_else(sent, tmp_path):
    rules = [
        {"alert": rule["uid"], "expr": f"{expression(rule)} > {limit}", "for": rule["for"]}
        for rule in RULES
        for limit in rule["data"][1]["model"]["conditions"][0]["evaluator"]["params"]
    ]
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))
    cases = []
    for uid, what in FIRES.items():
        sent.clear()
        send(**QUIET | what)
        cases.append(case(uid, scraped(sent), minutes=170))
    well = cases[0]["input_series"]
    cases.append(case("cloudtrail-stale", well, minutes=1000))
    tests = {"rule_files": ["rules.yaml"], "evaluation_interval": "5m", "tests": cases}
    (tmp_path / "tests.yaml").write_text(json.dumps(tests))
    command = ["promtool", "test", "rules", "tests.yaml"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def scraped(sent):
    """What Prometheus has of metrics that came in the hours 0, 1 and 2, and not since."""
    for name, value in sent:
        if found := mapped(f"airflow.{name}"):
            metric, labels = found
            text = ",".join(f'{key}="{label}"' for key, label in labels.items())
            # promtool's clock begins at 0.
            at = 0 if metric.endswith("timestamp_seconds") else value
            yield {"series": f"{metric}{{{text}}}", "values": f"{at} _x2 {at} _x2 {at}"}


def case(fires, series, *, minutes):
    """Return a case of `promtool test rules`: after some minutes one alert has fired, and no other."""
    series = list(series)
    expected = []
    for rule in RULES:
        metric = re.findall(r"airflow_\w+", expression(rule))[0]
        series_of = [one["series"] for one in series if one["series"].startswith(f"{metric}{{")]
        labels = [dict(re.findall(r'(\w+)="([^"]*)"', one)) for one in series_of]
        alerts = [{"exp_labels": one} for one in labels if rule["uid"] == fires]
        assert alerts or rule["uid"] != fires
        expected.append({"alertname": rule["uid"], "eval_time": f"{minutes}m", "exp_alerts": alerts})
    return {"interval": "20m", "input_series": series, "alert_rule_test": expected}
