"""The demo's pictures. They hold no data, so that no key is asked for."""

from fastapi import APIRouter, Response

from app.demo import pictures
from app.errors import NotFound

router = APIRouter(include_in_schema=False)

_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


@router.api_route(pictures.PATH + "{name}.svg", methods=["GET", "HEAD"])
async def picture(name: str) -> Response:
    """Drawn in the event loop, within a millisecond."""
    drawn = pictures.svg(name)
    if drawn is None:
        raise NotFound("The demo has no picture of that name.")
    return Response(drawn, media_type="image/svg+xml", headers=_HEADERS)
