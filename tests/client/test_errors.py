"""What goes wrong is told by the kind of error, with what the server says of it."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.models import Scope
from sightlog import Client, Options, Retries, errors
from tests.client.another import another_server
from tests.client.conftest import QUICKLY
from tests.commands import sightlog
from tests.conftest import Account
from tests.forked import ForkedStack
from tools.servers import free_port
from tools.stack import Stack

AT_ONCE = Options(Retries(tries=1))


def test_a_wrong_key(account: Account) -> None:
    with Client(account.stack.url, "sightlog_wrong") as client, pytest.raises(errors.NotSignedIn) as refused:
        client.viewer()
    assert (refused.value.code, len(refused.value.request_id or "")) == ("INVALID_API_KEY", 36)


def test_no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SIGHTLOG_API_KEY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(errors.NotSignedIn, match="set SIGHTLOG_API_KEY, or run `sightlog login`"):
        Client("http://127.0.0.1:9")


def test_a_scope_that_does_not_allow_it(connect: Callable[..., Client]) -> None:
    with pytest.raises(errors.Forbidden) as refused:
        connect(Scope.READ).record([{"source_type": "single", "description": "x"}])
    assert (refused.value.code, refused.value.request_id is None) == ("AUTHZ_ERROR", False)


def test_a_value_that_cannot_be_meant(client: Client) -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        client.statistics(min_confidence=2)
    assert (refused.value.code, refused.value.field) == ("VALIDATION_ERROR", "minConfidence")
    assert refused.value.request_id


def test_what_the_account_does_not_have(client: Client) -> None:
    unknown = str(uuid.uuid4())
    with pytest.raises(errors.NotFound, match="There is no result 'r1'"):
        client.description("r1")
    with pytest.raises(errors.NotFound, match=f"There is no export '{unknown}'"):
        client.find_export(unknown)
    export = client.export("csv").wait()
    export.delete()
    with pytest.raises(errors.NotFound) as refused:
        export.cancel()
    assert refused.value.code == "NOT_FOUND"
    with pytest.raises(errors.NotFound, match=export.id):
        export.refresh()


def test_a_state_that_does_not_allow_it(client: Client) -> None:
    with pytest.raises(errors.Conflict) as refused:
        client.export("csv").wait().retry()
    assert refused.value.code == "CONFLICT"


def test_an_export_that_goes_on(client: Client) -> None:
    export = client.export("csv")
    with pytest.raises(errors.StillRunning, match=f"The export {export.id} is still pending after 0 s; it goes on."):
        export.wait(timeout=0)
    assert export.wait().status == "completed"


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Takes 3 requests a minute, and bodies of 1 kB."""
    settings = {"SIGHTLOG_RATE_LIMIT": "3", "SIGHTLOG_MAX_BODY_BYTES": "1024"}
    with ForkedStack(tmp_path_factory.mktemp("narrow"), settings) as stack:
        yield stack


@pytest.fixture
def narrow_key(narrow: Stack) -> str:
    sightlog(narrow, "accounts", "create", "team")
    return sightlog(narrow, "keys", "create", "--account", "team", "--scopes", "write").stdout.split()[-1]


def test_more_than_the_server_takes(narrow: Stack, narrow_key: str) -> None:
    with Client(narrow.url, narrow_key) as client, pytest.raises(errors.TooLarge) as refused:
        client.record([{"source_type": "single", "description": "x" * 2000}])
    assert refused.value.code == "PAYLOAD_TOO_LARGE"


def test_too_many_requests(narrow: Stack, narrow_key: str) -> None:
    with Client(narrow.url, narrow_key, options=AT_ONCE) as client:
        for _ in range(3):
            client.viewer()
        with pytest.raises(errors.RateLimited) as refused:
            client.viewer()
    assert refused.value.code == "RATE_LIMIT_ERROR"
    assert 0 < (refused.value.retry_after or 0) <= 60


def test_no_server() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with (
        Client(url, "key", options=QUICKLY) as client,
        pytest.raises(errors.Unavailable, match=f"{url} is not reached"),
    ):
        client.viewer()


def test_another_server() -> None:
    told = pytest.raises(errors.ServerFailed, match="is the URL that of one")
    with another_server(b"hello") as url, Client(url, "key") as client, told:
        client.viewer()


def test_an_answer_that_is_damaged() -> None:
    told = pytest.raises(errors.Unavailable, match="is not reached")
    packed = {"Content-Encoding": "gzip"}
    with another_server(b"hello", packed) as url, Client(url, "key", options=AT_ONCE) as client, told:
        client.viewer()


def test_a_code_that_is_not_known_yet_is_told_by_the_status() -> None:
    assert errors.kind_of("A_NEW_CODE", 409) is errors.Conflict
    assert errors.kind_of(None, 418) is errors.ServerFailed
