"""The page of params is the one that forms and contract make."""

from pathlib import Path

from cloudtrail_to_delta.params.ingest import PARAMS
from cloudtrail_to_delta.params.setup import SETUP_PARAMS
from cloudtrail_to_delta.reference.params import page

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_is_made_of_the_forms():
    written = (ROOT / "docs/params.md").read_text(encoding="utf-8")
    assert written == page(), "docs/params.md is stale: run `make params`"


def test_every_param_of_both_contracts_has_a_row():
    for dag, rules in (("ingest", PARAMS), ("setup", SETUP_PARAMS)):
        shown = page(dag)
        assert [name for name in rules if f"\n| `{name}` | " not in shown] == []
