"""Files for Databricks with the statements of docs/queries.md: saved queries and an AI/BI dashboard.

docs/queries.md is the one place of the statements. Tests run each on published records.

Sources: Databricks REST, Queries API (`POST /api/2.0/sql/queries`, checked against databricks-sdk's own type)
and Lakeview API (`POST /api/2.0/lakeview/dashboards`). Databricks documents no schema of a serialized
dashboard. Ours has only what published dashboards have: datasets with `queryLines`, and widgets of the types
table (version 1), counter (2) and bar (3) on a grid of six columns. No workspace has tried it yet.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudtrail_to_delta.tables.sql import quote_name

# The name in docs/queries.md, which is the default name of the table.
TABLE = "cloudtrail_events"
_WIDTH = 6
_HEIGHT = 6
# Statements about one thing that they name → the name and the title of that parameter.
PARAMETERS = {
    "What one access key did": ("access_key", "Access key ID"),
    "Who touched one instance": ("instance_id", "EC2 instance ID"),
    "What happened around one event": ("event_id", "Event ID"),
    "What one address did": ("address", "IP address"),
    "Who touched one resource": ("resource_arn", "ARN"),
}
OVERVIEW, CONTROLS = "Calls by day", "CIS monitoring controls"


@dataclass(frozen=True)
class Statement:
    """A statement of the page: its section, its title, the text before it, and its SQL."""

    section: str
    title: str
    words: str
    sql: str


def statements(page: str) -> list[Statement]:
    """Return the statements of docs/queries.md, in its order."""
    found = []
    section = ""
    for heading in re.finditer(r"(?ms)^(##|###) ([^\n]+)\n(.*?)(?=^##|\Z)", page):
        level, title, text = heading.groups()
        if level == "##":
            section = title
            continue
        words, _, sql = text.partition("```sql\n")
        found.append(Statement(section, title, " ".join(words.split()), sql.partition(";\n```")[0]))
    return found


def columns(sql: str) -> list[str]:
    """Return the names of the statement's columns: what follows AS, or else the last name."""
    names, depth, item = [], 0, ""
    for word in re.findall(r"'[^']*'|[(),]|[^\s(),']+|\s+", sql.removeprefix("SELECT")):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0 and word in (",", "FROM"):
            names.append(re.split(r"[.\s]", item.strip())[-1].strip("`"))
            item = ""
            if word == "FROM":
                break
        else:
            item += word
    return names


def within(sql: str, table: str, days: int | None = None) -> str:
    """Return the statement with another table's views, each bounded to the last days if they are given.

    Args:
        sql: a statement of the page.
        table: the table, of one to three levels.
        days: how many days up to today to read.
    """

    def view(match: re.Match[str]) -> str:
        name = quote_name(f"{table}{match[1]}")
        # The views of log files have no date: they are small.
        if days is None or match[1] in ("_files", "_proof"):
            return name
        return f"(SELECT * FROM {name} WHERE `date` >= DATE_SUB(CURRENT_DATE(), {days}))"  # noqa: S608 - a checked name

    return re.sub(rf"\b{TABLE}(_flat|_unique|_files|_proof)\b", view, sql)


def saved_queries(page: str, *, table: str = TABLE) -> list[dict[str, Any]]:
    """Return a body of the Queries API for each statement."""
    found = []
    for one in statements(page):
        sql, parameters = within(one.sql, table), []
        if one.title in PARAMETERS:
            name, title = PARAMETERS[one.title]
            (literal,) = set(re.findall(r"'[^']*'", one.sql))
            sql = sql.replace(literal, f":{name}")
            example = {"text_value": {"value": literal.strip("'")}}
            parameters = [{"name": name, "title": title, **example}]
        query = {
            "display_name": f"CloudTrail: {one.title}",
            "description": " ".join(part for part in (f"{one.section}.", one.words) if part),
            "query_text": sql,
            "tags": ["cloudtrail"],
        }
        found.append({"query": query | ({"parameters": parameters} if parameters else {})})
    return found


