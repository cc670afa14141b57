"""The console's modules: each imports what exists, the page names them beforehand, and documents fit the schema."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, build_schema, parse, validate

from app.console import pages

CONSOLE = pages.ASSETS / "console"
MODULES = sorted(CONSOLE.rglob("*.js"))
HTML = (pages.ASSETS / "console.html").read_text()
SDL = Path(__file__).parents[2] / "graphql_schema" / "schema.graphql"


def imported(module: Path, *, also_later: bool = False) -> Iterator[Path]:
    """What a module needs before it runs; `also_later`: what it loads then, too."""
    source = module.read_text()
    names = re.findall(r'^(?:import|export)\b[^;]*?from "([^"]+)";', source, re.MULTILINE)
    names += re.findall(r'\bimport\("([^"]+)"\)', source) if also_later else []
    return ((module.parent / name).resolve() for name in names)


def needed(module: Path) -> set[Path]:
    found, waiting = set[Path](), {module}
    while waiting:
        found |= waiting
        waiting = {other for one in waiting for other in imported(one)} - found
    return found


def texts() -> dict[str, str]:
    """The constants of `documents.js`, with each other inside."""
    found: dict[str, str] = {}
    source = (CONSOLE / "documents.js").read_text()
    for name, text in re.findall(r'^(?:export )?const (\w+) =\s+["`]([^"`]*)["`];', source, re.MULTILINE):
        found[name] = re.sub(r"\$\{(\w+)\}", lambda part: found[part[1]], text)
    return found


def documents() -> dict[str, str]:
    source = (CONSOLE / "documents.js").read_text()
    parts = re.search(r"const OF_STATISTICS = \{(.+?)\};", source, re.DOTALL)
    assert parts
    fields = " ".join(re.findall(r'"([^"]+)"', parts[1]))
    whole = {name: text for name, text in texts().items() if re.match(r"query|mutation|subscription", text)}
    statistics = (
        f"query StatisticsOfView($filter0: DescriptionFilter) {{ statistics(filter: $filter0) {{ {fields} }} }}"
    )
    return whole | {"STATISTICS_OF_VIEW": statistics}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(CONSOLE)))
def test_a_module_imports_what_exists(module: Path) -> None:
    assert [str(other) for other in imported(module, also_later=True) if not other.is_file()] == []


def test_the_page_names_beforehand_what_its_first_view_needs() -> None:
    named = set(re.findall(r'<link rel="modulepreload" href="\{prefix\}/assets/\{digest\}/([^"]+)">', HTML))
    assert named == {str(path.relative_to(pages.ASSETS)) for path in needed(CONSOLE / "main.js")} - {"console/main.js"}


def test_every_module_is_used() -> None:
    used = {other for module in MODULES for other in imported(module, also_later=True)}
    assert {path for path in MODULES if path not in used} == {CONSOLE / "main.js"}


@pytest.mark.parametrize("name", documents())
def test_a_document_fits_the_schema(name: str) -> None:
    document = parse(documents()[name])
    assert [error.message for error in validate(build_schema(SDL.read_text()), document)] == []
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name
    assert operation.name.value.upper() == name.replace("_", "")


def test_nothing_is_evaluated_or_set_as_html() -> None:
    forbidden = r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write"
    assert {path.name: found for path in MODULES if (found := re.findall(forbidden, path.read_text()))} == {}


def test_no_key_is_kept_in_the_browser() -> None:
    kept = {path.name for path in MODULES if re.search(r"localStorage|sessionStorage|indexedDB", path.read_text())}
    assert kept == {"preferences.js"}
