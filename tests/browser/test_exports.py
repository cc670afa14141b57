"""Exports of what is seen, and the page that lists them."""

import csv
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visitor
from tests.browser.test_history import History, total
from tests.browser.watch import Watch
from tools import patience


def order(page: Page, *, format: str = "CSV", without: tuple[str, ...] = ()) -> Page:
    """Exports the view, and goes to the list of exports."""
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Export what you see")
    dialog.get_by_role("radio", name=re.compile(f"^{format}")).check()
    for column in without:
        dialog.get_by_role("checkbox", name=column, exact=True).uncheck()
    dialog.get_by_role("button", name="Start the export").click()
    page.get_by_role("link", name="See exports").click()
    expect(page.get_by_role("heading", name="Exports")).to_be_visible()
    return page


def card(page: Page) -> Locator:
    return page.get_by_role("list", name="Exports").locator("> li").first


def done(page: Page) -> Locator:
    expect(card(page).locator(".badge")).to_have_text("Done", timeout=patience.seconds(30) * 1000)
    return card(page)


@pytest.fixture
def site(visitor: Visitor, watch: Watch) -> Visitor:
    """Whose files may come from the bucket, where there is one."""
    if bucket := visitor.account.stack.settings.get("SIGHTLOG_S3_ENDPOINT_URL"):
        watch.allow(bucket)
    return visitor


def test_what_has_changed_since_it_was_seen_is_told_before_it_is_exported(site: Visitor, history: History) -> None:
    page = site.open("/?type=rule")
    seen = sum(one["type"] == "rule" for one in history)
    total(page, seen)
    site.account.record({"id": "drifted", "type": "rule", "description": "Newer than the page"})
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Export what you see")
    expect(dialog).to_contain_text(re.compile(r"About [\d.]+ \w+, in 1 second\."))
    dialog.get_by_role("button", name="Start the export").click()
    expect(dialog.get_by_role("alert")).to_contain_text(f"{seen} matched then, {seen + 1} match now")
    dialog.get_by_role("button", name="Export what matches now").click()
    page.get_by_role("link", name="See exports").click()
    expect(done(page)).to_contain_text(re.compile(rf"Rows\s*{seen + 1}\D"))


def test_what_is_seen_is_exported(site: Visitor, history: History, tmp_path: Path) -> None:
    found = [one for one in history if one["type"] == "rule"]
    page = site.open("/?type=rule")
    total(page, len(found))
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Export what you see")
    expect(dialog).to_contain_text(f"{len(found)} results, as the view narrows them")
    dialog.get_by_role("button", name="Cancel").click()
    row = done(order(page, without=("metadata", "verification")))
    expect(row).to_contain_text(re.compile(rf"Rows\s*{len(found)}\D"))
    with page.expect_download() as downloading:
        row.get_by_role("link", name="Download").click()
    file = tmp_path / downloading.value.suggested_filename
    downloading.value.save_as(file)
    assert file.name.startswith("export_")
    assert hashlib.sha256(file.read_bytes()).hexdigest() == row.locator("code.hash").inner_text()
    with file.open(newline="") as lines:
        written = list(csv.DictReader(lines))
    assert [one["id"] for one in written] == [one["id"] for one in found]
    assert "metadata" not in written[0]
    row.get_by_text("What happened").click()
    for event in ("Ordered", "Started", "Completed"):
        expect(row.locator("details.events")).to_contain_text(event)


def test_parquet_is_compressed_in_itself(site: Visitor, history: History) -> None:
    page = site.open("/")
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Export what you see")
    dialog.get_by_role("radio", name="gzip").check()
    dialog.get_by_role("radio", name=re.compile("^Parquet")).check()
    expect(dialog.get_by_role("radio", name="gzip")).to_be_disabled()
    dialog.get_by_role("radio", name=re.compile("^CSV")).check()
    expect(dialog.get_by_role("radio", name="gzip")).to_be_checked()
    dialog.get_by_role("button", name="Cancel").click()
    row = done(order(page, format="Parquet"))
    expect(row.locator("strong")).to_have_text("PARQUET")
    with page.expect_download() as downloading:
        row.get_by_role("link", name="Download").click()
    assert downloading.value.suggested_filename.endswith(".parquet")


