"""The client alone, built and installed as its users have it: nothing of the server, and nothing is missing."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.models import Scope
from tests.conftest import Account, only_embedded
from tools import patience

ROOT = Path(__file__).parents[2]
Run = Callable[..., str]


pytestmark = pytest.mark.xdist_group("embedded")  # all in one process, so that the environment is made once


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a program of the fresh environment to its end, and gives what it prints."""
    folder = tmp_path_factory.mktemp("fresh")
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("SIGHTLOG_", "PYTHON"))}

    def run(program: str, *arguments: str, **settings: str) -> str:
        done = subprocess.run(
            [folder / "venv" / "bin" / program, *arguments],
            cwd=folder,
            env=outside | settings,
            capture_output=True,
            text=True,
            timeout=patience.seconds(180),
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=patience.seconds(120))
    quietly = ("-m", "pip", "--quiet", "--disable-pip-version-check")
    run("python", *quietly, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT / "client"))
    [wheel] = folder.glob("sightlog-*.whl")
    run("python", *quietly, "install", str(wheel))
    return run


def test_nothing_of_the_server_is_there(run: Run) -> None:
    installed = run(
        "python", "-c", "import importlib.metadata as m; print(*{d.name.lower() for d in m.distributions()})"
    )
    servers = {"sightlog-server", "strawberry-graphql", "dramatiq", "sqlalchemy", "fastapi", "starlette", "boto3"}
    assert servers & set(installed.split()) == set()
    assert {"sightlog", "httpx", "pydantic", "typer"} <= set(installed.split())
    for module in ("app", "tasks", "graphql_schema", "rest_compat"):
        assert "False" in run("python", "-c", f"import importlib.util as u; print(u.find_spec({module!r}) is not None)")


def test_its_command_runs(run: Run) -> None:
    assert run("sightlog", "--version").splitlines() == ["sightlog 0.1.0"]
    assert run("python", "-m", "sightlog", "--version").startswith("sightlog ")


def test_every_module_can_be_imported(run: Run) -> None:
    program = """
import importlib, pkgutil, sightlog
for module in pkgutil.walk_packages(sightlog.__path__, "sightlog."):
    if not module.name.endswith("__main__") and not module.name.startswith("sightlog.integrations."):
        importlib.import_module(module.name)
        print(module.name)
"""
    assert "sightlog.client" in run("python", "-c", program).split()


@only_embedded
def test_it_searches_and_saves(run: Run, account: Account) -> None:
    account.record({"description": "A dog"}, {"description": "A cat"})
    program = """
import sightlog
with sightlog.Client() as client:
    print(*(result.description for result in client.search("dog")), sep="|")
    print(sightlog.verify(client.export("csv", compression="zstd").save(".")).rows)
    try:
        client.descriptions().to_pandas()
    except sightlog.errors.InvalidInput as error:
        print(error)
"""
    settings = {"SIGHTLOG_URL": account.stack.url, "SIGHTLOG_API_KEY": account.keys[Scope.READ]}
    assert run("python", "-c", program, **settings).splitlines() == [
        "A dog",
        "2",
        "pandas is not installed here: `pip install pandas` brings it.",
    ]
