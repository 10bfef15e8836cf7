"""`benchmarks.md` and its charts, out of the results: what was measured, where, when, and what it came to."""

import re
from pathlib import Path
from typing import Any

from tests.benchmarks.charts import MEASURES, chart
from tests.benchmarks.contenders import NAMES
from tests.benchmarks.figures import measured, summarize
from tests.benchmarks.sizes import PARTS
from tests.benchmarks.targets import Verdict, verdicts

IMAGES = Path("images") / "bench"
HEAD = """# Benchmarks

`make bench` writes this page from [benchmarks.json](benchmarks.json); do not edit it.

- "Ours" is the job of this project. "The guide" is the stream of the
  [original Databricks guide (2020)](origin.md). DuckDB and a limit (decompress and parse only) show what
  other tools need. The prototype without a JVM does not ship ([why](adr/0012-performance.md)).
- All runs were made in turn on one machine, so ratios mean more than seconds.
- A cell has the median, with the minimum and half the spread in brackets.
- `make bench ARGS="--only first_load,hourly"` measures some parts again and keeps the results of the others.
  `make bench-quick` measures the same at small sizes.
"""


def write(results: dict[str, Any], folder: Path) -> None:
    """Write the page and the charts into `folder`."""
    if not results.get("parts") and not results.get("profile"):
        return
    images = folder / IMAGES
    images.mkdir(parents=True, exist_ok=True)
    charted = set()
    for name, part in results["parts"].items():
        if drawn := chart(part["title"], part["cases"]):
            (images / f"{name}.svg").write_text(drawn)
            charted.add(name)
    (folder / "benchmarks.md").write_text(page(results, charted))


