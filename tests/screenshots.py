"""Write docs/images: the pages in a real browser, from invented rows of a metadata database.

    .venv/bin/python -m tests.screenshots

The pages, the queries and the sign-in are the product's.
"""

import os
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "plugins")]

import tests.conftest  # noqa: E402, F401 - before the first import of airflow
from sandbox.browser import find_chromium  # noqa: E402 - as above
from tests.fixtures.made_up import fill  # noqa: E402
from tests.fixtures.metadata import Metadata  # noqa: E402
from tests.fixtures.pages import SECRET, pages_of, served, token  # noqa: E402

IMAGES = Path(__file__).resolve().parents[1] / "docs/images"
SHOTS = (
    ("accounts-light", "overview", "light", (1280, 800), False),
    ("accounts-dark", "overview", "dark", (1280, 800), False),
    ("accounts-phone", "overview", "light", (390, 800), False),
    ("account-light", "account?dag_id=cloudtrail_ingest__prod_eu&kind=events", "light", (1280, 1000), False),
    ("account-dark", "account?dag_id=cloudtrail_ingest__prod_eu&kind=events", "dark", (1280, 1000), False),
)


def shoot(folder, shots=SHOTS):
    """Write every picture to a folder."""
    from playwright.sync_api import sync_playwright

    os.environ["AIRFLOW__API_AUTH__JWT_SECRET"] = SECRET
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as state, sync_playwright() as playwright:
        metadata = Metadata(f"sqlite:///{state}/airflow.db")
        fill(metadata)
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        with served(pages_of(metadata)) as address:
            for name, path, scheme, (width, height), whole in shots:
                context = chromium.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                context.add_cookies([{"name": "_token", "value": token(), "url": address}])
                page = context.new_page()
                page.goto(f"{address}/cloudtrail/{path}")
                page.screenshot(path=folder / f"{name}.png", full_page=whole)
                context.close()
        chromium.close()


if __name__ == "__main__":
    shoot(IMAGES)