def test_a_key_of_the_metadata_is_a_column_of_a_sheet(site: Visitor, history: History, tmp_path: Path) -> None:
    page = site.open()
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Export what you see")
    dialog.get_by_role("radio", name="Excel, a sheet of typed cells").check()
    expect(dialog.get_by_role("radio", name="gzip")).to_be_disabled()
    dialog.get_by_role("textbox", name="Keys of the metadata").fill("model, id")
    dialog.get_by_role("button", name="Start the export").click()
    page.get_by_role("link", name="See exports").click()
    row = done(page)
    expect(row).to_contain_text("metadata, model, metadata.id")
    with page.expect_download() as downloading:
        row.get_by_role("link", name="Download").click()
    file = tmp_path / "a.xlsx"
    downloading.value.save_as(file)
    sheet = load_workbook(file).active
    assert sheet is not None
    assert (sheet.max_row, [cell.value for cell in sheet[1]][-2:]) == (len(history) + 1, ["model", "metadata.id"])


def test_progress_comes_by_itself_and_a_closed_page_loses_nothing(site: Visitor, history: History) -> None:
    page = site.open("/exports")
    expect(page.locator("main")).to_contain_text("There are no exports yet.")
    page.get_by_role("link", name="History", exact=True).click()
    page.get_by_role("button", name="Export").click()
    page.get_by_role("dialog").get_by_role("button", name="Start the export").click()
    expect(page.get_by_role("link", name="See exports")).to_be_visible()
    page.close()
    row = done(site.open("/exports"))
    expect(row).to_contain_text(re.compile(rf"Rows\s*{len(history)}\D"))


def test_a_link_is_copied_and_an_export_deleted(site: Visitor, history: History) -> None:
    page = site.open(permissions=["clipboard-read", "clipboard-write"])
    row = done(order(page, format="JSON lines"))
    row.get_by_role("button", name="Copy download link").click()
    expect(row.get_by_role("status").filter(has_text="Copied")).to_be_attached()
    link: str = page.evaluate("navigator.clipboard.readText()")
    assert page.context.request.get(link).text().count("\n") == len(history)
    row.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete this export?").get_by_role("button", name="Delete").click()
    expect(page.locator("main")).to_contain_text("There are no exports yet.")
    assert page.context.request.get(link).status in (403, 404)


def test_a_training_set_tells_what_it_lacks(site: Visitor, history: History) -> None:
    page = site.open()
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Export what you see")
    dialog.get_by_role("radio", name=re.compile("^ImageFolder")).check()
    expect(dialog.get_by_role("group", name="Compression")).to_have_count(0)
    dialog.get_by_role("checkbox", name="With the images").check()
    dialog.get_by_role("checkbox", name="A text file").check()
    dialog.get_by_role("button", name="Start the export").click()
    page.get_by_role("link", name="See exports").click()
    row = done(page)
    expect(row).to_contain_text(re.compile(r"Rows\s*0\D"))
    expect(row).to_contain_text(re.compile(rf"Left out\s*{len(history)}\D"))
    with page.expect_download() as downloading:
        row.get_by_role("link", name="which, and why").click()
    assert downloading.value.suggested_filename.endswith(".ledger.jsonl")


CREATE = "mutation { createExport(input: {format: CSV}) { id } }"


def test_an_export_is_cancelled_and_tried_again(site: Visitor, history: History) -> None:
    """Cancelled by the API, since a small one is done before a hand is at the button."""
    account = site.account
    id = account.graphql(CREATE)["createExport"]["id"]
    told: dict[str, Any] = account.client.post(
        "/graphql", json={"query": f'mutation {{ cancelExport(id: "{id}") {{ status }} }}'}
    ).json()
    page = site.open("/exports")
    if "errors" in told:  # it was done by then
        done(page)
        return
    expect(card(page).locator(".badge")).to_have_text("Cancelled")
    card(page).get_by_role("button", name="Try again").click()
    done(page)
