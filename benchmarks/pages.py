"""Pages and statistics over HTTP, beside the floor."""

import time

import httpx

from app import auth
from app.engine.db import Database
from app.history import rollup
from app.history.filters import DescriptionFilter
from benchmarks import postgraphile
from benchmarks.report import Report
from benchmarks.requests import Request, floor, get, load, post
from tools.stack import Stack

REST = "/api/v2/data/descriptions"
FIELDS = "id type status sourceType createdAt imageUrl imageId description confidenceScore metadata"
NODES = f"descriptions(first: %d) {{ nodes {{ {FIELDS} }} %s }}"
EDGES = f"descriptions(first: %d) {{ edges {{ node {{ {FIELDS} }} cursor }} pageInfo {{ hasNextPage endCursor }} }}"
CHART = "statistics { dailyCounts { date count } confidenceDistribution { range count } }"
TOTALS = "totalCount statistics { averageConfidence confidenceDistribution { range count } }"
MONTH = "?start_date=2025-01-01&end_date=2025-02-01&source_types=single,batch&min_confidence=0.5"


def measure(report: Report, stack: Stack, database: Database, keys: dict[str, str], rows: int, *, peer: bool) -> None:
    key = keys["large"]
    with floor(database) as url:
        floors = {size: load(get(url, f"/{size}"))["rate"] for size in (100, 1000)}

    def page(work: str, request: Request, size: int, reach: str) -> float:
        rate = load(request)["rate"]
        report.add(work, f"{rate:.0f}/s", f"{floors[size]:.0f}/s", rate / floors[size], reach)
        return rate

    page("REST page of 100 with statistics", get(stack.url, REST, key), 100, "≥ 0.6")
    page("REST page of 100, a month, two sources, a score", get(stack.url, REST + MONTH, key), 100, "≥ 0.6")
    small = page("GraphQL page of 100, 10 fields", post(stack.url, key, NODES % (100, "")), 100, "≥ 0.6")
    large = page("GraphQL page of 1000, 10 fields", post(stack.url, key, NODES % (1000, "")), 1000, "")
    page("GraphQL page of 100 as edges", post(stack.url, key, EDGES % 100), 100, "≥ 0.5")
    page("GraphQL page of 1000 as edges", post(stack.url, key, EDGES % 1000), 1000, "")
    if peer:
        with postgraphile.serving(stack.database_url) as url:
            for size, rate in ((100, small), (1000, large)):
                theirs = max(load(postgraphile.page(url, size))["rate"] for _ in range(3))  # it is slow at first
                report.add(
                    f"the same {size} beside PostGraphile", f"{rate:.0f}/s", f"{theirs:.0f}/s", rate / theirs, "> 1"
                )
    for work, more in (("totalCount and statistics", TOTALS), ("counts of each day", CHART)):
        rate = load(post(stack.url, key, NODES % (100, more)))["rate"]
        report.add(f"GraphQL page with {work}", f"{rate:.0f}/s", f"{small:.0f}/s without", small / rate, "≤ 1.5")
    first, last = (load(get(stack.url, f"{REST}?offset={offset}", key))["median_ms"] for offset in (0, int(rows * 0.9)))
    report.add("offset at 90 %", f"{last:.1f} ms", f"{first:.1f} ms at 0", last / first, "< 3")
    query = "statistics { totalCount averageConfidence dailyCounts { date count } }"
    report.add("statistics alone, as remembered", f"{load(post(stack.url, key, query), 1)['median_ms']:.1f} ms")
    large, small = (_counted(database, name) for name in ("large", "small"))
    report.add("statistics counted anew", f"{large:.1f} ms", f"{small:.1f} ms of a tenth", large / small, "< 2")
    for term in ("trampoline", "dog"):
        began = time.perf_counter()
        headers = {"Authorization": f"Bearer {key}"}
        httpx.get(stack.url + REST, params={"search": term}, headers=headers, timeout=60).raise_for_status()
        spent = (time.perf_counter() - began) * 1000
        again = load(get(stack.url, f"{REST}?search={term}", key), 1)["median_ms"]
        report.add(f"search for '{term}', with statistics", f"{spent:.0f} ms", f"{again:.0f} ms again")


def _counted(database: Database, name: str) -> float:
    """Milliseconds that the statistics of an account take, the median of several."""
    with database.read() as session:
        account_id = auth.account_id(session, name)
    spent = []
    for _ in range(15):
        began = time.perf_counter()
        database.answer_now(rollup.ask_totals(account_id, DescriptionFilter()))
        spent.append(time.perf_counter() - began)
    return sorted(spent)[len(spent) // 2] * 1000
