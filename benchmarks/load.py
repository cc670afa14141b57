"""Load from another process: keep-alive connections that each send one request after the other."""

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit


async def measure(url: str, request: bytes, connections: int, seconds: float) -> dict[str, float]:
    """Requests a second and the median latency in milliseconds. Any status but 200 ends it."""
    target = urlsplit(url)
    latencies: list[float] = []
    until = time.perf_counter() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection(target.hostname, target.port)
        while time.perf_counter() < until:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            if b" 200 " not in head[:16] or b'"errors"' in body[:12]:
                raise RuntimeError(f"{head[:80]!r} {body[:300]!r}")
            latencies.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    spent = time.perf_counter() - began
    return {"rate": len(latencies) / spent, "median_ms": sorted(latencies)[len(latencies) // 2] * 1000}


if __name__ == "__main__":
    asked = json.loads(sys.stdin.read())
    print(
        json.dumps(
            asyncio.run(measure(asked["url"], asked["request"].encode(), asked["connections"], asked["seconds"]))
        )
    )
