"""The pages of made-up accounts in a real browser: keyboard, contrast, widths, nothing from elsewhere."""

from itertools import pairwise, product
from urllib.parse import urlencode, urlsplit

import pytest

from tests.fixtures.made_up import at_age
from tests.fixtures.pages import pages_of, served, token

ACCOUNT = "account?dag_id=cloudtrail_ingest__prod_eu&kind=insights"
EVENTS = "account?dag_id=cloudtrail_ingest__prod_eu&kind=events"
EMPTY = "account?dag_id=cloudtrail_ingest__new_account"
FAILED = "account?dag_id=cloudtrail_ingest__legacy_billing&kind=events"
# The least contrast of each text with what is behind it. Source: WCAG 2.2, 1.4.3, 4.5 : 1.
CONTRAST = """() => {
  const light = (text) => {
    const [r, g, b] = text.match(/[0-9.]+/g).map(Number).map((one) => one / 255)
      .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if (!/rgba\\(.*, 0\\)|transparent/.test(color)) { return color; }
    }
    return "rgb(255, 255, 255)";
  };
  const texts = [...document.querySelectorAll("body *:not(title)")].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return texts.map((element) => {
    const style = getComputedStyle(element);
    const [one, two] = [light(element.closest("svg") ? style.fill : style.color), light(behind(element))]
      .sort((a, b) => b - a);
    return [(one + 0.05) / (two + 0.05), element.outerHTML.slice(0, 120)];
  }).sort((a, b) => a[0] - b[0])[0];
}"""


@pytest.fixture
def visit(browser, made_up):
    """Opens a page, signed in; what the browser complained of and what it asked of others is with it."""
    with served(pages_of(made_up)) as address:

        def opened(path, *, scheme="light", width=1280):
            context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
            context.add_cookies([{"name": "_token", "value": token(), "url": address}])
            page = context.new_page()
            page.complaints, page.elsewhere = [], []
            page.on("console", lambda message: page.complaints.append(message.text))
            page.on("request", lambda request: page.elsewhere.append(urlsplit(request.url).netloc))
            page.goto(f"{address}/cloudtrail/{path}")
            return page

        yield opened
        browser.close()


@pytest.fixture
def of_a_task(made_up):
    """The paths of the pages of one task of the newest run that left findings."""
    run = urlencode({"run_id": f"scheduled__{made_up.now - at_age(1):%Y-%m-%dT%H:%M:%S}+00:00"})
    return [
        f"{page}?dag_id=cloudtrail_ingest__prod_eu&task_id=preflight&{run}"
        for page in ("preflight", "what-to-do")
    ]


def focused(page):
    return page.evaluate("document.activeElement.innerText.trim()")


def test_nothing_is_asked_of_others_and_the_browser_has_no_complaint(visit, of_a_task):
    for path in ("overview", ACCOUNT, *of_a_task):
        page = visit(path)
        assert set(page.elsewhere) == {urlsplit(page.url).netloc}
        # The browser itself asks for an icon, which is not of these pages.
        assert [text for text in page.complaints if "404" not in text] == []


def test_every_text_can_be_read(visit, of_a_task):
    for path, scheme in product(("overview", ACCOUNT, EVENTS, FAILED, *of_a_task), ("light", "dark")):
        contrast, element = visit(path, scheme=scheme).evaluate(CONTRAST)
        assert contrast >= 4.5, (path, scheme, element)


def test_a_page_is_as_wide_as_its_window(visit, of_a_task):
    for path in ("overview", ACCOUNT, EVENTS, EMPTY, *of_a_task):
        page = visit(path)
        for width in (390, 1212, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width, path


def test_the_overview_is_searched_and_sorted_with_the_keyboard_alone(visit):
    page = visit("overview")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Tab")
    page.keyboard.type("prod_eu")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=prod_eu**")
    assert page.locator("tbody tr").count() == 2
    for _ in range(40):
        page.keyboard.press("Tab")
        if focused(page) == "Quarantined":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**sort=-quarantined**")
    assert "q=prod_eu" in page.url
    heading = page.get_by_role("columnheader", name="Quarantined")
    assert heading.get_attribute("aria-sort") == "descending"


def test_on_a_phone_the_scale_of_a_chart_is_in_the_window(visit):
    page = visit(FAILED, width=390)
    for chart in page.locator("svg.chart").all():
        ticks = [tick.bounding_box() for tick in chart.locator(".tick.end").all()]
        assert ticks
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in ticks)


def test_headings_tables_and_charts_say_what_they_are(visit):
    page = visit(ACCOUNT)
    assert page.get_by_role("heading", level=1).count() == 1
    levels = page.eval_on_selector_all("h1, h2, h3", "all => all.map((one) => Number(one.tagName[1]))")
    assert all(after <= before + 1 for before, after in pairwise(levels))
    tables = page.locator("table")
    assert tables.count() == page.locator("table > caption").count()
    charts = page.get_by_role("img").all()
    assert len(charts) == 3
    assert all(chart.get_attribute("aria-label") for chart in charts)


def test_a_page_of_its_own_follows_the_theme_that_airflow_keeps(visit):
    page = visit("overview")
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    page.evaluate("localStorage.setItem('theme', 'dark')")
    page.reload()
    assert page.evaluate(background) == "rgb(16, 19, 23)"
