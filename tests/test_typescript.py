"""The examples in TypeScript, on Node: their types are generated and checked, and each program runs on a real server.

All of it is done once: what a front-end sees is the same on both engines.
"""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.models import Scope
from tests.conftest import NO_NODE, Account, only_embedded
from tools import docs, node, patience
from tools.stack import Stack

EXAMPLES = docs.ROOT / "examples" / "typescript"
SCHEMA = docs.ROOT / "graphql_schema" / "schema.graphql"
DOGS = ["Two dogs in snow", "A dog on a beach"]

MISTAKES = """
import createClient from 'openapi-fetch';
import type { DescriptionFilter, HistoryQuery } from './gql/graphql';
import type { paths } from './openapi';
import type { Image_image$data } from './relay/__generated__/Image_image.graphql';

const rest = createClient<paths>({ baseUrl: '' });

// @ts-expect-error: misspelt
export const filter: DescriptionFilter = { minConfidense: 0.5 };
// @ts-expect-error: no such state
export const states: DescriptionFilter = { reviewStates: ['DONE'] };
// @ts-expect-error: may be null
export const text = (found: HistoryQuery): string => found.descriptions.edges[0]!.node.description;
// @ts-expect-error: of no known type
export const model = (found: HistoryQuery): string => found.descriptions.edges[0]!.node.metadata.model;
// @ts-expect-error: was not asked for
export const url = (found: Image_image$data) => found.imageUrl;
// @ts-expect-error: misspelt
void rest.GET('/api/v2/data/descriptions', { params: { query: { serch: 'dog' } } });
// @ts-expect-error: no such format
void rest.POST('/api/v2/data/export', { body: { data_type: 'descriptions', format: 'xml' } });
// @ts-expect-error: misspelt
void rest.POST('/api/v2/data/export', { body: { data_type: 'descriptions', format: 'csv', search_term: ['dog'] } });
"""


@pytest.fixture(scope="module")
def built(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples, installed, generated, checked and built by the commands of the page, in a folder of their own."""
    if not node.is_there():
        if os.environ.get("SIGHTLOG_TEST_NODE") == "required":
            pytest.fail(f"{NO_NODE}: {node.HOW_TO_GET_IT}.", pytrace=False)
        pytest.skip(NO_NODE)
    root = tmp_path_factory.mktemp("repository")
    here = root / "examples" / "typescript"
    made = shutil.ignore_patterns("node_modules", "build", "gql", "__generated__", "openapi.ts")
    shutil.copytree(EXAMPLES, here, ignore=made)
    (root / "graphql_schema").mkdir()
    shutil.copy(SCHEMA, root / "graphql_schema")
    (here / "src" / "mistakes.ts").write_text(MISTAKES)
    commands = docs.blocks("sh", docs.CLIENTS)[0]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=root,
        env=os.environ | {"SIGHTLOG_URL": stack.url, "npm_config_prefer_offline": "true"},
        capture_output=True,
        text=True,
        timeout=patience.seconds(120),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return here


def told(built: Path, account: Account, program: str, *arguments: str) -> list[tuple[str, Any]]:
    """What a program says, line by line; it must not warn of anything."""
    done = subprocess.run(
        ["node", f"build/{program}.js", *arguments],
        cwd=built,
        env=os.environ | {"SIGHTLOG_URL": account.stack.url, "SIGHTLOG_API_KEY": account.keys[Scope.WRITE]},
        capture_output=True,
        text=True,
        timeout=patience.seconds(30),
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [next(iter(line.items())) for line in lines]


def without_typenames(value: Any) -> Any:
    """urql and Apollo ask for `__typename` of everything."""
    if isinstance(value, dict):
        return {name: without_typenames(one) for name, one in value.items() if name != "__typename"}
    return value


PAGES: dict[str, list[Any]] = {
    "urql": [[2, DOGS[0]], [2, DOGS[1]]],
    "apollo": [[2, DOGS[0]], [2, *DOGS]],
    "relay/main": [["2", DOGS[0]], ["2", *DOGS], ["example_0", "A cat", DOGS[0]], ["example_0", "A cat", *DOGS]],
}
"""What each shows: the number of matches, or the image, and the texts."""


@only_embedded
@pytest.mark.parametrize("transport", ["sse", "websocket"])
@pytest.mark.parametrize("program", PAGES)
def test_a_client_records_reads_and_watches_an_export(
    built: Path, account: Account, program: str, transport: str
) -> None:
    *before, (last, exported) = told(built, account, program, transport)
    assert [(name, without_typenames(value)) for name, value in before] == [
        ("recorded", {"recorded": 3, "alreadyKnown": 0}),
        ("refused", {"code": "VALIDATION_ERROR", "field": "input.0.confidenceScore"}),
        *(("page", page) for page in PAGES[program]),
    ]
    state = without_typenames(exported)
    content = account.download(format="csv", search_terms=["dog"])
    assert (last, state["status"], state["progress"]) == ("exported", "COMPLETED", {"rowsWritten": 2, "rowsTotal": 2})
    assert state["receipt"] == {"rows": 2, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@only_embedded
def test_a_client_of_the_documented_api_reads_and_exports(built: Path, account: Account) -> None:
    account.record(*({"description": text} for text in ["A cat", *reversed(DOGS)]))
    limit = {"loc": ["query", "limit"], "msg": "Input should be less than or equal to 1000"}
    assert told(built, account, "rest") == [
        ("page", [2, *DOGS]),
        ("refused", {"detail": [limit | {"type": "less_than_equal"}]}),
        ("exported", {"rows": 2, "file": "".join(f'{{"description":"{text}"}}\n' for text in DOGS)}),
    ]


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((EXAMPLES / "package-lock.json").read_text())
    packages = [package for path, package in lock["packages"].items() if path]
    assert len(packages) > 100
    assert all("resolved" not in package and package["integrity"].startswith("sha512-") for package in packages)
