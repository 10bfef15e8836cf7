"""How long the pages take with many accounts, from a database on SQLite that a month of runs has filled.

    .venv/bin/python -m tests.benchmarks.state_pages [--accounts 500] [--days 30]

Prints seconds for: reading the facts (no cache), making the rows, rendering one page; and the same for one
account. A fifth of the accounts has failed for two days, so that the slow questions are asked too.
"""

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "plugins")]

import tests.conftest  # noqa: E402, F401 - before the first import of airflow
from tests.fixtures.metadata import Metadata, resolved, skipped, validated  # noqa: E402

FAILING = 5
FAILED_HOURS = 48
RUN = (
    "INSERT INTO dag_run (id, dag_id, run_id, run_type, state, run_after, start_date, end_date, span_status, "
    "clear_number) VALUES (?, ?, ?, 'scheduled', ?, ?, ?, ?, 'ended', 0)"
)
TASK = (
    "INSERT INTO task_instance (id, dag_id, run_id, task_id, map_index, state, pool, pool_slots, try_number, "
    "max_tries) VALUES (?, ?, ?, ?, -1, ?, 'default_pool', 1, 1, 2)"
)
XCOM = (
    "INSERT INTO xcom (dag_run_id, dag_id, run_id, task_id, map_index, key, value, timestamp) "
    "VALUES (?, ?, ?, ?, -1, ?, ?, ?)"
)
KINDS = ("events", "insights")
REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "us-west-2")


def left_by_a_run(at):
    """The XComs of a run that went well."""
    page = "https://example.cloud.databricks.com/?o=1#job/1/run/1"
    found = [resolved(), skipped(), ("notify", "alerts", [])]
    for kind in KINDS:
        found += validated(kind, at=at, regions=REGIONS)
        found.append((f"{kind}.submit", "run_page_url", page))
    return [(task, key, json.dumps(value)) for task, key, value in found]


def fill(path, metadata, accounts, days):
    """The runs of every hour, in the order in which they were made."""
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA synchronous = OFF")
    dags = [metadata.dag(f"account_{number:03}") for number in range(accounts)]
    number = 0
    for age in range(days * 24, 0, -1):
        at = metadata.now - timedelta(hours=age)
        began, ended = (f"{at - timedelta(minutes=m):%Y-%m-%d %H:%M:%S}.000000" for m in (4, 0))
        texts = left_by_a_run(at)
        runs, xcoms, tasks = [], [], []
        for place, dag in enumerate(dags):
            number += 1
            run_id = f"scheduled__{at:%Y-%m-%dT%H:%M:%S}+00:00"
            failed = place % FAILING == 0 and age <= FAILED_HOURS
            runs.append((number, dag, run_id, "failed" if failed else "success", began, began, ended))
            kept = texts[:2] if failed else texts
            xcoms += [(number, dag, run_id, *text, ended) for text in kept]
            if failed:
                tasks.append((f"{number:032x}", dag, run_id, "events.submit", "failed"))
        raw.executemany(RUN, runs)
        raw.executemany(XCOM, xcoms)
        raw.executemany(TASK, tasks)
        raw.commit()
    raw.execute("ANALYZE")
    raw.commit()
    raw.close()


def say(text):
    """A line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def timed(what, work):
    """Do it, say how long it took, return what it gave."""
    began = time.perf_counter()
    result = work()
    say(f"{what:<40} {time.perf_counter() - began:6.2f} s")
    return result


def measure(metadata, session):
    """The steps of both pages, once."""
    from cloudtrail_to_delta.ui.database import read_facts
    from cloudtrail_to_delta.ui.history import read_history
    from cloudtrail_to_delta.ui.listing import View, list_rows
    from cloudtrail_to_delta.ui.render import render_account, render_overview
    from cloudtrail_to_delta.ui.rows import rows_of

    now, view = metadata.now, View(sort="-rows")
    metadata.statements.clear()
    facts = timed("read the facts", lambda: read_facts(session, now))
    runs = sum(map(len, facts.runs.values()))
    say(f"    {len(metadata.statements)} statements, {runs} runs, {len(facts.validations)} validations")
    rows = timed(f"tell the rows of {len(facts.dags)} DAGs", lambda: rows_of(facts))
    page = timed(f"render a page of {len(rows)}", lambda: render_overview(list_rows(rows, view), rows, now))
    say(f"    {len(page) / 1000:.0f} kB, {sum(row.state == 'failed' for row in rows)} failed")
    row, other = rows[4:6]
    history = timed("read one table's history", lambda: read_history(session, row, now))
    page = timed("render its page", lambda: render_account(row, [other], history, now))
    say(f"    {len(page) / 1000:.0f} kB")


def main():
    """Fill and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--days", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as state:
        path = Path(state) / "airflow.db"
        metadata = Metadata(f"sqlite:///{path}")
        timed(
            f"fill: {options.accounts} accounts, {options.days} days",
            lambda: fill(path, metadata, options.accounts, options.days),
        )
        say(f"    {os.path.getsize(path) / 1e9:.2f} GB")
        for _ in range(2):
            with metadata.session() as session:
                measure(metadata, session)
        metadata.engine.dispose()


if __name__ == "__main__":
    main()
