"""docs/page.md explains every state that the page of all accounts knows."""

import re
from pathlib import Path

from cloudtrail_to_delta.ui.render import STATE_WORDS
from cloudtrail_to_delta.ui.states import STATES

ROOT = Path(__file__).resolve().parents[3]


def test_the_text_lists_exactly_the_states():
    text = (ROOT / "docs/page.md").read_text(encoding="utf-8")
    listed = re.findall(r"(?m)^\| ([a-z][a-z ]*?)(?:, since …)? \| ", text)
    assert set(listed) - {"state"} == {words.partition(" ")[2] for words in STATE_WORDS.values()}


def test_every_state_has_its_words():
    assert set(STATES) == set(STATE_WORDS)
