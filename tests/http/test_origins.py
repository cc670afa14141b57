"""Pages of other origins: preflights, what their scripts may read, WebSockets. And the names we are reached by."""

from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from app.models import Scope
from tests.commands import invoke
from tests.conftest import Account, both_engines
from tests.http import own

LIST = "/api/v2/data/descriptions"
OURS = "https://app.example.com"
OTHER = "https://evil.example"
EXPOSED = {
    *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after", "x-request-id", "etag"),
    *("content-range", "content-disposition", "x-unknown-parameters"),
}


@pytest.fixture(scope="module", params=both_engines)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Open to pages of one origin, known by two names, behind a prefix."""
    settings = {
        "SIGHTLOG_CORS_ORIGINS": f"http://localhost:3000, {OURS}",
        "SIGHTLOG_ALLOWED_HOSTS": "127.0.0.1,*.example.com,[::1]",
        "SIGHTLOG_PUBLIC_URL": "https://api.example.com/sightlog",
        "SIGHTLOG_RATE_LIMIT": "2",
    }
    with own.own_stack(request, tmp_path_factory, "shared", settings) as account:
        yield account


def preflight(account: Account, path: str, origin: str = OURS, method: str = "POST") -> httpx.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,x-request-id,if-none-match",
    }
    return httpx.options(account.stack.url + path, headers=headers, verify=False)


@pytest.mark.parametrize("path", ["/graphql", LIST, "/api/v2/data/export", "/files/1/x.csv", "/health/ready"])
def test_a_preflight_needs_no_key_and_is_not_counted(shared: Account, path: str) -> None:
    for _ in range(5):
        response = preflight(shared, path)
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == OURS
        allowed = set(response.headers["access-control-allow-headers"].split(","))
        assert allowed == {"authorization", "content-type", "idempotency-key", "x-request-id", "if-none-match"}
        assert set(response.headers["access-control-allow-methods"].split(", ")) == {"GET", "HEAD", "POST"}
        assert "access-control-allow-credentials" not in response.headers
        assert "x-ratelimit-limit" not in response.headers


@pytest.mark.parametrize(
    "origin", [OTHER, "null", f"{OURS}:444", OURS.replace("https", "http"), f"{OURS}.evil.example"]
)
def test_a_preflight_of_another_origin_is_refused(shared: Account, origin: str) -> None:
    response = preflight(shared, "/graphql", origin)
    assert response.status_code == 400
    assert "access-control-allow-origin" not in response.headers


def test_where_no_origin_is_allowed_no_preflight_is_counted(account: Account) -> None:
    for path in ("/graphql", LIST):
        response = preflight(account, path)
        assert response.status_code == 405
        assert {name for name in response.headers if name.startswith(("access-control", "x-ratelimit"))} == set()


def test_scripts_read_the_answers_and_the_errors(shared: Account) -> None:
    shared.client.headers["Origin"] = OURS
    answers = [
        (200, shared.client.post("/graphql", json={"query": "{ __typename }"})),
        (422, shared.client.get(LIST, params={"limit": 0})),
        (429, shared.client.get(LIST)),
        (401, httpx.get(shared.stack.url + LIST, headers={"Origin": OURS}, verify=False)),
        (404, httpx.get(shared.stack.url + "/nowhere", headers={"Origin": OURS}, verify=False)),
        (200, httpx.get(shared.stack.url + "/health/live", headers={"Origin": OURS}, verify=False)),
    ]
    del shared.client.headers["Origin"]
    for status, answer in answers:
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, OURS)
        assert {name.lower() for name in answer.headers["access-control-expose-headers"].split(", ")} >= EXPOSED
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers


def test_scripts_of_other_origins_read_nothing(shared: Account) -> None:
    response = httpx.get(shared.stack.url + "/health/live", headers={"Origin": OTHER}, verify=False)
    assert "access-control-allow-origin" not in response.headers


def handshake(account: Account, origin: str | None) -> int:
    try:
        with connect(
            account.stack.url.replace("http", "ws") + "/graphql",
            subprotocols=[Subprotocol("graphql-transport-ws")],
            origin=Origin(origin) if origin else None,
            proxy=None,
        ):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


@pytest.mark.parametrize(
    ("origin", "status"), [(OURS, 101), ("http://localhost:3000", 101), (None, 101), (OTHER, 403), ("null", 403)]
)
def test_a_websocket_is_opened_by_pages_of_the_same_origins(shared: Account, origin: str | None, status: int) -> None:
    assert handshake(shared, origin) == status
    assert handshake(shared, shared.stack.url) == 101


@pytest.mark.parametrize("origin", ["app.example.com", f"{OURS}/", f"{OURS}/app", "https://*"])
def test_an_origin_that_is_none_is_told(account: Account, origin: str) -> None:
    result = invoke(account.stack.environment | {"SIGHTLOG_CORS_ORIGINS": origin}, "keys", "list")
    message = "an origin is a scheme and a host, such as https://app.example.com"
    assert (result.exit_code, result.stderr) == (2, f"Error: SIGHTLOG_CORS_ORIGINS: {message}\n")


# By which address we are reached


def get(account: Account, path: str, host: str = "api.example.com", **options: str) -> httpx.Response:
    return httpx.get(account.stack.url + path, headers={"Host": host} | options, verify=False)


@pytest.mark.parametrize(
    "host", ["api.example.com", "API.example.com:8080", "127.0.0.1", "[::1]:80", "a.b.example.com"]
)
def test_a_host_that_is_ours(shared: Account, host: str) -> None:
    assert get(shared, "/docs", host).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "example.com", "api.example.com.evil.example", "", "127.0.0.2"])
def test_another_host_is_refused(shared: Account, host: str) -> None:
    message = "This server does not answer for the host that was asked."
    rest, graphql = get(shared, LIST, host), get(shared, "/graphql", host)
    assert (rest.status_code, rest.json()) == (400, {"detail": {"code": "UNKNOWN_HOST", "message": message}})
    extensions = {"code": "UNKNOWN_HOST", "requestId": graphql.headers["x-request-id"]}
    assert graphql.json() == {"errors": [{"message": message, "extensions": extensions}]}
    assert get(shared, "/health/live", host).status_code == 200  # probes come by address


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/docs/", "../docs"),
        ("/docs//", "../../docs"),
        ("/graphql/?query=x", "../graphql?query=x"),
        ("/health/live/", "../live"),
        ("/openapi.json/", "../openapi.json"),
    ],
)
def test_a_slash_too_many_leads_to_the_same_host(account: Account, path: str, target: str) -> None:
    response = get(account, path, "evil.example")
    assert (response.status_code, response.headers["location"]) == (307, target)
    assert httpx.URL(account.stack.url).join(path).join(target).path == path.partition("?")[0].rstrip("/")


@pytest.mark.parametrize("path", ["/nowhere/", "/docs/x/", "//", "//evil.example/"])
def test_a_slash_behind_nothing_is_404(account: Account, path: str) -> None:
    assert get(account, path).status_code == 404


@pytest.mark.parametrize("prefix", ["", "/sightlog"])
def test_a_proxy_may_take_the_prefix_off_or_leave_it(shared: Account, prefix: str) -> None:
    document = get(shared, f"{prefix}/openapi.json").json()
    assert document["servers"] == [{"url": "https://api.example.com/sightlog"}]
    for path in ("/docs", "/assets/docs.js", "/health/live"):
        assert get(shared, prefix + path).status_code == 200
    assert get(shared, f"{prefix}/graphql", Accept="text/html").headers["content-type"].startswith("text/html")
    assert get(shared, f"{prefix}{LIST}").status_code in (401, 429)
    page = get(shared, f"{prefix}/exports").text
    assert 'src="/sightlog/assets/' in page
    assert '<meta name="sightlog-prefix" content="/sightlog">' in page
    assert get(shared, f"{prefix}/").json()["graphql"] == "/sightlog/graphql"


def test_the_prefix_itself(shared: Account) -> None:
    assert get(shared, "/sightlog").json()["graphql"] == "/sightlog/graphql"
    assert get(shared, "/sightlogs/docs").status_code == 404
    key = shared.keys[Scope.ADMIN]
    typename = get(shared, "/sightlog/graphql?query={__typename}", Authorization=f"Bearer {key}")
    assert typename.json() == {"data": {"__typename": "Query"}}
