"""docs/adr: each decision has a status and a date, the index names it, and no number is missing."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "docs/adr"
RECORDS = sorted(FOLDER.glob("0*.md"))
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")
SECTIONS = ["Context", "Decision", "Consequences", "A change violates this when"]
DATE = r"\d{4}-\d{2}-\d{2}"


def test_the_numbers_have_no_gap_and_the_index_names_each_record() -> None:
    assert [record.name[:4] for record in RECORDS] == [f"{n:04d}" for n in range(1, len(RECORDS) + 1)]
    assert re.findall(r"\| \[\d{4}\]\(([^)]+)\)", INDEX) == [record.name for record in RECORDS]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_record_has_its_number_status_dates_and_sections(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    head, _, status = text.split("\n")[:3]
    dates = re.fullmatch(rf"Status: (\w+)\. Decided ({DATE})(?:, last changed ({DATE}))?\.", status)

    assert head.startswith(f"# {record.name[:4]}: ")
    assert dates
    assert f"({record.name}) " in INDEX
    assert f"| {' | '.join(part or '' for part in dates.groups())} |".replace("|  |", "| |") in INDEX
    assert re.findall(r"(?m)^## (.+)$", text) == SECTIONS


def test_former_numbers_are_accounted_for_once() -> None:
    former = INDEX.partition("## Former numbers")[2]
    rows = "\n".join(line for line in former.split("\n") if re.match(r"\| \d", line))
    moved = re.findall(r"\d{4}(?= [a-z])", rows)
    unused = re.search(r"The former numbers (.+?) were", former, re.DOTALL)

    assert unused
    spans = [part.split(" to ") for part in re.split(r",\s*|\s+and\s+", " ".join(unused[1].split()))]
    never = [n for first, *last in spans for n in range(int(first), int((last or [first])[0]) + 1)]
    assert sorted([*map(int, moved), *never]) == list(range(1, 91))


@pytest.mark.parametrize("record", [*RECORDS, FOLDER / "README.md"], ids=lambda record: record.stem)
def test_links_and_module_paths_lead_somewhere(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    modules = re.findall(r"`((?:plugins|spark_jobs|sandbox|tests|dags)/[\w./-]+)`", text)

    missing = [link for link in links if not (record.parent / link).exists()]
    missing += [name for name in modules if not (ROOT / name).exists() and not name.endswith("/job/")]
    assert missing == []
