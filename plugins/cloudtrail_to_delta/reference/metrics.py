"""docs/reference/metrics.md: every metric with its unit and meaning, from its declaration."""

from collections.abc import Iterable, Sequence
from typing import Any

from cloudtrail_to_delta.runs.metrics import CHECK_METRICS, DAG_METRICS, PREFIX, TABLE_METRICS, Metric

HEAD = """# Metrics, a dashboard and alert rules

`cloudtrail-to-delta metrics` prints this page.

Tasks send metrics through Airflow. To turn them on, set one of these in `[metrics]` of Airflow's
configuration, on every component: `statsd_on` (install `apache-airflow[statsd]`), `otel_on`
(`apache-airflow[otel]`), or `statsd_datadog_enabled`. All metrics are gauges. Their names begin with
Airflow's prefix, `airflow.` by default. In Prometheus, dots become underscores, as in
`airflow_cloudtrail_table_rows`.

A task sends its metrics once, when it ends. So a query must look back over at least the time between two
runs, as in `last_over_time(airflow_cloudtrail_run_lag_seconds[26h])`.
"""
TAIL = """## Send them to Prometheus

With OpenTelemetry, set `OTEL_RESOURCE_ATTRIBUTES=service.instance.id=airflow` for all components of Airflow.
Otherwise every task is an instance of its own, and a query cannot tell the newest value from older ones.

With StatsD, tags are lost unless the server understands them. While `[metrics] legacy_names_on` is on,
Airflow's default, each metric is also sent with its tags in its name:
`cloudtrail.<account>.<kind>.<table>.<name>`, and `cloudtrail.<account>.<dag_id>.<name>` for metrics of a DAG.
Other characters than letters, digits, `_` and `-` become `_`.
[statsd-mappings.yaml](grafana/statsd-mappings.yaml) turns these names into labels for `statsd_exporter`. In
Airflow's Helm chart, put its list into `statsd.extraMappings`.

## Grafana

- [dashboard.json](grafana/dashboard.json): import it, and choose your Prometheus data source. It shows lag,
  freshness, failed tasks, gaps, quarantine and Databricks time of every table.
- [alerts.yaml](grafana/alerts.yaml): rules of Grafana Alerting for lag, tables that no run validates, failed
  runs, gaps and cost. Copy it to `provisioning/alerting/`, with the uid of your data source in place of
  `prometheus`. Change the thresholds to your schedules: they are for hourly runs.

These alerts add to the product's own ([alerts](../how-to/alerts.md)): they also notice that Airflow itself
stands still.

A test holds their queries against the metrics that tasks send, and evaluates the rules with Prometheus'
`promtool` where it is installed. The mappings were run with `statsd_exporter` 0.26.1. Grafana has not loaded
the files.
"""
TABLES: Sequence[tuple[str, str, Iterable[Metric[Any]]]] = (
    (
        "Of tables",
        "`notify` sends these for each kind that a run has validated, with the tags `dag_id`, `account`, "
        "`kind` and `table`.",
        TABLE_METRICS,
    ),
    (
        "Of DAGs",
        "`notify` sends these for every run of an ingest, with the tags `dag_id` and `account`.",
        DAG_METRICS,
    ),
    (
        "Of completeness checks",
        "`report_gaps` sends these for each table, with the tags of tables. Those of signatures are left out "
        "while no digests are verified.",
        CHECK_METRICS,
    ),
)


def page() -> str:
    """Return every metric as Markdown."""
    return "\n".join([HEAD, *(_chapter(*one) for one in TABLES), TAIL])


def _chapter(title: str, sent: str, metrics: Iterable[Metric[Any]]) -> str:
    lines = [f"## {title}", "", sent, "", "| name | unit | meaning |", "|---|---|---|"]
    lines += [f"| `{PREFIX}.{one.name}` | {one.unit.strip('{}')} | {one.help} |" for one in metrics]
    return "\n".join([*lines, ""])
