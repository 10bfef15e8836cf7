"""Visits to the overview and to a table's page, and what they show as text."""

import re
from html import unescape

import httpx

from tests.fixtures.metadata import HOUR, resolved, validated
from tests.fixtures.pages import pages_of, token

OVERVIEW = "/cloudtrail/overview"
ACCOUNT = "/cloudtrail/account"
PREFLIGHT = "/cloudtrail/preflight"
GUIDANCE = "/cloudtrail/what-to-do"
FAILED = {"events.submit": "failed", "insights.submit": "skipped", "report": "upstream_failed"}


async def get(app, path, role="VIEWER", **query):
    headers = {} if role is None else {"Authorization": f"Bearer {token(None if role == 'none' else role)}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://airflow") as client:
        return await client.get(path, params=query or None, headers=headers)


def good_run(metadata, dag, age=HOUR, **changed):
    more = changed.pop("xcoms", [resolved(("events",))])
    return metadata.run(dag, age, xcoms=[*more, *validated(at=metadata.now - age, **changed)])


def texts(html):
    """The rows of the tables, each as the text of its cells."""
    rows = re.findall(r"<tr>(.*?)</tr>", html.replace("<wbr>", ""), re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row] for row in cells]


async def overview(metadata, **query):
    """The overview's rows as heading → text."""
    answer = await get(pages_of(metadata), OVERVIEW, **query)
    assert answer.status_code == 200
    head, *rows = texts(answer.text) or [[]]
    return [dict(zip(head, row, strict=True)) for row in rows]


def with_backticks(html):
    """The text of a page with its code between backticks, as remedies have it."""
    return unescape(re.sub("</?code>", "`", html))
