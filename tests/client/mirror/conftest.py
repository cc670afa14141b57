import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from app.history.columns import COLUMNS
from app.models import Scope
from tests.client.mirror.stub import KEY, Dict, Stub
from tests.commands import invoke_plainly
from tests.conftest import Account


@dataclass
class Here:
    """Where a history goes: an account, and a folder for what a mirror keeps."""

    account: Account
    folder: Path

    @property
    def state(self) -> Path:
        return self.folder / "state.json"

    @property
    def refused(self) -> list[Dict]:
        path = self.folder / "state.refused.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def environment(self, source_key: str, scope: Scope = Scope.WRITE) -> dict[str, str]:
        key = self.account.keys[scope]
        return {"SIGHTLOG_URL": self.account.stack.url, "SIGHTLOG_API_KEY": key, "SIGHTLOG_SOURCE_KEY": source_key}

    def mirror(self, url: str, *arguments: str, key: str = KEY, scope: Scope = Scope.WRITE) -> Result:
        arguments = ("mirror", "--from", url, "--state", str(self.state), *arguments)
        return invoke_plainly(self.environment(key, scope), *arguments)

    def rows(self) -> list[Dict]:
        return rows_of(self.account)


def rows_of(account: Account) -> list[Dict]:
    """All that an account has, newest first."""
    content = account.download(include_failed=True, fields=list(COLUMNS))
    return [json.loads(line) for line in content.splitlines()]


@pytest.fixture
def here(account: Account, tmp_path: Path) -> Here:
    return Here(account, tmp_path)


@pytest.fixture
def stub() -> Iterator[Callable[..., Stub]]:
    started: list[Stub] = []

    def start(items: list[Dict], **how: Any) -> Stub:
        started.append(Stub(items, **how).start())
        return started[-1]

    yield start
    for one in started:
        one.stop()
        # The key is for the API alone.
        assert all(call["authorization"] is None for call in one.calls("/storage"))
