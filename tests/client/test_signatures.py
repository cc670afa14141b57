"""Receipts that the server signed: kept as they are, and checked with the keys that were met, or one that is given."""

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import sightlog
from app.signing import Signer, make_secret
from sightlog import Client, errors, signatures
from tests.conftest import Account


@pytest.fixture
def path(client: Client, tmp_path: Path) -> Path:
    client.record([{"id": "a", "source_type": "single", "description": 'a "red" door\u2028'}])
    return client.export("jsonl").save(tmp_path)


def receipt_of(path: Path) -> Path:
    return path.with_name(path.name + ".receipt.json")


def changed(path: Path, **changes: Any) -> None:
    """The receipt says something else; None takes it out."""
    document = json.loads(receipt_of(path).read_text()) | changes
    receipt_of(path).write_text(json.dumps({name: value for name, value in document.items() if value is not None}))


def test_it_is_kept_as_the_server_signed_it(account: Account, path: Path, config_home: Path) -> None:
    handle = f"/api/v2/data/export/{path.stem.removeprefix('export_')}/download?receipt"
    assert receipt_of(path).read_bytes() == account.client.get(handle).content
    kept = json.loads((config_home / "sightlog" / "known_keys.json").read_text())
    [key] = httpx.get(f"{account.stack.url}/.well-known/sightlog-key", verify=False).json()["keys"]
    assert kept == {key["key_id"]: {"public_key": key["public_key"], "url": account.stack.url}}
    receipt = sightlog.verify(path)
    assert (receipt.signed_by, receipt.unchecked, receipt.url) == (key["key_id"], None, None)


def test_a_receipt_that_was_fetched_alone_is_as_good(account: Account, path: Path, tmp_path: Path) -> None:
    state = account.export(format="csv")
    file = tmp_path / "by_curl.csv"
    file.write_bytes(httpx.get(state["download_url"], verify=False).content)
    handle = f"/api/v2/data/export/{state['export_id']}/download?receipt"
    receipt_of(file).write_bytes(account.client.get(handle).content)
    assert sightlog.verify(file).signed_by == sightlog.verify(path).signed_by


def test_a_receipt_that_is_not_what_was_signed(path: Path) -> None:
    """Also where it goes with the file that somebody has put in place of the right one."""
    for change in ({"filter": '{"search":["cat"]}'}, {"signature": base64.b64encode(bytes(64)).decode()}):
        before = receipt_of(path).read_bytes()
        changed(path, **change)
        with pytest.raises(errors.Damaged, match=r"receipt\.json is not what was signed\. The signature"):
            sightlog.verify(path)
        receipt_of(path).write_bytes(before)
    path.write_bytes(path.read_bytes().replace(b"red", b"bed"))
    with pytest.raises(errors.Damaged, match="is not what was exported"):
        sightlog.verify(path)


def test_what_cannot_be_checked_is_told(
    path: Path, tmp_path: Path, config_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an error where a key is given: whoever gives it wants a signature."""
    [(key_id, public_key)] = signatures.known().items()
    right, other = tmp_path / "right", tmp_path / "other"
    right.write_text(json.dumps({"keys": [{"key_id": key_id, "public_key": public_key}]}))
    other.write_text(Signer(make_secret()).public_key)
    assert sightlog.verify(path, key=right).signed_by == key_id

    def assert_unchecked(reason: str, key: Path) -> None:
        told = sightlog.verify(path)
        assert (told.rows, told.signed_by) == (1, None)
        assert told.unchecked == f"The signature of {receipt_of(path)} was not checked: {reason}."
        with pytest.raises(errors.Damaged, match="was not checked"):
            sightlog.verify(path, key=key)

    with pytest.raises(errors.Damaged, match=f"the key '{key_id}' is not known here: --key names a file with it"):
        sightlog.verify(path, key=other)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "cryptography.exceptions", None)
        assert_unchecked("the library cryptography is missing: pip install 'sightlog[verify]'", right)
    (config_home / "sightlog" / "known_keys.json").unlink()
    assert_unchecked(f"the key '{key_id}' is not known here: --key names a file with it", other)
    changed(path, algorithm="RSA")
    assert_unchecked("the algorithm 'RSA' is not known here", right)
    changed(path, signature=None)
    assert_unchecked("it has no signature", right)


@pytest.mark.parametrize("text", ["", "short", "{}", '{"keys": [{"key_id": "0", "public_key": "AAAA"}]}', "{"])
def test_a_file_without_a_key(path: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(errors.InvalidInput, match="has no key"):
        sightlog.verify(path, key=tmp_path / "key")


def test_another_key_of_the_same_server_is_told(caplog: pytest.LogCaptureFixture, config_home: Path) -> None:
    first, second = (Signer(make_secret()) for _ in range(2))
    signatures.trust("https://one", {first.key_id: first.public_key})
    signatures.trust("https://one", {first.key_id: first.public_key, second.key_id: second.public_key})
    signatures.trust("https://one", {second.key_id: second.public_key})
    assert [record.getMessage() for record in caplog.records] == [
        f"sightlog: https://one signs receipts; from now on this is trusted: {first.key_id}",
        "sightlog: https://one signs receipts with another key than before; "
        f"from now on this is trusted: {second.key_id}",
    ]
    assert signatures.known() == {one.key_id: one.public_key for one in (first, second)}


def test_a_server_that_signs_nothing(
    connect: Callable[..., Client], account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or is older: then the receipt is what the client knows, as ever."""
    client = connect()
    request = client.operations.request

    def older(method: str, path: str, **given: Any) -> httpx.Response:
        if path.startswith("/api/"):
            raise errors.NotFound("Not Found")
        return request(method, path, **given)

    monkeypatch.setattr(client.operations, "request", older)
    path = client.export("csv").save(tmp_path)
    document = json.loads(receipt_of(path).read_text())
    assert (document["url"], document["rows"]) == (account.stack.url, 0)
    assert "signature" not in document
    unchecked = f"The signature of {receipt_of(path)} was not checked: it has no signature."
    assert sightlog.verify(path).unchecked == unchecked
    assert signatures.known() == {}
