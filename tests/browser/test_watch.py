"""That a test fails if its pages do what they must not."""

from playwright.sync_api import Page

from tests.browser.conftest import Visitor
from tests.browser.watch import Watch
from tests.conftest import only_embedded

pytestmark = only_embedded


def docs(visitor: Visitor) -> Page:
    """Loaded to its end, signed in."""
    page = visitor.open("/docs", ready="body")
    page.wait_for_load_state("networkidle")
    return page


def told(watch: Watch) -> list[str]:
    """What was wrong, which is then forgotten."""
    wrong, watch.wrong = watch.wrong, []
    return wrong


def fetched(page: Page, url: str) -> str:
    answer: str = page.evaluate("url => fetch(url).then(() => 'fetched', String)", url)
    return answer


def test_another_server_is_neither_reached_nor_asked(visitor: Visitor, watch: Watch) -> None:
    page = docs(visitor)
    page.goto("about:blank")
    assert fetched(page, "https://example.org/") == fetched(page, "http://192.0.2.1/") == "TypeError: Failed to fetch"
    wrong = told(watch)
    assert "asked for https://example.org/" in wrong
    assert "asked for http://192.0.2.1/" in wrong


def test_what_the_policy_refuses_is_told(visitor: Visitor, watch: Watch) -> None:
    page = docs(visitor)
    assert fetched(page, "https://example.org/") == "TypeError: Failed to fetch"
    assert any("Content Security Policy" in wrong for wrong in told(watch))


def test_errors_are_told(visitor: Visitor, watch: Watch) -> None:
    page = docs(visitor)
    page.evaluate("console.error('one'); setTimeout(() => { throw new Error('two'); })")
    page.wait_for_timeout(50)
    wrong = told(watch)
    assert wrong[0].startswith("one")
    assert "two" in "".join(wrong[1:])
