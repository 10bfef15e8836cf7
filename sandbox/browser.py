"""The Chromium that draws pages: for pictures, and for the tests."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Return the path of the first Chromium on this machine, None without one."""
    return next((path for path in map(shutil.which, NAMES) if path), None)
