import asyncio
import hashlib
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from fastapi import FastAPI
from graphql import OperationDefinitionNode, build_schema, parse, validate
from starlette.requests import Request
from starlette.responses import Response

from app.console import pages
from app.http.accept import wants_page

VENDOR = pages.ASSETS / "vendor"
EXAMPLES = pages.ASSETS / "examples"
SDL = Path(__file__).parents[2] / "graphql_schema" / "schema.graphql"
PAGES = ["/graphql", "/docs"]
CONSOLE = ["/", "/exports", "/keys", "/descriptions/desc_001", "/descriptions/a/b%2Fc"]
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


class References(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.found += [value for name in ("src", "href") if (value := values.get(name))]
        if (tag == "script" and "src" not in values) or tag == "style":
            self.inline.append(tag)
        self.inline += [name for name in values if name == "style" or name.startswith("on")]


class Client:
    def __init__(self, app: FastAPI) -> None:
        self.transport = httpx.ASGITransport(app)

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def answer() -> httpx.Response:
            async with httpx.AsyncClient(transport=self.transport, base_url="http://testserver") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(answer())


@pytest.fixture
def client() -> Client:
    app = FastAPI(docs_url=None, redoc_url=None)
    pages.mount(app)

    @app.get("/graphql", include_in_schema=False)
    def graphql() -> Response:
        return pages.graphiql_page()

    return Client(app)


def policy(response: httpx.Response) -> dict[str, str]:
    return dict(directive.split(" ", 1) for directive in response.headers["content-security-policy"].split("; "))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_comes_with_its_headers(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["vary"] == "Accept"
    assert response.headers["cache-control"] == "no-store"


def test_the_policy_allows_nothing_but_our_own(client: Client) -> None:
    assert policy(client.get("/docs")) == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_graphiql_gets_a_fresh_nonce_for_styles_only(client: Client) -> None:
    first, second = client.get("/graphql"), client.get("/graphql")
    assert policy(first)["script-src"] == "'self'"
    style = re.fullmatch(r"'self' 'nonce-([\w-]{22})'", policy(first)["style-src"])
    assert style
    assert f'nonce="{style[1]}"' in first.text
    assert style[1] not in second.text
    assert policy(first) | {"style-src": ""} == policy(client.get("/docs")) | {"style-src": ""}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_refers_to_own_files_that_exist(client: Client, path: str) -> None:
    references = References(client.get(path).text)
    assert references.inline == []
    assert any(reference.startswith("assets/") for reference in references.found)
    for reference in references.found:
        target = urljoin(f"http://testserver{path}", reference)
        assert target.startswith("http://testserver/")
        assert client.get(target, {"Accept": BROWSER}).status_code == 200, reference


def test_our_files_name_no_other_host() -> None:
    ours = [file for suffix in ("html", "js", "css", "graphql") for file in pages.ASSETS.glob(f"**/*.{suffix}")]
    ours = [file for file in ours if VENDOR not in file.parents]
    assert len(ours) >= 14
    assert {file.name: found for file in ours if (found := re.findall(r"https?://\S+|url\(", file.read_text()))} == {}


def test_modules_import_what_exists(client: Client) -> None:
    for script in ("graphiql.js", "docs.js"):
        imported = re.findall(r'from "\./([\w.]+)"', client.get(f"/assets/{script}").text)
        assert imported == ["session.js"]
    assert client.get("/assets/session.js").headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    ("path", "cache"),
    [
        ("vendor/graphiql-4.1.2/graphiql.min.js", "public, max-age=31536000, immutable"),
        ("vendor/swagger-ui-dist-5.35.0/swagger-ui.css", "public, max-age=31536000, immutable"),
        ("vendor/README.md", "no-cache"),
        ("graphiql.js", "no-cache"),
        ("examples/newest.graphql", "no-cache"),
    ],
)
def test_only_versioned_files_are_kept_by_browsers(client: Client, path: str, cache: str) -> None:
    response = client.get(f"/assets/{path}")
    again = client.get(f"/assets/{path}", headers={"If-None-Match": response.headers["etag"]})
    assert (response.status_code, again.status_code) == (200, 304)
    for answer in (response, again):
        assert answer.headers["cache-control"] == cache
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert policy(answer) == {"default-src": "'none'", "frame-ancestors": "'none'"}


@pytest.mark.parametrize(
    "path", ["console/main.js", "session.js", "vendor/htm-3.1.1/htm.js", "examples/newest.graphql", "vendor/README.md"]
)
def test_a_file_below_the_digest_never_changes(client: Client, path: str) -> None:
    answer = client.get(f"/assets/{pages.digest()}/{path}")
    assert (answer.status_code, answer.content) == (200, (pages.ASSETS / path).read_bytes())
    assert answer.headers["cache-control"] == pages.IMMUTABLE
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert policy(answer) == {"default-src": "'none'", "frame-ancestors": "'none'"}


@pytest.mark.parametrize("path", ["console/main.js", "nothing.js", ""])
def test_a_file_of_another_version_is_not_found(client: Client, path: str) -> None:
    answer = client.get(f"/assets/{'0' * 16}/{path}")
    assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")


def test_an_edited_file_has_another_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copied = shutil.copytree(pages.ASSETS, tmp_path / "assets")
    before = pages.digest()
    monkeypatch.setattr(pages, "ASSETS", copied)
    assert pages.digest() == before
    app = FastAPI(docs_url=None, redoc_url=None)
    pages.mount(app)
    client = Client(app)
    (copied / "console" / "main.js").write_text("edited")
    page = client.get("/", {"Accept": BROWSER}).text
    assert client.get(f"/assets/{before}/console/main.js").status_code == 404
    main = re.search(r'src="([^"]+/main.js)"', page)
    assert main
    assert before not in page
    assert client.get(main[1]).text == "edited"
    shutil.move(copied / "docs.js", copied / "renamed.js")
    assert pages.digest() not in main[1]


@pytest.mark.parametrize("path", [*PAGES, *CONSOLE])
def test_all_files_of_a_page_are_kept_by_browsers(client: Client, path: str) -> None:
    page = client.get(path, {"Accept": BROWSER})
    files = [urljoin(f"http://testserver{path}", reference) for reference in References(page.text).found]
    files = [file for file in files if "/assets/" in file]
    assert len(files) >= 7
    assert {client.get(file).headers["cache-control"] for file in files} == {pages.IMMUTABLE}


@pytest.mark.parametrize("path", ["nothing.js", "", "vendor/", "%2e%2e/pages.py", "..%2fpages.py", "%2fetc/passwd"])
def test_nothing_else_is_served(client: Client, path: str) -> None:
    assert client.get(f"/assets/{path}").status_code == 404
    assert client.get(f"/assets/{pages.digest()}/{path}").status_code == 404


@pytest.mark.parametrize("path", CONSOLE)
def test_the_console_is_one_page_at_several_addresses(client: Client, path: str) -> None:
    page = client.get(path, {"Accept": BROWSER})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.text == client.get("/", {"Accept": BROWSER}).text
    assert policy(page) == policy(client.get("/docs")) | {"img-src": "https: 'self' data:"}
    assert References(page.text).inline == []
    assert page.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("prefix", ["", "/sight&log"])
def test_the_console_says_what_its_scripts_need(prefix: str) -> None:
    app = FastAPI(docs_url=None, redoc_url=None, version="1.2.3")
    pages.mount(app, prefix, with_images=False)
    page = Client(app).get("/", {"Accept": BROWSER})
    told = dict(re.findall(r'<meta name="sightlog-(\w+)" content="([^"]*)">', page.text))
    assert told == {"prefix": prefix.replace("&", "&amp;"), "images": "off", "version": "1.2.3"}
    assert policy(page)["img-src"] == "'self' data:"
    references = References(page.text)
    assert references.inline == []
    assert "{" not in "".join(references.found)
    for reference in references.found:
        assert reference.startswith(f"{prefix}/")
        answer = Client(app).get(reference.removeprefix(prefix), {"Accept": BROWSER})
        assert answer.status_code == 200 or reference.removeprefix(prefix) in ("/graphql", "/openapi.json"), reference


@pytest.mark.parametrize("accept", ["*/*", "application/json", "image/png", ""])
def test_a_program_is_told_where_the_apis_are(client: Client, accept: str) -> None:
    answer = client.get("/", {"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["vary"] == "Accept"
    paths = {"graphql": "/graphql", "rest": "/api/v2/data", "docs": "/docs", "openapi": "/openapi.json"}
    assert answer.json() == {"name": "Sightlog", "version": "0.1.0"} | paths


def test_the_pages_are_not_part_of_the_api(client: Client) -> None:
    assert client.get("/openapi.json").json()["paths"] == {}


def test_the_vendored_files_are_the_listed_ones() -> None:
    rows = re.findall(
        r"^\| ([\w-]+) \| ([\d.]+) \| [\w.-]+ \| `(\S+)` \| `([0-9a-f]{64})` \|$",
        (VENDOR / "README.md").read_text(),
        re.MULTILINE,
    )
    listed = {file: sha256 for _, _, file, sha256 in rows}
    assert listed == {
        str(file.relative_to(VENDOR)): hashlib.sha256(file.read_bytes()).hexdigest() for file in VENDOR.glob("*/*")
    }
    for name, version, file, _ in rows:
        assert file.startswith(f"{name}-{version}/")
        assert f"{name}-{version}/LICENSE" in listed


def test_every_example_is_a_tab_of_one_named_operation() -> None:
    tabs = re.search(r"const EXAMPLES = \[(.+)\];", (pages.ASSETS / "graphiql.js").read_text())
    assert tabs
    assert set(re.findall(r'"([\w-]+)"', tabs[1])) == {file.stem for file in EXAMPLES.iterdir()}
    for file in EXAMPLES.iterdir():
        (operation,) = parse(file.read_text()).definitions
        assert isinstance(operation, OperationDefinitionNode)
        assert operation.name
        assert not operation.variable_definitions
        assert max(map(len, re.findall(r"^#.*", file.read_text(), re.MULTILINE))) <= 55


def test_every_example_fits_the_schema() -> None:
    schema = build_schema(SDL.read_text())
    assert {file.stem: validate(schema, parse(file.read_text())) for file in EXAMPLES.iterdir()} == {
        file.stem: [] for file in EXAMPLES.iterdir()
    }


@pytest.mark.parametrize(
    ("method", "query", "accept", "wanted"),
    [
        ("GET", "", BROWSER, True),
        ("GET", "", "text/html", True),
        ("GET", "", "TEXT/HTML; charset=utf-8", True),
        ("GET", "", "text/*", True),
        ("GET", "", "text/html, application/json;q=0.9", True),
        ("GET", "", "application/json;q=0.5,text/html;q=0.8", True),
        ("GET", "variables={}", "text/html", True),
        ("GET", "", None, False),
        ("GET", "", "", False),
        ("GET", "", "*/*", False),
        ("GET", "", "application/json", False),
        ("GET", "", "application/graphql-response+json, application/json;q=0.9", False),
        ("GET", "", "text/html, application/json", False),
        ("GET", "", "text/html;q=0.5, application/json;q=0.8", False),
        ("GET", "", "text/html;q=0.5, */*", False),
        ("GET", "", "text/html;q=0.5, application/*", False),
        ("GET", "", "text/html;q=0.9, application/graphql-response+json", False),
        ("GET", "", "text/html;q=0", False),
        ("GET", "", "text/html;q=much", False),
        ("GET", "", "image/png", False),
        ("GET", "query={statistics{totalCount}}", "text/html", False),
        ("GET", "query=", "text/html", False),
        ("POST", "", "text/html", False),
        ("HEAD", "", "text/html", False),
    ],
)
def test_who_gets_the_page(method: str, query: str, accept: str | None, wanted: bool) -> None:
    headers = [] if accept is None else [(b"accept", accept.encode())]
    scope = {"type": "http", "method": method, "path": "/graphql", "query_string": query.encode(), "headers": headers}
    assert wants_page(Request(scope)) is wanted


def test_several_accept_headers_count_as_one() -> None:
    headers = [(b"accept", b"text/html;q=0.5"), (b"accept", b"application/json")]
    scope = {"type": "http", "method": "GET", "path": "/graphql", "query_string": b"", "headers": headers}
    assert wants_page(Request(scope)) is False
