"""The documentation: its links lead somewhere, and the commands that it names exist."""

import importlib.util
import re

import pytest

from cloudtrail_to_delta.console import main
from docs.site import operators
from tests.fixtures.documents import PAGES, ROOT, anchors, commands, links, name_of, statements

INDEX = ROOT / "docs/README.md"
# Folders with an index of their own.
FOLDERS = {ROOT / "docs/operations", ROOT / "docs/adr", ROOT / "docs/deploy"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_to_a_file_and_every_anchor_to_a_heading(page):
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert target.is_relative_to(ROOT), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def test_links_anchors_commands_and_statements_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A page, `b`\n\n## Twice\n\n## Twice\n\n"
        "[x](a.md#b), ![y](c.png), [z](https://d.example), `[n](o.md)`\n"
        '<img src="e.svg">\n`make one`, not make other\n\n```bash\nmake two   # and more\n'
        "make sql Q=\"SELECT 1\"\n```\n\n```sql\nSELECT 2; -- two\nSELECT '…';\n```\n"
    )
    assert anchors(page) == {"a-page-b", "twice", "twice-1"}
    assert list(links(page)) == [("a.md", "b"), ("c.png", ""), ("e.svg", "")]
    assert commands(page, "make") == {"one", "two", "sql"}
    assert list(statements(page)) == ["SELECT 2", "SELECT 1"]


def test_the_index_lists_every_page_once():
    listed = [(INDEX.parent / path).resolve() for path, _ in links(INDEX)]
    own = [page for page in PAGES if page != INDEX and page.parent not in FOLDERS]
    assert sorted(listed) == sorted([*own, *(folder / "README.md" for folder in FOLDERS)])


def test_each_kind_of_deployment_is_listed_and_says_what_was_tried():
    folder = ROOT / "docs/deploy"
    pages = set(folder.glob("*.md")) - {folder / "README.md"}
    assert pages == {(folder / path).resolve() for path, _ in links(folder / "README.md")} & pages
    for page in (folder / "README.md", *pages):
        assert "what-was-tried" in anchors(page), page


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_of_the_console_that_documents_name_exist(page, capsys):
    for command in sorted(commands(page, "cloudtrail-to-delta")):
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0, capsys.readouterr().err


def test_the_reference_names_every_command_of_the_console(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    offered = re.findall(r"(?m)^ {4}([a-z-]+)\b", capsys.readouterr().out)
    assert offered
    assert commands(ROOT / "docs/reference/commands.md", "cloudtrail-to-delta") == set(offered)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_modules_that_documents_run_exist(page):
    text = page.read_text(encoding="utf-8")
    for module in re.findall(r"python -m ((?:tests|sandbox|docs|cloudtrail_to_delta)[\w.]*)", text):
        assert importlib.util.find_spec(module), module


def test_the_page_of_operators_is_made_of_the_docstrings():
    written = (ROOT / "docs/reference/operators.md").read_text(encoding="utf-8")
    assert written == operators.page(), "docs/reference/operators.md is stale: run `make operators`"


def test_the_packages_of_the_site_are_pinned():
    wanted = set(re.findall(r"(?m)^([a-z-]+)$", (ROOT / "requirements-docs.in").read_text()))
    assert wanted
    assert wanted <= set(re.findall(r"(?m)^([\w-]+)==", (ROOT / "requirements-docs.txt").read_text()))
