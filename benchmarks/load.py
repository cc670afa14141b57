"""Load from another process: keep-alive connections that take the requests in turn, each sends one after the other."""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Sequence
from urllib.parse import urlsplit


async def measure(
    url: str, requests: Sequence[bytes], connections: int, seconds: float, most: int | None
) -> dict[str, float]:
    """Requests a second and the median latency in milliseconds, of `most` requests or for so long.

    Any status but 200 ends it.
    """
    target = urlsplit(url)
    latencies: list[float] = []
    turn = itertools.islice(itertools.cycle(requests), most)
    until = time.perf_counter() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection(target.hostname, target.port)
        while time.perf_counter() < until and (request := next(turn, None)) is not None:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            if b" 200 " not in head[:16] or b'"errors"' in body[:12]:
                raise RuntimeError(f"{request!r} {head[:80]!r} {body[:300]!r}")
            latencies.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    spent = time.perf_counter() - began
    return {"rate": len(latencies) / spent, "median_ms": sorted(latencies)[len(latencies) // 2] * 1000}


if __name__ == "__main__":
    asked = json.loads(sys.stdin.read())
    asked["requests"] = [request.encode() for request in asked["requests"]]
    print(json.dumps(asyncio.run(measure(**asked))))
