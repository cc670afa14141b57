"""What is told of an export."""

import uuid

import pytest

from app.exports import lifecycle
from app.models import Export
from tests.conftest import Account
from tests.held import Held
from tests.rest_compat.conftest import EXPORT, UNKNOWN, listed


@pytest.mark.parametrize(
    ("id", "status"), [(UNKNOWN, 404), (UNKNOWN.replace("-", ""), 404), ("nope", 422), ("1", 422), (UNKNOWN[:-1], 422)]
)
def test_an_unknown_export_is_404_and_what_is_no_uuid_422(account: Account, id: str, status: int) -> None:
    response = account.client.get(f"{EXPORT}/{id}")
    assert response.status_code == status
    if status == 404:
        assert response.json() == {"detail": "Export not found"}
    else:
        [place] = response.json()["detail"]
        assert (place["loc"], place["type"]) == (["path", "export_id"], "uuid_parsing")


def test_another_accounts_export_and_results_do_not_exist(exporting: Account, account: Account) -> None:
    id = exporting.export()["export_id"]
    response = account.client.get(f"{EXPORT}/{id}")
    assert (response.status_code, response.json()) == (404, {"detail": "Export not found"})
    assert listed(account)["total_count"] == 0
    assert account.download() == b""


def test_an_export_whose_file_was_removed_is_404(account: Account) -> None:
    id = account.export()["export_id"]
    with account.database.write() as session:
        export = session.get(Export, (account.id, uuid.UUID(id)))
        assert export is not None
        export.expired_at = lifecycle.clock(session)
    response = account.client.get(f"{EXPORT}/{id}")
    assert (response.status_code, response.json()) == (404, {"detail": "Export not found"})


def test_a_cancelled_export_shows_as_failed_with_its_reason(account: Account) -> None:
    held = Held(account)
    account.graphql("mutation($id: ID!) { cancelExport(id: $id) { status } }", id=held.id)
    state = account.client.get(f"{EXPORT}/{held.id}").json()
    assert (state["status"], state["error_message"]) == ("failed", "The export was cancelled")
    assert (state["download_url"], state["record_count"]) == (None, None)
