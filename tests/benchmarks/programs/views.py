"""Questions asked of a table and of its views in one session: `… programs.views ROUNDS TABLE`.

Each question has one text for the table's own columns and one for the plain columns of the view `_flat`. They
are asked in turn, ROUNDS times, after one time that does not count. A question about one field of the text
compares `get_json_object` with the view `_variant`.
"""

import sys

from sandbox.spark import ROOT
from tests.benchmarks.programs.ask import ask
from tests.benchmarks.programs.protocol import done, ready
from tests.benchmarks.questions import FIELDS, PLAIN, QUESTIONS, VALUES
from tests.benchmarks.spark_session import start

sys.path.insert(0, str(ROOT / "plugins"))

from cloudtrail_to_delta.tables.flat import accounts_query, flat_query, variant_query


def main() -> None:
    """Ask everything."""
    rounds, path = int(sys.argv[1]), sys.argv[2]
    spark = start()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    table = f"delta.`{path}`"
    views = {
        "accounts": accounts_query({}),
        "flat": flat_query("events", table, "accounts"),
        "variant": variant_query("events", table),
    }
    for name, query in views.items():
        spark.sql(f"CREATE TEMPORARY VIEW {name} AS {query}")
    values = {name: spark.sql(query.format(table=table)).first()[0] for name, query in VALUES.items()}
    texts = [
        (one.words, {"table": one.sql.format(table=table, **values), "view": plain.format(**values)})
        for one, plain in zip(QUESTIONS, PLAIN, strict=True)
    ]
    texts += [(words, {"table": text.format(table=table), "view": field}) for words, text, field in FIELDS]
    ready()
    done(answers=ask(spark, texts, rounds))


if __name__ == "__main__":
    main()
