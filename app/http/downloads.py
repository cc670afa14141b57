"""Files of the local storage, under the URLs that it signed. No API key: the signature is the right."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from app import threads
from app.errors import NotFound
from app.exports import files
from app.http import gate
from app.storage import LocalStorage

router = APIRouter(include_in_schema=False)


@router.api_route("/files/{key:path}", methods=["GET", "HEAD"])
async def download(request: Request, key: str, filename: str = "", expires: str = "", signature: str = "") -> Response:
    """The signature tells who may have the file; its export's row, whether there still is one."""
    runtime = gate.runtime_of(request)
    if not isinstance(runtime.storage, LocalStorage):
        raise NotFound("File not found")
    path = runtime.storage.verify(key, filename, expires, signature)
    content_type = await runtime.database.answer(None, files.content_type_of(key))
    if content_type is None:
        raise NotFound("File not found")
    try:
        found = await threads.run(path.stat)  # it may be removed at any moment
    except OSError:
        raise NotFound("File not found") from None
    headers = {"Cache-Control": "private, no-store", "Content-Disposition": f'attachment; filename="{filename}"'}
    return FileResponse(path, media_type=content_type, headers=headers, stat_result=found)
