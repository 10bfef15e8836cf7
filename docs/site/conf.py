"""Sphinx's settings for `make docs`: the repository's Markdown as a site that works without a network.

The source folder is the repository, so that a link is the same on a code host and on the site. A link to a
file that is not a page, such as a source file, becomes a download. The navigation is made of the links of the
index, docs/README.md, and of the indexes of its folders.
"""

import re
import shutil
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

project = "CloudTrail to Delta"
language = "en"
extensions = ["myst_parser"]
root_doc = "docs/README"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md", "docs/*/*.md"]
# Whole folders, so that Sphinx does not walk through packages and tables.
exclude_patterns = [path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "docs"]
templates_path = ["templates"]
# Anchors as code hosts make them.
myst_heading_anchors = 4
html_theme = "furo"
html_title = project
html_copy_source = False
html_show_sphinx = False
# The site has the folders of the repository; its index.html leads to the first page.
html_additional_pages = {"index": "index-redirect.html"}

LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)(#[^)\s]*)?\)")


def setup(app: Any) -> dict[str, bool]:
    """Connect the steps below; Sphinx calls this."""
    app.connect("source-read", add_navigation)
    app.connect("build-finished", copy_images)
    return {"parallel_read_safe": True}


def add_navigation(_: Any, docname: str, source: list[str]) -> None:
    """Add the hidden tables of contents that the sidebar is made of."""
    if docname == root_doc:
        sections = re.split(r"(?m)^## (.+)$", source[0])[1:]
        for caption, text in zip(sections[::2], sections[1::2], strict=True):
            source[0] += _toctree(caption, pages_of(docname, text))
    elif docname.endswith("/README"):
        folder = docname.removesuffix("README")
        below = [page for page in pages_of(docname, source[0]) if page.startswith(f"/{folder}")]
        source[0] += _toctree("", below)


def pages_of(docname: str, text: str) -> list[str]:
    """The pages that a text links to, each once, in their order, as Sphinx names them."""
    folder = (ROOT / docname).parent
    paths = [(folder / target).resolve() for target, _ in LINK.findall(text) if target.endswith(".md")]
    return list(dict.fromkeys(f"/{path.relative_to(ROOT).with_suffix('')}" for path in paths))


def _toctree(caption: str, pages: list[str]) -> str:
    title = f":caption: {caption}\n" if caption else ""
    return f"\n```{{toctree}}\n:hidden:\n{title}\n" + "\n".join(pages) + "\n```\n"


def copy_images(app: Any, error: Exception | None) -> None:
    """Copy the pictures that a `<picture>` element names: Sphinx does not see them."""
    if error is None:
        shutil.copytree(ROOT / "docs/images", Path(app.outdir) / "docs/images", dirs_exist_ok=True)
