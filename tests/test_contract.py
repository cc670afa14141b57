"""The user's document, block by block."""

from tests.conftest import Account


def test_an_export_runs(account: Account) -> None:
    account.record({"id": "a", "description": 'A "dog", running'}, {"id": "b"})
    assert (
        account.download(format="csv", fields=["id", "description"])
        == b'id,description\r\nb,\r\na,"A ""dog"", running"\r\n'
    )