def dashboard(page: str, *, table: str = TABLE, days: int = 30) -> dict[str, Any]:
    """Return the serialized dashboard: an overview, and a page for each section of the document.

    Statements about one thing that they name are left out: they are saved queries.
    """
    shown = [one for one in statements(page) if one.title not in PARAMETERS]
    names = {one.title: f"q{number:02}" for number, one in enumerate(shown)}
    datasets = [
        {
            "name": names[one.title],
            "displayName": one.title,
            "queryLines": within(one.sql, table, days).splitlines(keepends=True),
        }
        for one in shown
    ]
    pages = [_overview(names)]
    for section in dict.fromkeys(one.section for one in shown):
        widgets = [
            _table(names[one.title], one.title, columns(one.sql)) for one in shown if one.section == section
        ]
        pages.append(_page(f"p{len(pages)}", section, [(widget, _WIDTH, _HEIGHT) for widget in widgets]))
    return {"datasets": datasets, "pages": pages}


def _overview(names: Mapping[str, str]) -> dict[str, Any]:
    counters = [("calls", "Calls"), ("failed", "Failed"), ("by_root", "By the root user")]
    widgets = [
        (_counter(names[OVERVIEW], column, title), _WIDTH // len(counters), 3) for column, title in counters
    ]
    widgets += [
        (_bar(names[OVERVIEW], OVERVIEW, "date", "temporal", "SUM(`calls`)"), _WIDTH, _HEIGHT),
        (_bar(names[CONTROLS], CONTROLS, "control", "categorical", "COUNT(`control`)"), _WIDTH, _HEIGHT),
    ]
    return _page("p0", "Overview", widgets)


def _page(name: str, title: str, widgets: Sequence[tuple[dict[str, Any], int, int]]) -> dict[str, Any]:
    """Return a page whose widgets fill rows from the left."""
    layout, x, y = [], 0, 0
    for number, (widget, width, height) in enumerate(widgets):
        if x + width > _WIDTH:
            x = 0
        position = {"x": x, "y": y, "width": width, "height": height}
        layout.append({"widget": {"name": f"{name}w{number}", **widget}, "position": position})
        x += width
        if x == _WIDTH:
            x, y = 0, y + height
    return {"name": name, "displayName": title, "layout": layout}


def _widget(
    dataset: str,
    fields: Mapping[str, str],
    *,
    kind: str,
    version: int,
    title: str,
    encodings: Mapping[str, Any],
) -> dict[str, Any]:
    query = {
        "datasetName": dataset,
        "fields": [{"name": name, "expression": expression} for name, expression in fields.items()],
        "disaggregated": kind == "table",
    }
    spec = {
        "version": version,
        "widgetType": kind,
        "encodings": encodings,
        "frame": {"showTitle": True, "title": title},
    }
    return {"queries": [{"name": "main_query", "query": query}], "spec": spec}


def _table(dataset: str, title: str, names: Sequence[str]) -> dict[str, Any]:
    shown = [{"fieldName": name, "displayName": name, "title": name} for name in names]
    fields = {name: f"`{name}`" for name in names}
    return _widget(dataset, fields, kind="table", version=1, title=title, encodings={"columns": shown})


def _counter(dataset: str, column: str, title: str) -> dict[str, Any]:
    name = f"sum({column})"
    value = {"value": {"fieldName": name, "displayName": title}}
    return _widget(
        dataset, {name: f"SUM(`{column}`)"}, kind="counter", version=2, title=title, encodings=value
    )


def _bar(dataset: str, title: str, column: str, scale: str, value: str) -> dict[str, Any]:
    encodings = {
        "x": {"fieldName": column, "scale": {"type": scale}, "displayName": column},
        "y": {"fieldName": "calls", "scale": {"type": "quantitative"}, "displayName": "calls"},
    }
    fields = {column: f"`{column}`", "calls": value}
    return _widget(dataset, fields, kind="bar", version=3, title=title, encodings=encodings)


def files(page: str, *, table: str = TABLE, days: int = 30) -> dict[str, str]:
    """Return the name of each file → its text."""
    made = {
        "queries.json": saved_queries(page, table=table),
        "cloudtrail.lvdash.json": dashboard(page, table=table, days=days),
    }
    return {name: json.dumps(one, indent=2, ensure_ascii=False) + "\n" for name, one in made.items()}
