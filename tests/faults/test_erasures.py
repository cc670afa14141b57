"""Who is killed while results are erased leaves whole batches: each result is there, or a tombstone is."""

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from sqlmodel import func, select

from app.history import rollup
from app.models import Description, Erased
from tests.conftest import ENGINES
from tests.faults.site import Site, site
from tools.patience import until
from tools.stack import COMMAND, ROOT

pytestmark = pytest.mark.xdist_group("faults")

COUNT = 10_000
KILLS = 3


def found(killed: Site) -> tuple[int, int]:
    """How many results there are, and how many tombstones; of no id are there both."""
    with killed.database.read() as session:
        there = session.exec(select(func.count()).select_from(Description)).one()
        erased = session.exec(select(func.count()).select_from(Erased)).one()
        both = select(func.count()).select_from(Description).join(Erased, Erased.id == Description.id)  # type: ignore[arg-type]
        assert session.exec(both).one() == 0
        assert rollup.differences(session) == []
    return there, erased


def erasing(killed: Site) -> "subprocess.Popen[bytes]":
    there = str(found(killed)[0])
    name = killed.history.name
    command = [*COMMAND, "erase", "--account", name, "--before", "2030-01-01", "--expect", there, "--yes"]
    return subprocess.Popen(command, cwd=ROOT, env=killed.stack.environment, stdout=subprocess.PIPE)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_command_killed_in_the_middle_leaves_whole_batches(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    settings = {}
    if engine == "servers":
        settings = {"SIGHTLOG_DATABASE_URL": request.getfixturevalue("real_servers").postgres.create_database("erased")}
    with site(tmp_path, settings, rows=COUNT) as killed:
        for _ in range(KILLS):
            before = found(killed)
            with erasing(killed) as process:
                until(lambda before=before: found(killed)[1] > before[1] or process.poll() is not None, 30)  # type: ignore[misc]
                time.sleep(random.uniform(0, 0.05))
                process.send_signal(signal.SIGKILL)
            there, erased = found(killed)
            assert there + erased == COUNT
            assert there % 1000 == 0
        with erasing(killed) as process:
            assert process.stdout is not None
            assert process.stdout.read().startswith(b"Results erased: ")
        assert found(killed) == (0, COUNT)
