"""`make attack`, smaller: whatever one caller sends, others go on, and memory stays."""

from collections.abc import Iterator

import pytest

from benchmarks.attack import history
from benchmarks.attack.attacks import ATTACKS, Aim
from benchmarks.attack.measuring import measure
from tests.conftest import ENGINES, Account
from tests.http import own
from tools import patience

SCALE = 0.02


@pytest.fixture(scope="module", params=ENGINES)
def attacked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    settings = {"SIGHTLOG_RATE_LIMIT": "100000", "SIGHTLOG_EMBEDDED_WORKER": "true"}
    with own.own_stack(request, tmp_path_factory, "attacked", settings) as account:
        yield account


def test_all_attacks_at_once(attacked: Account) -> None:
    keys = history.fill(attacked.database, SCALE)
    victim = keys.pop("victim")
    aim = Aim(url=attacked.stack.url, environment=attacked.stack.environment, scale=SCALE, **keys)
    found = measure(list(ATTACKS), aim, victim, attacked.stack.api_processes[0].pid)
    outcomes = {outcome for told in found.told.values() for outcome in told}
    assert [one for one in outcomes if one.startswith("5") or one in ("ReadTimeout", "ReadError")] == []
    assert found.refused == []
    assert found.p95 < 1000 * patience.seconds(1)
    assert max(found.exports) < patience.seconds(10)
    assert found.memory < 512
