"""The packages are layers, and the folders of `app` are wings: each imports from itself and from those below."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("rest_compat", "graphql_schema", "tasks", "app")
WINGS: dict[str, set[str]] = {
    "engine": set(),
    "console": {"http"},
    "history": {"engine"},
    "jobs": {"engine"},
    "exports": {"engine", "history", "jobs"},
    "imports": {"engine", "history"},
    "migrations": {"engine"},
    "demo": {"history"},
    "commands": {"engine", "exports", "history", "migrations"},
    "http": {"demo", "engine", "exports", "history", "imports", "jobs", "migrations"},
}
"""The wings of `app`, and from which others each may import."""

OF_THE_WEB = {"starlette", "fastapi", "uvicorn"}
SPEAKS_HTTP = {"app.http", "app.console", "app.main", "app.serving"}
COMPOSED_BY = {"app.main": {"app.serving"}, "app.serving": {"app.cli"}, "app.cli": set[str]()}
MODULES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
WRITTEN = [path for path in MODULES if path.name != "__init__.py"]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported_by(tree: ast.AST, package: str) -> Iterator[str]:
    """Every name that an import anywhere in the module may load: `from a import b` is `a` and `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: 1 - node.level or None] if node.level else []
            origin = ".".join([*parts, *([node.module] if node.module else [])])
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def imported(path: Path) -> set[str]:
    return set(imported_by(ast.parse(path.read_text()), ".".join(path.relative_to(ROOT).parent.parts)))


def ours(path: Path) -> set[str]:
    return {name for name in imported(path) if name.split(".")[0] in (*LAYERS, "tests", "benchmarks", "tools")}


@pytest.mark.parametrize("path", WRITTEN, ids=name_of)
def test_a_module_imports_from_its_layer_and_those_below(path: Path) -> None:
    if name_of(path) in COMPOSED_BY:
        return
    below = LAYERS[LAYERS.index(path.relative_to(ROOT).parts[0]) :]
    assert {name for name in ours(path) if name.split(".")[0] not in below} == set()


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_imports_from_those_below(wing: str) -> None:
    used = {name.split(".")[1] for path in (ROOT / "app" / wing).rglob("*.py") for name in ours(path) if "." in name}
    assert used & WINGS.keys() - {wing} <= WINGS[wing]


def test_every_folder_of_the_core_is_a_wing() -> None:
    assert {path.parts[1] for name in WRITTEN if len((path := name.relative_to(ROOT)).parts) > 2} == WINGS.keys()


def test_the_client_knows_nothing_of_the_server() -> None:
    for path in (ROOT / "client").rglob("*.py"):
        assert ours(path) == set(), path


def test_imports_go_round_in_no_circle() -> None:
    names = {name_of(path) for path in WRITTEN}
    TopologicalSorter({name_of(path): ours(path) & names - {name_of(path)} for path in WRITTEN}).prepare()


@pytest.mark.parametrize("path", [path for path in WRITTEN if name_of(path).startswith("app.")], ids=name_of)
def test_the_core_has_no_routes(path: Path) -> None:
    name = name_of(path)
    if name not in SPEAKS_HTTP and ".".join(name.split(".")[:2]) not in SPEAKS_HTTP:
        assert {found.split(".")[0] for found in imported(path)} & OF_THE_WEB == set()


@pytest.mark.parametrize("path", WRITTEN, ids=name_of)
def test_nothing_imports_what_composes_the_whole(path: Path) -> None:
    composers = {composer for composer, users in COMPOSED_BY.items() if name_of(path) not in users}
    assert ours(path) & composers == set()


@pytest.mark.parametrize(("above", "below"), list(pairwise(LAYERS)))
def test_a_layer_uses_the_one_below(above: str, below: str) -> None:
    assert below in {name.split(".")[0] for path in (ROOT / above).rglob("*.py") for name in ours(path)}


@pytest.mark.parametrize("path", [path for path in MODULES if path not in WRITTEN], ids=name_of)
def test_an_init_file_is_empty(path: Path) -> None:
    assert path.read_bytes() == b""


@pytest.mark.parametrize("path", WRITTEN, ids=name_of)
def test_a_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize(
    ("source", "loaded"),
    [
        ("import tasks.queue", {"tasks.queue"}),
        ("from tasks import queue", {"tasks", "tasks.queue"}),
        ("def f():\n    if 1:\n        from tasks.queue import Queue", {"tasks.queue", "tasks.queue.Queue"}),
        ("from . import main", {"app", "app.main"}),
        ("from .main import create_app", {"app.main", "app.main.create_app"}),
        ("from .. import main", {"app", "app.main"}),
    ],
)
def test_no_import_is_overlooked(source: str, loaded: set[str]) -> None:
    assert set(imported_by(ast.parse(source), "app.console" if ".." in source else "app")) == loaded


def test_what_takes_long_to_import_is_imported_when_it_is_needed() -> None:
    """Alembic, boto3 and what they bring: a fifth of a second, and most processes need neither."""
    script = "import sys, app.main; print(*sorted({'alembic', 'boto3', 'mako'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
