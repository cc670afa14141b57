"""Files of the local storage, under the URLs that it signed. No API key: the signature is the right."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from app.errors import Forbidden, NotFound
from app.exports.formats import FORMATS
from app.http import gate
from app.storage import LocalStorage

router = APIRouter(include_in_schema=False)


@router.api_route("/files/{key:path}", methods=["GET", "HEAD"])
def download(request: Request, key: str, filename: str = "", expires: str = "", signature: str = "") -> Response:
    storage = gate.runtime_of(request).storage
    if not isinstance(storage, LocalStorage):
        raise NotFound("File not found")
    path = storage.verify(key, filename, expires, signature)
    try:
        found = path.stat()  # it may be removed at any moment
    except OSError:
        raise NotFound("File not found") from None
    try:
        content_type = FORMATS[path.suffix.removeprefix(".")].content_type
    except KeyError:
        raise Forbidden("There is no such file.") from None
    headers = {"Cache-Control": "private, no-store", "Content-Disposition": f'attachment; filename="{filename}"'}
    return FileResponse(path, media_type=content_type, headers=headers, stat_result=found)
