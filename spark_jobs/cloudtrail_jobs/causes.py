"""The innermost cause of an error that Spark reports, in one line: the file, and the words of the service.

Spark's text begins with Python's frames, then has Java's, and names the cause last. Databricks and Airflow
show only the start of an error.
"""

import re

_FRAMES = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t]+.*\n?|\n)*")
# How the traceback of a batch names an error of this job, whose messages have one line.
_OURS = "cloudtrail_jobs.errors."
_CAUSED_BY = re.compile(r"^\s*Caused by: (?:[\w$]+\.)*(\S.*)$", re.MULTILINE)
_FILE = re.compile(r"reading file (\S+?)\.?(?:\s|$)")
MOST = 2_000


def innermost(text: str) -> str:
    """Return the cause in the text of an error: this job's error if there is one, else the deepest cause."""
    ours = text.rfind(_OURS)
    if ours >= 0:
        return text[ours + len(_OURS) :].splitlines()[0][:MOST]
    causes = _CAUSED_BY.findall(text)
    if not causes:
        return " ".join(_FRAMES.sub(" ", text).split())[:MOST]
    file = _FILE.search(text)
    named = f"{file[1]}: " if file and file[1] not in causes[-1] else ""
    return f"{named}{causes[-1].strip()}"[:MOST]