def page(results: dict[str, Any], charted: set[str]) -> str:
    """The page as Markdown; `charted` names the parts that have a chart."""
    parts = results["parts"]
    lines = [HEAD, "## Targets", "", *_targets(results), "", *_missed(results)]
    for name in PARTS:
        if name in parts:
            lines += _part(name, parts[name], name in charted)
    profile = results.get("profile")
    if profile:
        lines += [
            "## Where the CPU seconds go",
            "",
            f"See [{profile}]({profile}), which `--profile` writes.",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def _targets(results: dict[str, Any]) -> list[str]:
    rows = [
        [v.target.words, v.target.bound, _number(v.value), _verdict(v, results)] for v in verdicts(results)
    ]
    return _table(["Target", "Bound", "Measured", "Verdict"], rows)


def _verdict(verdict: Verdict, results: dict[str, Any]) -> str:
    part = results["parts"].get(verdict.target.part, {})
    words = f"**{verdict.words}**" if verdict.words.startswith("missed") else verdict.words
    if part.get("sizes", "full") != "full":
        words += f" at {part['sizes']} sizes"
    if part.get("status", "ok") != "ok":
        words += f"; the part has {part['status']}"
    return words


def _missed(results: dict[str, Any]) -> list[str]:
    """Why targets are missed: prose below the table, so that its cells stay short."""
    lines = [
        f"- **{v.target.words}**: {v.target.remark}"
        for v in verdicts(results)
        if v.words.startswith("missed") and v.target.remark
    ]
    return ["### Missed targets", "", *lines, ""] if lines else []


def _part(name: str, part: dict[str, Any], charted: bool) -> list[str]:
    lines = [f"## {part['title']}", ""]
    if part["status"] != "ok":
        lines += [f"**This part has {part['status']}.**", ""]
        if part.get("error"):
            lines += ["```", part["error"].strip(), "```", ""]
    for note in part["notes"]:
        lines += [note, ""]
    if charted:
        lines += [f"![{part['title']}]({(IMAGES / name).as_posix()}.svg)", ""]
    for case in part["cases"]:
        lines += [f"**{case['case']}**", "", *_case(case), ""]
    if part.get("questions"):
        lines += [*_questions(part["questions"]), ""]
    if part["figures"]:
        lines += [*_figures(part["figures"]), ""]
    return [*lines, _where(part), ""]


def _case(case: dict[str, Any]) -> list[str]:
    """Median (minimum, spread) of each measure."""
    shown = [one for one in MEASURES if any(any(measured(case, who, one.name)) for who in case["runs"])]
    rows = []
    for who, runs in case["runs"].items():
        failed = sum("error" in one for one in runs)
        cells = [NAMES.get(who, who), f"{len(runs)}" + (f", {failed} failed" if failed else "")]
        for column in shown:
            values = measured(case, who, column.name)
            if not any(values):
                cells.append("")
                continue
            summary = summarize(values)
            cells.append(column.shown(summary.median))
            if summary.count > 1:
                cells[-1] += f" (min {column.shown(summary.minimum)}, ±{summary.spread / 2:.0%})"
        sound = [one["facts"] for one in runs if "error" not in one]
        cells.append(_facts(sound[-1]) if sound else "")
        rows.append(cells)
    titles = ["", "runs", *(one.words for one in shown), "of the last run"]
    if not any(row[-1] for row in rows):
        titles, rows = titles[:-1], [row[:-1] for row in rows]
    return _table(titles, rows)


def _facts(facts: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {_number(value)}" for name, value in facts.items() if isinstance(value, int | float)
    )


def _questions(answers: list[dict[str, Any]]) -> list[str]:
    rows = []
    for answer in answers:
        guide, ours = answer["tables"]["guide"], answer["tables"]["ours"]
        rows.append(
            [
                answer["question"],
                str(ours["rows"]),
                "equal" if ours["equal"] else "**different**",
                f"{guide['files']} / {ours['files']}",
                f"{guide['bytes'] / 1e6:,.1f} / {ours['bytes'] / 1e6:,.1f}",
                f"{summarize(guide['seconds']).median:.2f} / {summarize(ours['seconds']).median:.2f}",
                _number(answer["guide/ours time"]["median"]),
            ]
        )
    head = ["Question", "rows", "answers", "files, guide / ours", "MB, guide / ours", "s, guide / ours"]
    return _table([*head, "times as fast"], rows)


def _figures(figures: dict[str, Any]) -> list[str]:
    """A row for each figure; if every name is `column: row`, a table with these columns."""
    if all(name.count(": ") == 1 for name in figures):
        return _crossed(figures)
    rows = []
    for name, value in sorted(figures.items()):
        if isinstance(value, dict):
            several = value["count"] > 1
            span = f"{_number(value['minimum'])} to {_number(value['maximum'])}" if several else ""
            rows.append([name, _number(value["median"]), span])
        else:
            rows.append([name, "not measured" if value is None else _number(value), ""])
    if not any(row[-1] for row in rows):
        return _table(["Figure", "value"], [row[:-1] for row in rows])
    return _table(["Figure", "median", "span"], rows)


def _crossed(figures: dict[str, Any]) -> list[str]:
    pairs = [name.split(": ") for name in figures]
    columns, names = (sorted({pair[place] for pair in pairs}, key=_natural) for place in (0, 1))
    values = {name: value["median"] if isinstance(value, dict) else value for name, value in figures.items()}
    rows = [[name, *(_number(values.get(f"{column}: {name}")) for column in columns)] for name in names]
    return _table(["", *columns], rows)


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts 3 accounts before 10 accounts."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def _where(part: dict[str, Any]) -> str:
    machine = part["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    took = f", in {part['took_seconds']} s" if "took_seconds" in part else ""
    return (
        f"_Measured {part['when']}{took}, {part['sizes']} sizes, commit {machine['commit']}: "
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gb']} GB, {machine['system']}; "
        f"Python {machine['python']}, {machine['java']}; {packages}._"
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def _table(titles: list[str], rows: list[list[str]]) -> list[str]:
    cells = [titles, ["---"] * len(titles), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]
