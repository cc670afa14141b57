"""What one caller with a key, or none, may try to stop all others with: each attack bounded, loopback only.

Run as a process of its own, `python -m benchmarks.attack.attacks NAME`, with an `Aim` as JSON on its standard input, so
that what it costs to attack is not counted to the attacked. Whatever the server answers is told as counts by status.
"""

import asyncio
import gzip
import json
import os
import resource
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import websockets

from tools.stack import COMMAND, ROOT

Told = Counter[str]
Attack = Callable[["Aim"], Coroutine[Any, Any, Told]]

TEXT_LETTERS = 1_000_000
TEXTS = 14
REST = "/api/v2/data"


@dataclass(frozen=True)
class Aim:
    """The server, the keys of the attackers, the settings for a command beside it, and the share of the full size (1.0)
    that is sent.

    What the accounts of the keys hold: see `benchmarks.attack.history`.
    """

    url: str
    read_key: str
    write_key: str
    wide_key: str
    pending_key: str
    environment: dict[str, str]
    scale: float = 1.0

    def of(self, full: int, *, least: int = 1) -> int:
        return max(least, int(full * self.scale))


def text(place: int) -> str:
    """The description of one of the long results that searches are aimed at."""
    return "a" * (TEXT_LETTERS - place)


async def many_fields(aim: Aim) -> Told:
    """An export whose `fields` are millions of names of one letter."""
    names = b",".join([b'"a"'] * aim.of(3_900_000))
    body = b'{"data_type":"descriptions","format":"csv","fields":[' + names + b"]}"
    return await _posts(aim, f"{REST}/export", [body] * 3, aim.read_key)


async def many_terms(aim: Aim) -> Told:
    """A search for millions of terms, as a variable."""
    query = "query($f: DescriptionFilter) { descriptions(filter: $f, first: 1) { totalCount } }"
    terms = ",".join(['"a"'] * aim.of(4_000_000))
    return await _posts(aim, "/graphql", [_with_variables(query, f'{{"f":{{"search":[{terms}]}}}}')] * 3, aim.read_key)


async def many_empty_inputs(aim: Aim) -> Told:
    """Millions of empty results to record, by a key that must not record."""
    query = "mutation($i: [DescriptionInput!]!) { recordDescriptions(input: $i) { recorded } }"
    inputs = ",".join(["{}"] * aim.of(5_000_000))
    return await _posts(aim, "/graphql", [_with_variables(query, f'{{"i":[{inputs}]}}')] * 3, aim.read_key)


async def unused_variable(aim: Aim) -> Told:
    """A large variable that the query does not even name."""
    values = ",".join(["[]"] * aim.of(5_000_000))
    body = _with_variables("{ descriptions(first: 1) { totalCount } }", f'{{"unused":[{values}]}}')
    return await _posts(aim, "/graphql", [body] * 3, aim.read_key)


async def too_many_results(aim: Aim) -> Told:
    """Twenty times the largest batch."""
    return await _posts(aim, "/graphql", [_batch(aim.of(200_000, least=10_001), "over")] * 2, aim.write_key)


async def full_batches(aim: Aim) -> Told:
    """The largest batch that is allowed, again and again, by who may record."""
    bodies = [_batch(aim.of(10_000), f"full{number}") for number in range(5)]
    return await _posts(aim, "/graphql", bodies, aim.write_key)


async def compressed_pings(aim: Aim) -> Told:
    """Pings of nested lists on sockets that were never initialised; kilobytes on the wire where compression is on."""
    told: Told = Counter()
    depth = aim.of(8_000_000) // 1000
    payload = "[" + ",".join(["[" * 500 + "]" * 500] * depth) + "]"

    async def one() -> None:
        url = aim.url.replace("http", "ws") + "/graphql"
        try:
            async with websockets.connect(
                url, subprotocols=[websockets.Subprotocol("graphql-transport-ws")], max_size=None
            ) as socket:
                for _ in range(3):
                    await socket.send(f'{{"type":"ping","payload":{{"p":{payload}}}}}')
                    await asyncio.wait_for(socket.recv(), 30)
                    told["pong"] += 1
        except Exception as error:
            told[type(error).__name__] += 1

    await asyncio.gather(*(one() for _ in range(4)))
    return told


async def costly_search(aim: Aim) -> Told:
    """Long terms that nearly occur everywhere, over long texts, eight at a time."""
    terms = ["a" * (999 - place) + "b" for place in range(50)]
    query = "query($f: DescriptionFilter) { descriptions(filter: $f, first: 1) { totalCount } }"
    body = _with_variables(query, json.dumps({"f": {"search": terms}}))
    return await _posts(aim, "/graphql", [body] * 8, aim.read_key, at_once=8)


