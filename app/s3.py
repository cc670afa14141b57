"""Export files in S3, or in anything that speaks its protocol."""

import base64
import hashlib
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app import threads
from app.errors import Unavailable
from app.settings import Settings
from app.storage import URL_LIFETIME, NotKept

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3.client import S3Client

PART_SIZE = 8 * 2**20
"""Bytes of one part of a multipart upload; what is smaller is put at once."""


P = ParamSpec("P")
R = TypeVar("R")


def _as_oserror(method: Callable[P, R]) -> Callable[P, R]:
    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except (BotoCoreError, ClientError) as error:
            raise OSError(f"S3: {error}") from error

    return call


class S3Storage:
    """Credentials and region come from boto3's usual places (`AWS_*` variables, profiles, instance roles)."""

    def __init__(self, settings: Settings) -> None:
        self._bucket = settings.s3_bucket
        self._prefix = settings.s3_prefix
        self._endpoint = settings.s3_endpoint_url or None
        self._public_endpoint = settings.s3_public_endpoint_url or self._endpoint

    def open(self, key: str, *, content_type: str, filename: str) -> "S3Sink":
        parameters = {
            "Bucket": self._bucket,
            "Key": self._prefix + key,
            "ContentType": content_type,
            "ContentDisposition": f'attachment; filename="{filename}"',
        }
        return S3Sink(self._client, parameters)

    def url(self, key: str, *, content_type: str, filename: str) -> str:
        parameters = {"Bucket": self._bucket, "Key": self._prefix + key}
        try:
            return self._public_client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=URL_LIFETIME)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("No download URL can be signed at the moment. Please try again.") from error

    @_as_oserror
    def part(self, key: str, first: int, last: int) -> "StreamingBody":
        wanted = f"bytes={first}-{last}"
        answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key, Range=wanted)
        if answer["ContentLength"] != last - first + 1:
            answer["Body"].close()
            raise NotKept(f"S3 gives {answer['ContentLength']} bytes of {key} where {last - first + 1} were asked for")
        return answer["Body"]

    @_as_oserror
    def remove(self, key: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    @_as_oserror
    def clear(self, prefix: str, *, unwanted: Callable[[str], bool], keep: Collection[str] = ()) -> None:
        full = self._prefix + prefix
        for full_key, upload in self._uploads(full):
            if unwanted(full_key.removeprefix(self._prefix)):
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=full_key, UploadId=upload)
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=full):
            for found in page.get("Contents", ()):
                key = found["Key"].removeprefix(self._prefix)
                if key not in keep and unwanted(key):
                    self.remove(key)

    @_as_oserror
    def check(self) -> None:
        self._client.head_bucket(Bucket=self._bucket)

    def _uploads(self, prefix: str) -> Iterator[tuple[str, str]]:
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=prefix)
        for page in pages:
            for upload in page.get("Uploads", ()):
                yield upload["Key"], upload["UploadId"]

    @cached_property
    def _client(self) -> "S3Client":
        return _client(self._endpoint)

    @cached_property
    def _public_client(self) -> "S3Client":
        return _client(self._public_endpoint)


class S3Sink:
    """A multipart upload that begins with the second part; what fits into one is a single put. While one part is on its
    way the next is gathered.

    Each part goes with its SHA-256, unless boto3 is told that the server knows no checksums
    (`AWS_REQUEST_CHECKSUM_CALCULATION=when_required`).
    """

    def __init__(self, client: "S3Client", parameters: dict[str, Any]) -> None:
        self._client = client
        self._parameters = parameters
        self._target = {"Bucket": parameters["Bucket"], "Key": parameters["Key"]}
        self._with_checksums = client.meta.config.request_checksum_calculation != "when_required"  # type: ignore[attr-defined]
        self._buffer = bytearray()
        self._size = 0
        self._upload: str | None = None
        self._parts: list[dict[str, Any]] = []
        self._digests: list[bytes] = []
        self._is_there = False
        self._sending: Future[None] | None = None
        self._thread = threads.Pool(1, "upload")

    @_as_oserror
    def write(self, data: bytes) -> None:
        self._buffer += data
        self._size += len(data)
        while len(self._buffer) >= PART_SIZE:
            part, self._buffer = self._buffer, self._buffer[PART_SIZE:]
            del part[PART_SIZE:]
            self._send(part)

    @_as_oserror
    def finish(self) -> None:
        if self._upload is None:
            body = bytes(self._buffer)
            self._client.put_object(**self._parameters, **self._checksum(body), Body=body)
            self._is_there = True
            self._ask_back(_text(self._digests[0]) if self._digests else None)
            return
        if self._buffer:
            self._send(self._buffer)
        self._wait()
        self._client.complete_multipart_upload(
            **self._target,
            UploadId=self._upload,
            MultipartUpload={"Parts": self._parts},  # type: ignore[typeddict-item]
        )
        self._upload, self._is_there = None, True
        of_all = _text(hashlib.sha256(b"".join(self._digests)).digest())
        self._ask_back(f"{of_all}-{len(self._parts)}" if self._digests else None)

    @_as_oserror
    def abort(self) -> None:
        with suppress(Exception):
            self._wait()  # or the part would come after the end
        if self._upload is not None:
            self._client.abort_multipart_upload(**self._target, UploadId=self._upload)
        if self._is_there:
            self._client.delete_object(**self._target)

    def _ask_back(self, checksum: str | None) -> None:
        """NotKept where the server has another size, or another checksum if it keeps checksums."""
        try:
            kept = self._client.head_object(**self._target, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                raise NotKept(f"S3 has nothing under {self._target['Key']}") from error
            raise
        size, its_checksum = kept["ContentLength"], kept.get("ChecksumSHA256")
        if size != self._size:
            raise NotKept(f"S3 has {size} bytes of {self._size} under {self._target['Key']}")
        if checksum and its_checksum and its_checksum != checksum:
            raise NotKept(f"S3 has other bytes under {self._target['Key']}: SHA-256 {its_checksum}, not {checksum}")

    def _checksum(self, body: bytes | bytearray) -> dict[str, Any]:
        if not self._with_checksums:
            return {}
        self._digests.append(hashlib.sha256(body).digest())
        return {"ChecksumSHA256": _text(self._digests[-1])}

    def _send(self, body: bytearray) -> None:
        self._wait()
        if self._upload is None:
            how: dict[str, Any] = {"ChecksumAlgorithm": "SHA256"} if self._with_checksums else {}
            self._upload = self._client.create_multipart_upload(**self._parameters, **how)["UploadId"]
        self._sending = self._thread.start(self._send_part, self._upload, body)

    def _send_part(self, upload: str, body: bytearray) -> None:
        number = len(self._parts) + 1
        part: dict[str, Any] = {"UploadId": upload, "PartNumber": number, "Body": body}  # as bytes it would be copied
        checksum = self._checksum(body)
        answer = self._client.upload_part(**self._target, **part, **checksum)
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]} | checksum)

    def _wait(self) -> None:
        """For the part that is on its way; its error is raised here."""
        if self._sending is not None:
            self._sending.result()
            self._sending = None


def _text(digest: bytes) -> str:
    """As S3 writes a checksum."""
    return base64.b64encode(digest).decode()


def _client(endpoint: str | None) -> "S3Client":
    config = Config(
        signature_version="s3v4",
        connect_timeout=3,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 3},
        s3={"addressing_style": "path"} if endpoint else {},
    )
    return boto3.session.Session().client("s3", endpoint_url=endpoint, config=config)
