"""Files of exports: of the local storage under the URLs that it signed, and of any storage under a stable address."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app import threads
from app.errors import Conflict, NotFound, Unavailable
from app.exports import files, receipts
from app.exports.files import Stored
from app.http import conditions, gate, paths
from app.models import Export, ExportStatus
from app.runtime import Runtime
from app.storage import LocalStorage, Part, RemoteStorage

CHUNK = 256 * 1024
"""Bytes of a part that is passed through."""

router = APIRouter(include_in_schema=False)

_passing = threads.Pool(8, "passing")


@router.api_route(paths.FILES + "{key:path}", methods=["GET", "HEAD"])
async def download(request: Request, key: str, filename: str = "", expires: str = "", signature: str = "") -> Response:
    """No API key: the signature tells who may have the file; its export's row, whether there still is one."""
    runtime = gate.runtime_of(request)
    if not isinstance(runtime.storage, LocalStorage):
        raise NotFound("File not found")
    path = runtime.storage.verify(key, filename, expires, signature)
    stored = await runtime.database.answer(None, files.ask_stored(key))
    if stored is None:
        raise NotFound("File not found")
    return await _local(request, path, stored, filename)


async def of_export(request: Request, runtime: Runtime, export: Export) -> Response:
    """The file of an export, which the caller may have. Conflict where there is none.

    Of a file in S3, HEAD and the parts that programs read one by one are answered here: then the ETag is one and the
    same, and no API key is sent to S3, which refuses it. Whole files come from there.
    """
    stored, filename = files.stored(export), files.filename(export)
    if stored is None or stored.etag is None or export.object_key is None:
        raise Conflict(_why_none(export))
    storage = runtime.storage
    if isinstance(storage, LocalStorage):
        return await _local(request, storage.path(export.object_key), stored, filename)
    headers = _headers(stored, filename)
    if conditions.is_known(request.headers, stored.etag):
        return _not_modified(headers)
    if request.method == "HEAD":
        return Response(headers=headers | {"Content-Length": str(stored.bytes)}, media_type=stored.content_type)
    try:
        ranges = conditions.ranges(request.headers, stored.bytes, [stored.etag])
    except conditions.NotSatisfiable:
        return _not_satisfiable(stored.bytes)
    if len(ranges) == 1:
        first, last = ranges[0]
        if last - first < runtime.settings.max_passed_bytes:
            return await _passed(cast("RemoteStorage", storage), export.object_key, ranges[0], stored, headers)
    url = await threads.run(storage.url, export.object_key, content_type=stored.content_type, filename=filename)
    return RedirectResponse(url, 302, {"Cache-Control": "no-store"})


def receipt_of(export: Export) -> Response:
    """What is in the file, signed; for as long as there is the export. Conflict where it is not completed."""
    document = receipts.document(export)
    if document is None:
        raise Conflict(_why_none(export))
    name = f'attachment; filename="{files.filename(export)}.receipt.json"'
    return Response(document, media_type="application/json", headers={"Content-Disposition": name})


async def _local(request: Request, path: Path, stored: Stored, filename: str) -> Response:
    try:
        found = await threads.run(path.stat)  # it may be removed at any moment
    except OSError:
        raise NotFound("File not found") from None
    headers = _headers(stored, filename)
    response = _File(path, media_type=stored.content_type, headers=headers, stat_result=found)
    etag = response.headers["etag"]
    if conditions.is_known(request.headers, etag):
        return _not_modified(headers | {"ETag": etag})
    if request.method == "HEAD":
        return response
    try:
        validators = [etag, response.headers["last-modified"]]
        response.ranges = conditions.ranges(request.headers, found.st_size, validators)
    except conditions.NotSatisfiable:
        return _not_satisfiable(found.st_size)
    return response


class _File(FileResponse):
    """Sends the `ranges`; Starlette refuses some headers that RFC 9110 says to ignore, so it is given tidy ones."""

    ranges: list[tuple[int, int]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [one for one in scope["headers"] if one[0] not in (b"range", b"if-range")]
        if self.ranges:
            wanted = ",".join(f"{first}-{last}" for first, last in self.ranges)
            headers.append((b"range", f"bytes={wanted}".encode()))
        await super().__call__({**scope, "headers": headers}, receive, send)


async def _passed(
    storage: RemoteStorage, key: str, range_: tuple[int, int], stored: Stored, headers: dict[str, str]
) -> Response:
    first, last = range_
    try:
        part = await _passing.run(storage.part, key, first, last)
    except OSError as error:
        raise Unavailable(
            "The file cannot be read at the moment. Please try again.", cause=f"the storage does not answer: {error}"
        ) from error
    told = {"Content-Range": f"bytes {first}-{last}/{stored.bytes}", "Content-Length": str(last - first + 1)}
    return StreamingResponse(_chunks(part), 206, headers | told, media_type=stored.content_type)


async def _chunks(part: Part) -> AsyncIterator[bytes]:
    try:
        while chunk := await _passing.run(part.read, CHUNK):
            yield chunk
    finally:
        with suppress(Exception):
            part.close()


def _headers(stored: Stored, filename: str) -> dict[str, str]:
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'attachment; filename="{filename}"',
    } | ({"ETag": stored.etag} if stored.etag else {})


def _not_modified(headers: dict[str, str]) -> Response:
    return Response(status_code=304, headers={name: headers[name] for name in ("Cache-Control", "ETag")})


def _not_satisfiable(size: int) -> Response:
    return Response(status_code=416, headers={"Content-Range": f"bytes */{size}", "Cache-Control": "private, no-store"})


def _why_none(export: Export) -> str:
    if export.status in (ExportStatus.PENDING, ExportStatus.PROCESSING):
        return f"The export is {export.status}: it can be downloaded once it is completed."
    how = "was cancelled" if export.status == ExportStatus.CANCELLED else "has failed"
    return f"The export {how}, so that it has no file; `retryExport` starts it again."
