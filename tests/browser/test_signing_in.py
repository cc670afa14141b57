"""Signing in and out, and that nobody sees what is another's."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from playwright.sync_api import Page, expect

from app import auth, sessions
from app.engine.db import Database
from app.models import Scope
from tests.browser.conftest import Visitor
from tests.browser.watch import Watch
from tests.commands import sightlog
from tests.conftest import Account, only_embedded

pytestmark = only_embedded

History = list[dict[str, Any]]
STORED = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"


def form(visitor: Visitor, path: str = "/") -> Page:
    page = visitor.open(path, None)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    return page


def show_key(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def shows(page: Page, history: History) -> None:
    expect(page.get_by_role("table", name="Results").get_by_role("row")).to_have_count(51)
    expect(page.locator(".total")).to_contain_text(f"{len(history)} results")


def test_a_key_signs_in_and_is_kept_nowhere_in_the_browser(visitor: Visitor, history: History) -> None:
    page = form(visitor)
    show_key(page, f"  Bearer {visitor.account.keys[Scope.READ]}\n")
    shows(page, history)
    stored = page.evaluate(STORED)
    assert "sightlog_" not in stored
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("sightlog_session", True, "Strict")
    assert visitor.account.keys[Scope.READ] not in cookie["value"]
    page.reload()
    shows(page, history)


def test_a_wrong_key_is_told_as_such(visitor: Visitor, watch: Watch) -> None:
    watch.forgive("status of 401 .* /session$")
    page = form(visitor)
    show_key(page, "sightlog_nothing")
    expect(page.get_by_role("alert").filter(has_text="key")).to_contain_text("not valid")
    expect(page.get_by_label("API key")).to_be_focused()
    page.get_by_label("API key").fill("")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="sightlog_")).to_be_visible()


def link_of(account: Account, database: Database, lifetime: timedelta = timedelta(hours=1)) -> str:
    with database.write() as session:
        token = sessions.make_link(session, auth.prefix_of(account.keys[Scope.WRITE]), lifetime=lifetime)
    return sessions.link("", token)


def test_a_link_signs_in_once(visitor: Visitor, history: History, database: Database) -> None:
    link = link_of(visitor.account, database)
    page = visitor.open(link, None)
    shows(page, history)
    assert "token" not in page.url
    again = visitor.open(link, None)
    expect(again.get_by_role("alert").first).to_contain_text("That link has been used already, or its time is over.")
    expect(again.get_by_label("API key")).to_be_visible()


def test_a_link_that_is_too_old_or_was_never_made_says_so(visitor: Visitor, database: Database) -> None:
    for link in (link_of(visitor.account, database, timedelta(0)), "/sign-in?token=nothing", "/sign-in"):
        page = visitor.open(link, None)
        expect(page.get_by_role("alert").first).to_contain_text("or its time is over")


def test_signing_out_ends_the_session(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    shows(page, history)
    page.get_by_label(f"Account {visitor.account.name}").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("table")).to_have_count(0)


def test_two_accounts_never_see_each_other(
    visitor: Visitor, history: History, watch: Watch, make_account: Callable[[], Account]
) -> None:
    stranger = Visitor(make_account(), watch)
    stranger.account.record({"id": "a stranger's", "description": "A door that nobody else has seen"})
    page, other = visitor.open(), stranger.open()
    shows(page, history)
    expect(other.locator(".total")).to_contain_text("1 result")
    expect(other.locator("main")).to_contain_text("A door that nobody else has seen")
    expect(page.get_by_text("A door that nobody else has seen")).to_have_count(0)
    foreign = stranger.open(f"/descriptions/{history[0]['id']}")
    expect(foreign.locator("main")).to_contain_text("This account has no result of the id")
    expect(stranger.open(f"/?image={history[0]['image_id']}").locator("main")).to_contain_text("Nothing matches")
    # One browser, first the one and then the other: nothing is left of the first.
    page.get_by_label(f"Account {visitor.account.name}").click()
    page.get_by_role("button", name="Sign out").click()
    show_key(page, stranger.account.keys[Scope.READ])
    expect(page.locator(".total")).to_contain_text("1 result")
    page.go_back()
    expect(page.locator("body")).not_to_contain_text(history[0]["description"].split("\n")[0])


def test_a_revoked_key_ends_the_session_in_the_open_page(visitor: Visitor, history: History, watch: Watch) -> None:
    watch.forgive("status of 401 .* /graphql$")
    page = visitor.open()
    shows(page, history)
    revoked = sightlog(visitor.account.stack, "keys", "revoke", auth.prefix_of(visitor.account.keys[Scope.WRITE]))
    assert revoked.exit_code == 0
    page.get_by_label("Search texts").fill("dog")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog.get_by_role("alert").first).to_contain_text(re.compile("deactivated|revoked", re.IGNORECASE))
    dialog.get_by_label("API key").fill(visitor.account.keys[Scope.READ])
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".total")).to_contain_text(
        f"{sum('dog' in (one['description'] or '').lower() for one in history)} result"
    )


def test_the_explorer_and_the_reference_use_the_same_session(visitor: Visitor) -> None:
    page = visitor.open("/graphql", ready="body")
    asked = """() => fetch("graphql", {
        method: "POST", headers: {"Content-Type": "application/json"}, body: '{"query": "{ viewer { accountName } }"}',
    }).then((answer) => answer.json())"""
    assert page.evaluate(asked) == {"data": {"viewer": {"accountName": visitor.account.name}}}
    page.goto(page.url.replace("/graphql", "/docs"))
    expect(page.get_by_text("/api/v2/data/descriptions").first).to_be_visible()
    assert "sightlog_" not in page.evaluate(STORED)
