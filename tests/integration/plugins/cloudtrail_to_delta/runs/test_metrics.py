"""The figures of a run, as a StatsD server and an OpenTelemetry collector get them from Airflow's metrics."""

import atexit
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics.otel_logger import otel_logger
from airflow.sdk.observability.metrics.stats_utils import NoStatsLogger, get_stats_factory
from opentelemetry import metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from cloudtrail_to_delta.records.completeness import Completeness, Signatures
from cloudtrail_to_delta.records.outcome import Known, Outcome
from cloudtrail_to_delta.runs.metrics import (
    CHECK_METRICS,
    TABLE_METRICS,
    send_completeness_metrics,
    send_dag_metrics,
    send_metrics,
    values,
)

SENT = 2 * (len(TABLE_METRICS) - 2)  # Each by two names; without those of the table's newest file.

OUTCOME = Outcome(
    kind="events",
    table="main.security.trail",
    row_count=1200,
    run_rows=200,
    run_files=3,
    run_quarantined=3,
    run_removed=4,
    slowest_seconds=90,
    databricks_seconds=240,
)


@pytest.fixture
def statsd(monkeypatch):
    """Airflow's metrics, sent to a UDP socket; gives what has come, name → value."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_HOST", "127.0.0.1")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_PORT", str(server.getsockname()[1]))
        make, clients = get_stats_factory(), []

        def factory():
            logger = make()
            clients.append(logger.statsd)
            return logger

        # As Airflow does when it starts a task.
        stats.initialize(factory=factory, export_legacy_names=True)

        def received(count):
            packets = [server.recv(1000).decode() for _ in range(count)]
            return dict(packet.split(":", 1) for packet in packets)

        yield received
        for client in clients:
            client.close()
        stats.initialize(factory=NoStatsLogger, export_legacy_names=True)


def test_each_figure_comes_by_its_name_and_by_account_kind_and_table(statsd):
    send_metrics([OUTCOME], {"account": "111122223333"}, dag_id="cloudtrail_ingest")
    came = statsd(SENT)
    expected = {
        "table.rows": 1200,
        "run.rows": 200,
        "run.files": 3,
        "run.quarantined": 3,
        "run.removed": 4,
        "run.lag_seconds": 90,
        "run.databricks_seconds": 240,
    }
    for name, value in expected.items():
        assert came[f"airflow.cloudtrail.{name}"] == f"{value}|g"
        assert came[f"airflow.cloudtrail.111122223333.events.main_security_trail.{name}"] == f"{value}|g"
    assert len(came) == SENT


def test_two_entries_of_one_account_do_not_overwrite_each_others_figures(statsd):
    params = {"account": "111122223333"}
    for table, rows in (("main.security.trail", 1200), ("main.audit.trail", 7)):
        send_metrics([replace(OUTCOME, table=table, row_count=rows)], params, dag_id="cloudtrail_ingest")
    came = statsd(2 * SENT)
    assert came["airflow.cloudtrail.111122223333.events.main_security_trail.table.rows"] == "1200|g"
    assert came["airflow.cloudtrail.111122223333.events.main_audit_trail.table.rows"] == "7|g"


def test_the_age_is_that_of_the_tables_newest_file_not_of_the_old_ones_that_a_run_read():
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    old = dict.fromkeys(("newest_file", "newest_delivery"), datetime(2024, 4, 20, tzinfo=UTC))
    known = Known(newest_delivery=datetime(2026, 11, 22, 11, 50, tzinfo=UTC))
    found = dict(values(TABLE_METRICS, replace(OUTCOME, known=known, **old), now=now))
    assert found["table.age_seconds"] == 600
    assert found["table.newest_file_timestamp_seconds"] == known.newest_delivery.timestamp()


def test_a_run_without_anything_new_took_no_time_of_databricks_and_one_that_is_running_an_unknown_one():
    idle = dict(values(TABLE_METRICS, replace(OUTCOME, databricks_seconds=None, idle=True)))
    assert idle["run.databricks_seconds"] == 0
    running = dict(values(TABLE_METRICS, replace(OUTCOME, databricks_seconds=None)))
    assert "run.databricks_seconds" not in running


def test_a_run_sends_how_many_of_its_tasks_failed_by_its_dag(statsd):
    send_dag_metrics(["events.submit"], {"account": "111122223333"}, dag_id="cloudtrail_ingest__prod")
    assert statsd(2) == {
        "airflow.cloudtrail.dag.failed_tasks": "1|g",
        "airflow.cloudtrail.111122223333.cloudtrail_ingest__prod.dag.failed_tasks": "1|g",
    }


@pytest.mark.parametrize(
    ("params", "name"),
    [({"account": "*"}, "all"), ({"account": "*", "organization": "o-a1b2c3d4e5"}, "o-a1b2c3d4e5")],
)
def test_every_account_in_one_has_a_name_that_statsd_takes(statsd, params, name):
    send_metrics([OUTCOME], params, dag_id="cloudtrail_ingest")
    assert f"airflow.cloudtrail.{name}.events.main_security_trail.table.rows" in statsd(SENT)


@pytest.fixture
def collector(monkeypatch):
    """Airflow's metrics, sent to a collector by OTLP over HTTP; gives the gauges that have come."""
    bodies = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            """Nothing is printed."""

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_address[1]}/v1/metrics"
        monkeypatch.setenv("AIRFLOW__METRICS__OTEL_ON", "True")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", endpoint)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf")
        stats.initialize(factory=get_stats_factory(), export_legacy_names=True)

        def received():
            metrics.get_meter_provider().force_flush()
            requests = [ExportMetricsServiceRequest.FromString(body) for body in bodies]
            return [
                metric
                for request in requests
                for resource in request.resource_metrics
                for scope in resource.scope_metrics
                for metric in scope.metrics
            ]

        yield received
        metrics.get_meter_provider().shutdown()
        # It flushes at the interpreter's end, when this collector is gone.
        atexit.unregister(otel_logger.flush_otel_metrics)
        stats.initialize(factory=NoStatsLogger, export_legacy_names=True)
        server.shutdown()
        thread.join()


