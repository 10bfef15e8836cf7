"""How long the pages take with many accounts, from a database that months of runs have filled.

    .venv/bin/python -m tests.benchmarks.state_pages [--accounts 500] [--days 30] [--hours 1] [--foreign 0]
        [--postgres]

Prints seconds for: reading the facts (no cache), making the rows, rendering one page; the same for one
account; and a whole view over HTTP, at first and later.
A fifth of the accounts has failed for two days, so that the slow questions are asked too.
"""

import argparse
import asyncio
import io
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg2

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "plugins")]

import tests.conftest  # noqa: E402, F401 - before the first import of airflow
from cloudtrail_to_delta.ui.app import CACHE_SECONDS  # noqa: E402 - after the path
from tests.fixtures.metadata import Metadata, resolved, skipped, validated  # noqa: E402 - as above
from tests.fixtures.pages import SECRET, pages_of  # noqa: E402 - as above
from tests.fixtures.postgres import give_away, migrated, server_folder  # noqa: E402 - as above
from tests.integration.plugins.cloudtrail_to_delta.ui.visits import OVERVIEW, get  # noqa: E402 - as above

FAILING = 5
FAILED_HOURS = 48
FOREIGN_HOURS = 48


@dataclass(frozen=True)
class Table:
    """A table's columns that differ from row to row, and those with one value in SQL."""

    name: str
    columns: tuple[str, ...]
    fixed: dict[str, str]


RUN = Table(
    "dag_run",
    ("id", "dag_id", "run_id", "state", "run_after", "start_date", "end_date"),
    {"run_type": "'scheduled'", "span_status": "'ended'", "clear_number": "0"},
)
TASK = Table(
    "task_instance",
    ("id", "dag_id", "run_id", "task_id", "state"),
    {"map_index": "-1", "pool": "'default_pool'", "pool_slots": "1", "try_number": "1", "max_tries": "2"},
)
XCOM = Table(
    "xcom",
    ("dag_run_id", "dag_id", "run_id", "task_id", "key", "value", "timestamp"),
    {"map_index": "-1"},
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


def fill(address, metadata, options):
    """Write the runs of every few hours, in the order of their making, and runs of other teams' DAGs."""
    dags = [metadata.dag(f"account_{number:03}") for number in range(options.accounts)]
    with copier(address) as copy:
        number = 0
        for age in range(options.days * 24, 0, -options.hours):
            at = metadata.now - timedelta(hours=age)
            began, ended = (f"{at - timedelta(minutes=m):%Y-%m-%d %H:%M:%S}.000000+00" for m in (4, 0))
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
            copy(RUN, runs)
            copy(XCOM, xcoms)
            copy(TASK, tasks)
        foreign = []
        for other in range(options.foreign):
            at = metadata.now - timedelta(hours=FOREIGN_HOURS * other / max(options.foreign, 1))
            when = f"{at:%Y-%m-%d %H:%M:%S}.000000+00"
            ids = (number + 1 + other, f"other_{other % 100}", f"scheduled__{other}")
            foreign.append((*ids, "success", when, when, when))
        copy(RUN, foreign)


@contextmanager
def copier(address):
    """Yield a function that appends rows to a table."""
    if address.startswith("sqlite"):
        raw = sqlite3.connect(address.removeprefix("sqlite:///"))
        raw.execute("PRAGMA synchronous = OFF")

        def insert(table, rows):
            places = ", ".join("?" * len(rows[0])) if rows else ""
            fixed = "".join(f", {value}" for value in table.fixed.values())
            into = f"{table.name} ({', '.join([*table.columns, *table.fixed])})"
            if rows:
                raw.executemany(" ".join(("INSERT INTO", into, "VALUES (", places, fixed, ")")), rows)

        yield insert
    else:
        raw = psycopg2.connect(address.replace("+psycopg2", ""))
        # The tasks that left the XComs are not written.
        raw.cursor().execute("SET session_replication_role = replica")

        def insert(table, rows):
            fixed = [value.strip("'") for value in table.fixed.values()]
            text = io.StringIO()
            for row in rows:
                cells = (str(cell).replace("\\", "\\\\") for cell in (*row, *fixed))
                text.write("\t".join(cells) + "\n")
            text.seek(0)
            columns = ", ".join([*table.columns, *table.fixed])
            with raw.cursor() as cursor:
                cursor.copy_expert(f"COPY {table.name} ({columns}) FROM STDIN", text)

        yield insert
    raw.commit()
    if not address.startswith("sqlite"):
        raw.autocommit = True
    raw.cursor().execute("ANALYZE")
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


async def view(metadata):
    """Visit the overview as a browser does, with an empty cache and then without one."""
    app = pages_of(metadata)
    for what in ("the first view", "the next view", "the view after the cache has aged"):
        began = time.perf_counter()
        answer = await get(app, OVERVIEW)
        say(f"{what:<40} {time.perf_counter() - began:6.2f} s, status {answer.status_code}")
        if what == "the next view":
            time.sleep(CACHE_SECONDS + 1)


def main():
    """Fill and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--hours", type=int, default=1, help="hours between two runs of an account")
    parser.add_argument("--foreign", type=int, default=0, help="runs of other teams in the last two days")
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    os.environ["AIRFLOW__API_AUTH__JWT_SECRET"] = SECRET
    with database(postgres=options.postgres) as address:
        metadata = Metadata(address)
        what = f"fill: {options.accounts} accounts, {options.days} days"
        timed(what, lambda: fill(address, metadata, options))
        for _ in range(2):
            with metadata.session() as session:
                measure(metadata, session)
        asyncio.run(view(metadata))
        metadata.engine.dispose()


@contextmanager
def database(*, postgres):
    """Yield the address of an empty metadata database."""
    if not postgres:
        with tempfile.TemporaryDirectory() as state:
            yield f"sqlite:///{Path(state) / 'airflow.db'}"
        return
    with server_folder() as server:
        shutil.copytree(migrated(), server.data)
        server.data.chmod(0o700)
        give_away(server.data)
        server.start()
        yield server.url(server.database())


if __name__ == "__main__":
    main()
