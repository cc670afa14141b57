"""Very many requests, few of them alike: whether the memory of the API's process keeps growing."""

import random
from collections.abc import Iterator
from datetime import date, timedelta

from benchmarks.pages import FIELDS, REST
from benchmarks.report import Report
from benchmarks.requests import Request, get, post, resident, send
from tools.stack import Stack

PARTS = 20
KINDS = 2000


def measure(report: Report, stack: Stack, keys: dict[str, str], requests: int) -> None:
    """In so many parts; the first is left out, since caches fill in it."""
    dice = random.Random(1)
    pid = stack.api_processes[0].pid
    sizes = []
    for part in range(PARTS):
        kinds = [request for _ in range(KINDS // 4) for request in _four(stack.url, keys, dice)]
        rate = send(kinds, requests // PARTS)["rate"]
        sizes.append(resident(pid))
        report.add(f"after {(part + 1) * requests // PARTS:,} requests", f"{sizes[-1]:.0f} MiB", f"{rate:.0f}/s")
    grown = sizes[-1] - sizes[0]
    report.add("grown after the first part", f"{grown:+.0f} MiB", f"of {sizes[0]:.0f} MiB", sizes[-1] / sizes[0], "~ 1")


def _four(url: str, keys: dict[str, str], dice: random.Random) -> Iterator[Request]:
    """A page by REST, another of its filters, a document that was never seen, and one that always is."""
    key, size = dice.choice(list(keys.values())), dice.randint(1, 20)
    yield get(url, f"{REST}?limit={size}&offset={dice.randint(0, 500)}", key)
    first = date(2024, 1, 1) + timedelta(days=dice.randint(0, 700))
    last = first + timedelta(days=dice.randint(0, 30))
    yield get(url, f"{REST}?limit={size}&start_date={first}&end_date={last}&min_confidence={dice.random():.3f}", key)
    fields = " ".join(f"{name}{dice.randint(1, 10**6)}: {name}" for name in FIELDS.split())
    yield post(url, key, f"descriptions(first: {size}) {{ nodes {{ {fields} }} pageInfo {{ endCursor }} }}")
    yield post(url, key, f"descriptions(first: 10) {{ nodes {{ {FIELDS} }} totalCount }}")
