"""The page of permissions is the one that the simulated policies make."""

from pathlib import Path

from cloudtrail_to_delta.reference.permissions import page

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_is_made_of_the_policies():
    written = (ROOT / "docs/permissions.md").read_text(encoding="utf-8")
    assert written == page(), "docs/permissions.md is stale: run `make permissions`"


def test_the_reader_role_of_the_page_cannot_change_a_log_file():
    assert "my-trail/" in page()
    statements = [block for block in page().split("{") if "my-trail/" in block]
    assert statements
    assert not [block for block in statements if "PutObject" in block or "DeleteObject" in block]
