"""What is to be found at a place that everybody knows: the public keys of receipts. They are no secret."""

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app import jsontext
from app.errors import Unavailable
from app.exports import receipts
from app.probes import PATIENCE, Probe
from app.runtime import Runtime

router = APIRouter(include_in_schema=False)


@router.api_route("/.well-known/sightlog-key", methods=["GET", "HEAD"])
async def keys(request: Request) -> Response:
    """All that have signed, so that old receipts can be checked after another took over."""
    asked = asyncio.wrap_future(request.app.state.receipt_keys.ask())
    try:
        text: bytes = await asyncio.wait_for(asyncio.shield(asked), PATIENCE)
    except TimeoutError:
        raise Unavailable("The keys cannot be read at the moment. Please try again.") from None
    return Response(text, media_type="application/json", headers={"Cache-Control": "no-cache"})


def open_keys(runtime: Runtime) -> Probe[bytes]:
    """Nobody needs a key to ask, so the database is asked once at a time, whoever asks."""

    def read() -> bytes:
        with runtime.database.read() as session:
            return jsontext.dumps({"keys": receipts.keys(session, runtime.signer)})

    return Probe(read)
