"""Records results in the background: what the program does is neither slowed nor broken by it.

`record` puts a result into memory. One thread gathers batches; another sends them, one at a time. What cannot be sent
now goes into the spool, files on disk that this or the next process sends.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401  # looked up by the first connection, in a thread that a fork might lack
import logging
import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from sightlog import endings, profiles, rows, spool
from sightlog.describing import Describing
from sightlog.rows import Refusal
from sightlog.sending import Bounds, Counters, OnRefused, Sending
from sightlog.transport import Options, Transport

__all__ = ["Bounds", "Counters", "Recorder", "Refusal"]

log = logging.getLogger("sightlog")


class Recorder:
    """Records results at the server and with the key of `profiles.find`; NotSignedIn where no key is known.

    Safe for threads and forks: a child process begins with nothing to send. `spool_name` stands for the key in the
    names of the spool's files: recorders of one server and name send each other's, also with another key.
    `on_refused` is called in a background thread. SIGTERM, where the program does not handle it, first brings to safety
    what is in memory.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        profile: str | None = None,
        *,
        bounds: Bounds | None = None,
        options: Options | None = None,
        on_refused: OnRefused | None = None,
        spool_dir: str | os.PathLike[str] | None = None,
        spool_name: str | None = None,
    ) -> None:
        self.profile = profiles.find(url, api_key, profile)
        self.bounds = bounds or Bounds()
        self._options = options or Options(timeout=30)
        self._on_refused = on_refused
        self._spool_dir = Path(spool_dir) if spool_dir is not None else spool.folder()
        self._spool_name = spool_name
        self._sending = self._begin(Counters())
        endings.open_recorders.add(self)
        endings.handle_sigterm()

    def _begin(self, counters: Counters) -> Sending:
        # Made by the program's own thread: what another has half imported when it forks, the child could not import.
        transport = Transport(self.profile, self._options)
        kept = spool.Spool(self._spool_dir, self.profile, self._spool_name, self.bounds.spool_bytes)
        return Sending(transport, kept, self.bounds, self._on_refused, counters)

    def record(
        self,
        *,
        description: str | None = None,
        image_url: str | None = None,
        image_id: str | None = None,
        source_type: str = "single",
        source_id: str | None = None,
        confidence_score: float | None = None,
        metadata: Mapping[str, Any] | None = None,
        verification: Any = None,
        error_message: str | None = None,
        created_at: datetime | str | None = None,
        type: str | None = None,
        id: str | None = None,
        response_id: str | None = None,
    ) -> str:
        """Takes a result, and gives its id: `id`, or one that follows from the model's `response_id`, or a UUIDv7.

        Recording one id twice is harmless. With an `error_message` it is a result that failed. Without `created_at` it
        is of now; one without a time zone is local. Of an image in a `data:` URL the digest is kept, as `image_id`.
        Never waits, and raises nothing because of a value: what cannot be kept is refused later.
        """
        row = rows.make(
            id=id,
            response_id=response_id,
            type=type,
            failed=error_message is not None,
            source_type=source_type,
            source_id=source_id,
            created_at=created_at,
            image_url=image_url,
            image_id=image_id,
            description=description,
            confidence_score=confidence_score,
            verification=verification,
            metadata=metadata,
            error_message=error_message,
        )
        self._here().put(row)
        return row.id

    def describing(self, **fields: Any) -> Describing:
        """For `with log.describing(image_url=…) as result:`, where the block sets `result.description` and others of
        the fields of `record`. How long it took is in the metadata, as `duration_ms`. An exception goes on, and is
        recorded as a result that failed.
        """
        return Describing(self.record, fields)

    def counters(self) -> Counters:
        return self._here().counters()

    def flush(self, timeout: float = 30) -> bool:
        """Waits until what was recorded before is at the server or on disk; whether all of it is at the server."""
        return self._here().flush(timeout)

    def close(self, timeout: float | None = None) -> Counters:
        """Sends what it can within `timeout` seconds (`bounds.exit`, if not said) and leaves the rest to the spool.

        What is recorded later begins anew.
        """
        ending = self._here()
        ending.end_by(time.monotonic() + (self.bounds.exit if timeout is None else timeout))
        ending.wait_for_end()
        left = ending.left()
        if left:
            log.warning(left)
        counters = ending.counters()
        ending.close()
        self._sending = self._begin(counters)
        return counters

    def _here(self) -> Sending:
        if self._sending.pid != os.getpid():
            self.leave_to_parent()
            self._sending = self._begin(Counters())
        return self._sending

    def leave_to_parent(self) -> None:
        """In a child: what its parent had still to send is its parent's, and so are the locks of the files."""
        self._sending.spool.close()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
