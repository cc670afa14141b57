from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.models import Scope
from sightlog import Client, Options, Retries
from tests.client.between import Between
from tests.conftest import Account
from tools import patience

QUICKLY = Options(Retries(first=0.01, longest=0.1), timeout=patience.seconds(30))


@pytest.fixture(autouse=True)
def config_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the client keeps profiles and known keys: nothing of the person who runs the tests."""
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    return folder


@pytest.fixture
def connect(account: Account) -> Iterator[Callable[..., Client]]:
    """Clients of the account, which are closed at the end; by default with the scope that most tests need."""
    with ExitStack() as opened:
        yield lambda scope=Scope.WRITE, url=None: opened.enter_context(
            Client(url or account.stack.url, account.keys[scope], options=QUICKLY)
        )


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    return connect()


@pytest.fixture
def between(account: Account) -> Iterator[Between]:
    with Between(account.stack.url) as opened:
        yield opened
