"""The analysts' questions on two tables in one session: `… programs.ask ROUNDS NAME=TABLE NAME=TABLE …`.

Each question is asked of the tables in turn, ROUNDS times, after one time that does not count. Says, for each
question and table, seconds, files and bytes read by the scan, rows, and whether the rows are those of the
first table.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tests.benchmarks.programs.protocol import done, ready
from tests.benchmarks.questions import QUESTIONS, VALUES
from tests.benchmarks.spark_session import start


def scanned(plan: Any) -> dict[str, int]:
    """Files and bytes that the scans below an executed plan have read, by Spark's own metrics."""
    total = {"files": 0, "bytes": 0}
    kind = plan.getClass().getSimpleName()
    if kind == "AdaptiveSparkPlanExec":
        return scanned(plan.executedPlan())
    if kind.endswith("QueryStageExec"):
        return scanned(plan.plan())
    metrics = plan.metrics()
    for name, metric in (("files", "numFiles"), ("bytes", "filesSize")):
        if kind == "FileSourceScanExec" and metrics.contains(metric):
            total[name] += int(metrics.apply(metric).value())
    children = plan.children()
    for number in range(children.size()):
        for name, value in scanned(children.apply(number)).items():
            total[name] += value
    return total


def ask(spark: Any, texts: Sequence[tuple[str, Mapping[str, str]]], rounds: int) -> list[dict[str, Any]]:
    """Ask each question in each of its texts, in turn; return an answer for each question.

    Args:
        spark: the session.
        texts: the words of each question, and the name of each text → its SQL. The rows of the first one are
            those that the others should have.
        rounds: how often, after one time that does not count.
    """
    answers = []
    for words, asked in texts:
        answer: dict[str, Any] = {"question": words, "tables": {name: {"seconds": []} for name in asked}}
        first, expected = next(iter(asked)), None
        for number in range(rounds + 1):
            for name, text in asked.items():
                frame = spark.sql(text)
                began = time.perf_counter()
                rows = frame.collect()
                seconds = time.perf_counter() - began
                found = answer["tables"][name]
                if number:
                    found["seconds"].append(round(seconds, 3))
                    continue
                expected = rows if name == first else expected
                found |= scanned(frame._jdf.queryExecution().executedPlan())
                found |= {"rows": len(rows), "equal": rows == expected}
        answers.append(answer)
    return answers


def main() -> None:
    """Ask everything."""
    rounds = int(sys.argv[1])
    paths = dict(argument.split("=", 1) for argument in sys.argv[2:])
    spark = start()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    tables = {name: f"delta.`{path}`" for name, path in paths.items()}
    first = next(iter(tables))
    # Values of the first table: every table holds the same records.
    values = {name: spark.sql(query.format(table=tables[first])).first()[0] for name, query in VALUES.items()}
    texts = [
        (one.words, {name: one.sql.format(table=table, **values) for name, table in tables.items()})
        for one in QUESTIONS
    ]
    ready()
    done(answers=ask(spark, texts, rounds))


if __name__ == "__main__":
    main()