async def costly_exports(aim: Aim) -> Told:
    """The same search as exports, cancelled while they run."""
    terms = ["a" * (999 - place) + "b" for place in range(50)]
    create = "mutation($i: CreateExportInput!) { createExport(input: $i) { id } }"
    variables = {"i": {"format": "CSV", "filter": {"search": terms}}}
    told: Told = Counter()
    async with _client(aim.read_key, aim.url) as client:
        for _ in range(4):
            answer = (await client.post("/graphql", json={"query": create, "variables": variables})).json()
            told["created" if "errors" not in answer else "refused"] += 1
            if "errors" not in answer:
                id = answer["data"]["createExport"]["id"]
                await asyncio.sleep(0.5)
                cancel = {"query": f'mutation {{ cancelExport(id: "{id}") {{ status }} }}'}
                told[_outcome(await client.post("/graphql", json=cancel))] += 1
    return told


async def distinct_documents(aim: Aim) -> Told:
    """Documents of 190,000 letters, of which no two are alike."""
    bodies = []
    for number in range(aim.of(500)):
        aliases = " ".join(f"a{number}_{place}{'x' * 6000}: __typename" for place in range(30))
        bodies.append(json.dumps({"query": f"{{ {aliases} }}"}).encode())
    return await _posts(aim, "/graphql", bodies, aim.read_key)


async def wide_statistics(aim: Aim) -> Told:
    """Statistics over 100,000 distinct source types, by thirty filters."""
    told: Told = Counter()
    async with _client(aim.wide_key, aim.url) as client:
        for number in range(30):
            answer = await client.get(f"{REST}/descriptions?limit=1&min_confidence=0.{number:02}")
            told[str(answer.status_code)] += 1
            told["bytes"] = max(told["bytes"], len(answer.content))
    return told


async def large_answers(aim: Aim) -> Told:
    """Thirty aliases for the longest results."""
    aliases = " ".join(
        f'p{place}: descriptions(first: 14, filter: {{types: ["long"]}}) {{ nodes {{ description }} }}'
        for place in range(aim.of(30, least=2))
    )
    return await _posts(aim, "/graphql", [json.dumps({"query": f"{{ {aliases} }}"}).encode()] * 4, aim.read_key)


