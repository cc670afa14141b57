"""The receipt of a file as a document of its own, checked as whoever has it years later would, with the public key."""

import base64
import json
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app import auth, signing
from app.exports import lifecycle, receipts, runs
from app.exports.formats import ExportFormat
from app.exports.requests import ExportRequest
from app.history.filters import DescriptionFilter
from app.models import Export
from app.runtime import Runtime, open_runtime, prepare
from app.settings import Settings
from app.signing import Signer
from tests.conftest import Account

NAMES = [
    *("version", "export_id", "format", "compression", "fields", "filter", "limit", "options"),
    *("rows", "bytes", "sha256", "notes", "snapshot_at", "completed_at", "server_version"),
    *("algorithm", "key_id", "signature"),
]


def canonical(document: dict[str, Any]) -> bytes:
    facts = {name: value for name, value in document.items() if name != "signature"}
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def check(document: dict[str, Any], keys: list[dict[str, Any]]) -> None:
    """InvalidSignature where it is not what was signed; KeyError where nobody knows the key."""
    public_key = {key["key_id"]: key["public_key"] for key in keys}[document["key_id"]]
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
    key.verify(base64.b64decode(document["signature"]), canonical(document))


def test_it_is_signed_with_a_key_that_the_server_tells(account: Account) -> None:
    account.record({"id": "ä\u2028", "description": 'a "red"\ndoor', "metadata": {"n": 1}})
    mutation = """mutation($input: CreateExportInput!) { createExport(input: $input) { id } }"""
    filter = {"search": ['red"\ndoor'], "metadata": [{"path": "n", "equals": 1}]}
    wanted = {"format": "CSV", "compression": "GZIP", "filter": filter}
    id = account.graphql(mutation, input=wanted)["createExport"]["id"]
    account.wait(id)
    answer = account.client.get(f"/api/v2/data/export/{id}/download?receipt")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["content-disposition"] == f'attachment; filename="export_{id}.csv.gz.receipt.json"'
    document = answer.json()
    query = "query($id: ID!) { export(id: $id) { completedAt fields receipt { rows bytes sha256 snapshotAt } } }"
    told = account.graphql(query, id=id)["export"]
    assert list(document) == NAMES
    assert document["rows"] == 1
    assert {name: document[name] for name in ("rows", "bytes", "sha256")} == {
        name: told["receipt"][name] for name in ("rows", "bytes", "sha256")
    }
    assert (document["snapshot_at"], document["completed_at"], document["fields"]) == (
        *(told["receipt"]["snapshotAt"], told["completedAt"], told["fields"]),
    )
    assert json.loads(document["filter"]) == filter
    keys = httpx.get(f"{account.stack.url}/.well-known/sightlog-key", verify=False)
    assert (keys.status_code, keys.headers["cache-control"]) == (200, "no-cache")
    [key] = keys.json()["keys"]
    assert (key["algorithm"], key["signs"]) == ("Ed25519", True)
    check(document, [key])
    for name in ("rows", "sha256", "snapshot_at"):
        with pytest.raises(InvalidSignature):
            check(document | {name: 7}, [key])
    assert account.client.get(f"/api/v2/data/export/{id}/download?receipt").content == answer.content


def completed(runtime: Runtime) -> Export:
    wanted = ExportRequest(format=ExportFormat.CSV, filter=DescriptionFilter())
    with runtime.database.write() as session:
        account_id = auth.account_id(session, "signed", create=True)
        id = lifecycle.create(session, account_id, wanted).id
    runs.run(runtime, account_id, id, Event())
    with runtime.database.read() as session:
        return lifecycle.get(session, account_id, id)


def test_old_keys_stay_known(tmp_path: Path) -> None:
    """The first is made by itself, the next two are set; then one is set that has signed nothing yet."""
    documents, made = [], [signing.make_secret() for _ in range(3)]
    for secret in ("", "", *made):
        runtime = open_runtime(Settings(data_dir=tmp_path, receipt_key=secret))
        prepare(runtime.database)
        if secret != made[-1]:
            documents.append(json.loads(receipts.document(completed(runtime)) or ""))
        with runtime.database.read() as session:
            keys = receipts.keys(session, runtime.signer)
        runtime.close()
    ids = [document["key_id"] for document in documents]
    assert ids[0] == ids[1] == Signer((tmp_path / "receipt-key").read_text()).key_id
    assert ids[2:] == [Signer(secret).key_id for secret in made[:2]]
    assert (tmp_path / "receipt-key").stat().st_mode & 0o777 == 0o600
    assert [(key["key_id"], key["signs"]) for key in keys] == [
        *((id, False) for id in ids[1:]),
        (Signer(made[2]).key_id, True),
    ]
    assert [key["since"] is None for key in keys] == [False, False, False, True]
    for document in documents:
        check(document, keys)


def test_without_a_key_it_tells_the_same_unsigned(tmp_path: Path) -> None:
    """With files in S3 each machine would make a key of its own, so that none signs unless one was set."""
    runtime = open_runtime(Settings(data_dir=tmp_path, s3_bucket="elsewhere"))
    assert runtime.signer is None
    assert not (tmp_path / "receipt-key").exists()
    runtime.close()
    keyless = open_runtime(Settings(data_dir=tmp_path))
    prepare(keyless.database)
    export = completed(keyless).model_copy(update={"signed_receipt": None})
    keyless.close()
    assert list(json.loads(receipts.document(export) or "")) == NAMES[:-3]
    assert receipts.document(export.model_copy(update={"bytes": None})) is None


@pytest.mark.parametrize("text", ["short", "c2hvcnQ=", "x" * 44, "é"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a key is 32 bytes as base64, such as `openssl rand -base64 32` prints"):
        Settings(receipt_key=text)
