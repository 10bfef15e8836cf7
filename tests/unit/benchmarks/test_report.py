"""The page of the benchmarks: it must say what failed and what is missed, and lose no part."""

import json
import xml.etree.ElementTree as ET

import pytest

from tests.benchmarks import report
from tests.benchmarks.__main__ import main
from tests.benchmarks.charts import chart
from tests.benchmarks.parts import part
from tests.benchmarks.results import Results
from tests.benchmarks.sizes import PARTS, SIZES


def run(seconds, **more):
    facts = {"facts": {}, "peak_bytes": 2e9, "out_bytes": 1e6, "cpu_seconds": 2 * seconds}
    return {"seconds": seconds, **facts, **more}


CASE = {
    "case": "400 records & more",
    "runs": {"guide": [run(20.0), run(30.0)], "ours": [run(10.0), {"error": "Traceback\nit broke"}]},
}


@pytest.fixture
def results(tmp_path):
    found = Results(tmp_path / "benchmarks.json")
    entry = found.begin("first_load", "First load", "full")
    entry |= {"status": "ok", "cases": [CASE], "notes": ["A note."]}
    entry["figures"] = {"small guide/ours time": {"median": 1.2, "minimum": 1, "maximum": 2, "count": 2}}
    failed = found.begin("storage", "Storage", "full")
    failed |= {"status": "failed", "error": "no space is left"}
    found.save()
    return found


@pytest.fixture
def page(results, tmp_path):
    report.write(results.data, tmp_path)
    return (tmp_path / "benchmarks.md").read_text()


def test_every_target_has_a_row_with_its_verdict(page):
    assert "| First load, smaller size: times as fast as the guide | ≥ 1.3 | 1.20 | **missed by 0.10" in page
    assert "not measured; the part has failed |" in page


def test_a_part_that_failed_says_so_and_why(page):
    assert "**This part has failed.**" in page
    assert "no space is left" in page


def test_runs_are_shown_with_median_minimum_and_spread(page):
    assert "| the guide's stream | 2 | 25.0 s (min 20.0 s, ±20%) |" in page
    assert "| ours | 2, 1 failed | 10.0 s |" in page


def test_figures_of_several_columns_are_one_short_table(results, tmp_path):
    entry = results.begin("cost", "Cost", "full")
    entry["figures"] = {"10 accounts: starts": 10, "2 accounts: starts": 2, "2 accounts: wake-ups": None}
    report.write(results.data, tmp_path)

    page = (tmp_path / "benchmarks.md").read_text()
    assert "|  | 2 accounts | 10 accounts |\n| --- | --- | --- |\n| starts | 2 | 10 |" in page
    assert "| wake-ups |  |  |" in page


def test_the_page_says_where_and_when_it_was_measured(page, results):
    entry = results.data["parts"]["first_load"]
    assert f"Measured {entry['when']}" in page
    assert f"{entry['machine']['cores']} cores" in page


def test_a_chart_is_a_sound_drawing_with_a_bar_for_each_contender_and_measure(tmp_path, page):
    drawn = ET.fromstring((tmp_path / "images/bench/first_load.svg").read_text())  # noqa: S314  # our own

    bars = drawn.findall("{*}rect")[1:]
    assert len(bars) == 2 * 4
    assert "images/bench/first_load.svg" in page


def test_a_part_without_figures_has_no_chart():
    assert chart("Airflow", []) == ""
    assert chart("Failed", [{"case": "x", "runs": {"ours": [{"error": "broke"}]}}]) == ""


def test_measuring_one_part_again_keeps_the_others(results):
    again = Results(results.path)
    again.begin("storage", "Storage", "full")
    again.save()

    kept = json.loads(results.path.read_text())["parts"]
    assert kept["first_load"]["cases"] == [CASE]
    assert kept["storage"]["status"] == "stopped"


def test_rendering_measures_nothing_and_keeps_the_results(results, tmp_path):
    before = results.path.read_text()

    assert main(["--render", "--out", str(tmp_path)]) == 0
    assert results.path.read_text() == before
    assert (tmp_path / "benchmarks.md").exists()


def test_every_part_can_be_started():
    assert [part(name).name for name in PARTS] == list(PARTS)
    assert all(set(sizes.parts) <= set(PARTS) for sizes in SIZES.values())


def test_an_unknown_part_is_refused_with_the_names_of_all(capsys):
    with pytest.raises(SystemExit):
        main(["--only", "first_lod"])
    assert f"no part is called first_lod; parts: {', '.join(PARTS)}\n" in capsys.readouterr().err