async def many_subscriptions(aim: Aim) -> Told:
    """A thousand subscriptions to the progress of an export that stays pending for the time of the attack."""
    told: Told = Counter()
    create = "mutation { createExport(input: {format: CSV}) { id } }"
    async with _client(aim.read_key, aim.url) as client:
        ids = []
        for _ in range(5):
            answer = (await client.post("/graphql", json={"query": create})).json()
            ids += [] if "errors" in answer else [answer["data"]["createExport"]["id"]]
    if not ids:
        return Counter(refused=1)
    query = f'subscription {{ exportProgress(id: "{ids[-1]}") {{ status }} }}'
    per_socket = 100

    async def one() -> None:
        url = aim.url.replace("http", "ws") + "/graphql"
        with suppress(TimeoutError):
            async with (
                asyncio.timeout(aim.of(15, least=3)),
                websockets.connect(url, subprotocols=[websockets.Subprotocol("graphql-transport-ws")]) as socket,
            ):
                init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {aim.read_key}"}}
                await socket.send(json.dumps(init))
                for number in range(per_socket):
                    payload = {"query": query}
                    await socket.send(json.dumps({"id": str(number), "type": "subscribe", "payload": payload}))
                async for message in socket:
                    told[str(json.loads(message)["type"])] += 1

    done = await asyncio.gather(*(one() for _ in range(aim.of(1000) // per_socket or 1)), return_exceptions=True)
    told.update(type(error).__name__ for error in done if isinstance(error, BaseException))
    return told


async def pending_exports(aim: Aim) -> Told:
    """The longest page of exports, where thousands are pending."""
    query = "{ exports(first: 1000) { nodes { id status estimatedCompletionTime downloadUrl } } }"
    return await _posts(aim, "/graphql", [json.dumps({"query": query}).encode()] * 8, aim.pending_key, at_once=4)


async def many_metrics(aim: Aim) -> Told:
    """`GET /metrics` without a key, all at once."""
    told: Told = Counter()
    async with _client("", aim.url) as client:

        async def one() -> None:
            told[str((await client.get("/metrics")).status_code)] += 1

        await asyncio.gather(*(one() for _ in range(aim.of(500))), return_exceptions=True)
    return told


async def slow_connections(aim: Aim) -> Told:
    """Connections that send their headers a letter at a time, and bodies that stall."""
    target = urlsplit(aim.url)
    told: Told = Counter()

    async def send(head: bytes, slowly: bytes) -> None:
        try:
            reader, writer = await asyncio.open_connection(target.hostname, target.port)
        except OSError:
            told["refused"] += 1
            return
        try:
            writer.write(head)
            for letter in slowly:
                await asyncio.sleep(1)
                writer.write(bytes([letter]))
                await writer.drain()
                if reader.at_eof():
                    break
            told["closed" if reader.at_eof() else "held"] += 1
        except OSError:
            told["closed"] += 1
        finally:
            writer.close()

    headers = b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "
    body = (
        f"POST {REST}/export HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {aim.read_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: 16000000\r\n\r\n"
    ).encode()
    seconds = aim.of(20, least=3)
    slow = [send(headers, b"x" * seconds) for _ in range(aim.of(1500))]
    stalled = [send(body, b" " * seconds) for _ in range(aim.of(30))]
    await asyncio.gather(*slow, *stalled)
    return told


async def large_import(aim: Aim) -> Told:
    """`sightlog import` of some hundred kilobytes that unpack to hundreds of results of two megabytes each."""
    told: Told = Counter()
    large = json.dumps({"text": "x" * 999_000})
    usual = '"source_type":"single","created_at":"2025-01-15"'
    line = f'{{"id":"large%d",{usual},"metadata":{large},"verification":{large}}}\n'
    with tempfile.NamedTemporaryFile(suffix=".jsonl.gz") as file:
        with gzip.open(file, "wt", compresslevel=9) as lines:
            lines.writelines(line % number for number in range(aim.of(300)))
        file.flush()
        began = time.monotonic()
        command = [*COMMAND, "import", file.name, "--account", "write"]
        done = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env=os.environ | aim.environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await done.communicate()
    told["failed" if done.returncode else "imported"] += 1
    told["seconds"] = round(time.monotonic() - began)
    told["MiB"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    if done.returncode:
        told[errors.decode()[-200:]] += 1
    return told


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        many_fields,
        many_terms,
        many_empty_inputs,
        unused_variable,
        too_many_results,
        full_batches,
        compressed_pings,
        costly_search,
        costly_exports,
        distinct_documents,
        wide_statistics,
        large_answers,
        many_subscriptions,
        pending_exports,
        many_metrics,
        slow_connections,
        large_import,
    )
}


def command(name: str, aim: Aim) -> tuple[list[str], bytes]:
    """The process of one attack, and its standard input."""
    return [sys.executable, "-m", "benchmarks.attack.attacks", name], json.dumps(asdict(aim)).encode()


def _client(key: str, url: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=60, limits=limits, verify=False)


async def _posts(aim: Aim, path: str, bodies: list[bytes], key: str, *, at_once: int = 1) -> Told:
    told: Told = Counter()
    turns = asyncio.Semaphore(at_once)

    async def one(client: httpx.AsyncClient, body: bytes) -> None:
        async with turns:
            try:
                answer = await client.post(path, content=body, headers={"Content-Type": "application/json"})
                told[_outcome(answer)] += 1
            except httpx.HTTPError as error:
                told[type(error).__name__] += 1

    async with _client(key, aim.url) as client:
        await asyncio.gather(*(one(client, body) for body in bodies))
    return told


def _outcome(answer: httpx.Response) -> str:
    """The status, and the code of the first error of GraphQL."""
    start = answer.content[:2000].decode(errors="replace")
    code = start.partition('"code":"')[2].partition('"')[0]
    return f"{answer.status_code} {code}".strip()


def _with_variables(query: str, variables: str) -> bytes:
    return f'{{"query":{json.dumps(query)},"variables":{variables}}}'.encode()


def _batch(size: int, name: str) -> bytes:
    query = "mutation($i: [DescriptionInput!]!) { recordDescriptions(input: $i) { recorded alreadyKnown } }"
    results: list[dict[str, Any]] = [
        {
            "id": f"{name}-{place}",
            "sourceType": "batch",
            "createdAt": "2025-01-15T10:30:00Z",
            "description": "A dog runs through the grass beside a river",
            "confidenceScore": 0.9,
            "metadata": {"model": "m", "place": place},
        }
        for place in range(size)
    ]
    return _with_variables(query, json.dumps({"i": results}))


def _raise_limits() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    socket.setdefaulttimeout(60)


async def _attack(name: str, aim: Aim) -> Told:
    try:
        return await ATTACKS[name](aim)
    except httpx.HTTPError as error:
        return Counter({type(error).__name__: 1})


if __name__ == "__main__":
    os.nice(10)  # on few cores, what attacks must not take the processor from what is attacked
    _raise_limits()
    print(json.dumps(asyncio.run(_attack(sys.argv[1], Aim(**json.loads(sys.stdin.read()))))))
