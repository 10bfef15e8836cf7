"""Plain text for services that read Markdown: it shows as it is, links nowhere and calls nobody."""

import apprise
import pytest
from markdown_it import MarkdownIt

from cloudtrail_to_delta.alerts.markup import READ_MARKDOWN, as_markdown

TOKEN = "a" * 64


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a *b* _c_ ~~d~~", "a *b* _c_ ~~d~~"),
        ("[Reset your password](http://evil.example.com)", "[Reset your password](http://evil.example.com)"),
        ("`code` <b>bold</b>", "`code` &lt;b&gt;bold&lt;/b&gt;"),
        ("# a heading", "# a heading"),
    ],
)
def test_markup_in_a_text_shows_as_it_is(text, shown):
    commonmark = MarkdownIt("commonmark").enable("strikethrough")
    assert commonmark.render(as_markdown(text)) == f"<p>{shown}</p>\n"


def test_nobody_is_called_by_a_text():
    assert "@everyone" not in as_markdown("@everyone and <@12345> and <!channel>")
    assert ":wave:" not in as_markdown("a :wave: of calls")


def test_an_address_stays_a_link():
    address = (
        "https://airflow.example.com/dags/cloudtrail_ingest/runs/manual__2026-11-22T10:00:00+00:00?x=a_b"
    )
    assert as_markdown(f"Task log:    {address}") == f"Task log:    {address}"


@pytest.mark.parametrize(
    "url",
    [
        f"discord://123456789012345678/{TOKEN}",
        f"guilded://123456789012345678/{TOKEN}",
        "mmost://localhost/3ccdd113474722377935511fc85d3dd4",
        "zulip://bot@example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ],
)
def test_the_services_that_read_markdown_are_known_to_apprise_by_these_names(url):
    service = apprise.Apprise.instantiate(url, suppress_exceptions=False)
    assert service.service_name in READ_MARKDOWN
    assert service.resolve_format(apprise.NotifyFormat.TEXT) == apprise.NotifyFormat.TEXT


@pytest.mark.parametrize(
    "url",
    ["slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#c", "workflows://host/workflow/signature"],
)
def test_apprise_escapes_by_itself_for_slack_and_teams(url):
    service = apprise.Apprise.instantiate(url, suppress_exceptions=False)
    text, form = "<!channel> [x](http://y)", apprise.NotifyFormat.TEXT
    target = service.resolve_format(form)
    sent = service.dialect_convert(apprise.conversion.convert_between(form, target, text), body_format=target)
    assert service.service_name not in READ_MARKDOWN
    assert "<!channel>" not in sent
    assert target == form or "[x](" not in sent
