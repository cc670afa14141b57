"""Whether the process lives, whether it can do its work, and what it counted."""

import asyncio
from collections.abc import Callable
from functools import partial

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.engine import dialects
from app.migrations import revisions
from app.probes import PATIENCE, Probe, state
from app.runtime import Runtime

router = APIRouter(prefix="/health", tags=["Health"])
metrics_router = APIRouter(include_in_schema=False)


@router.get("/live", summary="The process answers")
async def live() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/ready", summary="Everything it needs answers; 503 and what does not")
async def ready(request: Request) -> Response:
    probes: dict[str, Probe[str]] = request.app.state.probes
    asked = {name: asyncio.wrap_future(probe.ask()) for name, probe in probes.items()}
    await asyncio.wait(asked.values(), timeout=PATIENCE)
    checks = {name: answer.result() if answer.done() else "unavailable" for name, answer in asked.items()}
    ok = all(found == "ok" for found in checks.values())
    return JSONResponse({"status": "ok" if ok else "unavailable", "checks": checks}, 200 if ok else 503)


@metrics_router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Not for the public: it needs no key."""
    text = await asyncio.wrap_future(request.app.state.metrics.ask())
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def metrics_probe(registry: CollectorRegistry) -> Probe[bytes]:
    """What the registry tells. All that ask while one answer is made get that one."""
    return Probe(partial(generate_latest, registry))


def open_probes(runtime: Runtime, check_queue: Callable[[], None]) -> dict[str, Probe[str]]:
    """Each answers `ok`, `unavailable`, or, for the database, `behind`, `read-only` or `full`."""

    def check_database() -> str | None:
        with runtime.database.peek() as session:
            connection = session.connection()
            if revisions.is_behind(revisions.current(connection)):
                return "behind"
            return runtime.database.refuses() if dialects.takes_changes(connection) else "read-only"

    checks: dict[str, Callable[[], str | None]] = {
        "database": check_database,
        "queue": check_queue,
        "storage": runtime.storage.check,
    }
    return {name: Probe(partial(state, name, check)) for name, check in checks.items()}
