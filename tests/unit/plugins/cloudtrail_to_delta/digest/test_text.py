"""How a digest reads: each section, what is cut, what may be incomplete; nothing that a caller wrote acts."""

from datetime import date

from cloudtrail_to_delta.digest.queries import DigestTable
from cloudtrail_to_delta.digest.text import CELL_LIMIT, SECTIONS, code, render_digest

DAY = date(2026, 11, 21)
TABLE = DigestTable(name="sec.trail", kind="events", newest_event="2026-11-22T01:00:00Z")


def row(section, n=1, *, what="x", found=1, table="sec.trail"):
    return {
        "section": section,
        "account": "111122223333",
        "what": what,
        "detail": "",
        "n": str(n),
        "found": str(found),
        "table": table,
    }


def test_a_quiet_day_says_so_in_every_section():
    digest = render_digest(DAY, [TABLE], [[row("total", 1234)]])
    assert digest.startswith("# CloudTrail digest of 2026-11-21\n\n1,234 events in 1 tables.\n\n## Root")
    assert digest.count("\n\nNone.") == len(SECTIONS)


def test_rows_of_all_tables_stand_in_one_section_the_most_frequent_first():
    answers = [[row("denied", 2, what="low")], [row("denied", 1000, what="high", table="b")]]
    section = render_digest(DAY, [TABLE], answers).partition("## Denied calls by principal\n\n")[2]
    assert section.splitlines()[2:4] == [
        "| `111122223333` | `high` |  | 1,000 |",
        "| `111122223333` | `low` |  | 2 |",
    ]


def test_what_is_cut_is_counted_table_by_table():
    answers = [[row("root", what=str(n), found=50) for n in range(20)], [row("root", found=7, table="b")]]
    assert "… and 37 more." in render_digest(DAY, [TABLE], answers)


def test_a_table_that_ends_within_the_day_is_named_as_perhaps_incomplete():
    behind = DigestTable(name="sec.behind", kind="events", newest_event="2026-11-21T22:00:00Z")
    idle = DigestTable(name="sec.insights", kind="insights")
    digest = render_digest(DAY, [TABLE, behind, idle], [])
    assert "- `sec.behind` had events up to 2026-11-21T22:00:00Z" in digest
    assert digest.count("may not be complete") == 1


def test_what_a_caller_wrote_is_code_in_one_cell():
    assert code("a|b\n`c` <!here> [x](http://y)") == "`a¦b 'c' <!here> [x](http://y)`"
    assert len(code("x" * 1000)) == CELL_LIMIT + 2
    assert code(None) == ""