def test_opentelemetry_gets_each_figure_with_its_account_and_kind_as_attributes(collector):
    send_metrics([OUTCOME], {"account": "111122223333"}, dag_id="cloudtrail_ingest")
    (metric,) = [metric for metric in collector() if metric.name == "airflow.cloudtrail.run.quarantined"]
    (point,) = metric.gauge.data_points
    assert point.as_int == 3
    assert {one.key: one.value.string_value for one in point.attributes} == {
        "dag_id": "cloudtrail_ingest",
        "account": "111122223333",
        "kind": "events",
        "table": "main.security.trail",
    }


def test_a_completeness_check_counts_gaps_and_what_signatures_prove_once_they_are_verified():
    events = Completeness(kind="events", table="t", gap_count=2, files={"held": 9, "missing": 3})
    found = dict(values(CHECK_METRICS, events))
    del found["check.timestamp_seconds"]
    assert found == {"check.gaps": 2, "check.missing_files": 3, "check.uncompared_days": 0}
    nothing_yet = replace(events, signed=Signatures())
    assert "check.proven_files" not in dict(values(CHECK_METRICS, nothing_yet))
    at = datetime(2026, 11, 28, tzinfo=UTC)
    signed = Signatures(
        as_of=at, gap_count=1, files={"proven": 5, "late": 1, "pending": 2, "altered": 1, "unsigned": 3}
    )
    found = dict(values(CHECK_METRICS, replace(events, signed=signed)))
    names = ("check.gaps", "check.proven_files", "check.unproven_files")
    assert [found[name] for name in names] == [3, 6, 4]
    hours = Signatures(as_of=at, files={"signed": 24}, hours={"covered": 24, "gap": 2})
    found = dict(values(CHECK_METRICS, Completeness(kind="digests", table="d", signed=hours)))
    assert (found["check.proven_hours"], found["check.unproven_hours"]) == (24, 2)
    assert "check.proven_files" not in found


def test_the_figures_of_a_completeness_check_come_by_table_too(statsd):
    events = Completeness(kind="events", table="main.trail", gap_count=2)
    send_completeness_metrics([events], {"account": "111122223333"}, dag_id="cloudtrail_completeness")
    came = statsd(8)
    assert came["airflow.cloudtrail.check.gaps"] == "2|g"
    assert came["airflow.cloudtrail.111122223333.events.main_trail.check.gaps"] == "2|g"
