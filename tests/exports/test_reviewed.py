"""Reviews in files: what is shown is written, what is filtered by them is exported, and what comes back is the same."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.commands import sightlog
from tests.conftest import Account

REVIEW = """mutation($input: [ReviewInput!]!) {
    reviewDescriptions(input: $input) { reviews { descriptionId verdict text note by at } } }"""
EXPORT = """mutation($format: ExportFormat!, $filter: DescriptionFilter) {
    createExport(input: {format: $format, filter: $filter, fields: ["id", "verification"]}) { id } }"""
OWN = {"by": "Ada", "n": 1.5}


@pytest.fixture
def reviewed(account: Account) -> tuple[Account, dict[str, Any]]:
    """An account with four results, and the verification of each as it is to be shown."""
    account.record({"id": "a"}, {"id": "b"}, {"id": "c", "verification": OWN}, {"id": "d"})
    said = [
        {"descriptionId": "a", "verdict": "CORRECTED", "text": 'Ein "Hund", 🐕\n', "note": "not, a cat"},
        {"descriptionId": "b", "verdict": "REJECTED"},
        {"descriptionId": "c", "verdict": "REJECTED"},
    ]
    told = account.graphql(REVIEW, input=said)["reviewDescriptions"]["reviews"]
    shown = {one.pop("descriptionId"): one | {"verdict": one["verdict"].lower()} for one in told}
    return account, shown | {"c": OWN, "d": None}


def read(content: bytes, format: str) -> dict[str, Any]:
    if format == "csv":
        rows = csv.DictReader(io.StringIO(content.decode(), newline=""))
        return {row["id"]: json.loads(row["verification"] or "null") for row in rows}
    objects = json.loads(content) if format == "json" else map(json.loads, content.splitlines())
    return {one["id"]: one["verification"] for one in objects}


@pytest.mark.parametrize("format", ["csv", "json", "jsonl"])
def test_a_file_shows_the_newest_review(reviewed: tuple[Account, dict[str, Any]], format: str) -> None:
    account, shown = reviewed
    for fields in (["id", "verification"], []):
        assert read(account.download(format=format, fields=fields), format) == shown
    for states, ids in ((["REJECTED"], "bc"), (["UNREVIEWED", "CORRECTED"], "ad")):
        asked = {"format": format.upper(), "filter": {"reviewStates": states}}
        state = account.wait(account.graphql(EXPORT, **asked)["createExport"]["id"])
        assert state["record_count"] == len(ids)
        assert read(httpx.get(state["download_url"], verify=False).content, format) == {id: shown[id] for id in ids}


def test_both_engines_write_the_keys_in_one_order(reviewed: tuple[Account, dict[str, Any]]) -> None:
    account, shown = reviewed
    line = account.download(format="jsonl", fields=["verification"]).splitlines()[2]
    by, at = shown["b"]["by"], shown["b"]["at"]
    assert line.decode() == (
        f'{{"verification":{{"at":"{at}","by":"{by}","note":null,"text":null,"verdict":"rejected"}}}}'
    )


def imported(account: Account, path: Path) -> str:
    told = sightlog(account.stack, "import", str(path), "--account", account.name)
    return told.stdout + told.stderr


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_what_was_exported_comes_back_as_the_same(
    reviewed: tuple[Account, dict[str, Any]], tmp_path: Path, format: str
) -> None:
    account, shown = reviewed
    path = tmp_path / f"export.{format}"
    path.write_bytes(account.download(format=format))
    assert imported(account, path) == "0 recorded, 4 already known, 0 rejected\n"
    again = [{"descriptionId": "b", "verdict": "ACCEPTED"}]
    [newer] = account.graphql(REVIEW, input=again)["reviewDescriptions"]["reviews"]
    assert read(account.download(format=format), format)["b"]["verdict"] == "accepted"
    assert imported(account, path).startswith("0 recorded, 4 already known")
    assert read(account.download(format=format), format) == shown | {
        "b": {name: newer[name] for name in ("text", "note", "by", "at")} | {"verdict": "accepted"}
    }


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_another_account_gets_it_as_a_verification(
    reviewed: tuple[Account, dict[str, Any]], make_account: Callable[[], Account], tmp_path: Path, format: str
) -> None:
    (account, shown), other, path = reviewed, make_account(), tmp_path / f"export.{format}"
    path.write_bytes(account.download(format=format))
    assert imported(other, path) == "4 recorded, 0 already known, 0 rejected\n"
    assert read(other.download(format=format), format) == shown
    found = other.graphql("{ descriptions { nodes { reviewState reviews { id } } } }")["descriptions"]["nodes"]
    assert found == [{"reviewState": "UNREVIEWED", "reviews": []}] * 4
