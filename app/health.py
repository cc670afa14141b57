"""Whether the process lives, and whether it can do its work."""

import logging
from collections.abc import Callable

from fastapi import APIRouter
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app import gate
from app.runtime import Runtime

log = logging.getLogger(__name__)

router = APIRouter(prefix="/health", tags=["Health"])


@router.get("/live", summary="The process answers")
def live() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/ready", summary="Everything it needs answers; 503 and what does not")
def ready(request: Request) -> Response:
    runtime = gate.runtime_of(request)
    checks = {name: _answers(name, check) for name, check in _checks(runtime, request.app.state.queue.check).items()}
    ok = all(state == "ok" for state in checks.values())
    return JSONResponse({"status": "ok" if ok else "unavailable", "checks": checks}, 200 if ok else 503)


def _checks(runtime: Runtime, check_queue: Callable[[], None]) -> dict[str, Callable[[], None]]:
    return {"database": lambda: _check_database(runtime), "queue": check_queue, "storage": runtime.storage.check}


def _check_database(runtime: Runtime) -> None:
    with runtime.database.read() as session:
        session.connection().execute(text("SELECT 1 FROM descriptions LIMIT 1"))


def _answers(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except Exception:
        log.warning("not ready: the %s does not answer", name, exc_info=True)
        return "unavailable"
    return "ok"
