"""Batches on their way: one thread gathers results and decides where they go, another sends one batch at a time.

What cannot be sent now goes into the spool.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sightlog import batches, endings, rows
from sightlog.errors import Forbidden, NotSignedIn, SightlogError
from sightlog.rows import Refusal, Row
from sightlog.spool import Spool
from sightlog.transport import GRAPHQL, Retries, Transport, data_of

log = logging.getLogger("sightlog")

OnRefused = Callable[[dict[str, Any], Refusal], None]
"""Told of a result that cannot be kept, by the names of `Recorder.record` and `status`, and why."""

_ONCE = Retries(tries=1)
_PAUSES = Retries(tries=2**31, first=0.5, longest=30, total=float("inf"))
_BUSY = 5.0
"""Seconds after which a request that is not answered counts as a server that is not reached."""

_OWN_ERROR = "sightlog: an error of the recorder itself; it goes on"
_LOOK = 60.0
"""Seconds between two looks for files that other processes left."""


MOST = 10_000
"""Results that the server takes at once."""


@dataclass(frozen=True)
class Bounds:
    """What recording may take. Times are in seconds.

    A batch is sent when it has `batch_rows` results or `batch_bytes`, or when its first result is `age` old. In memory
    are at most `queue_rows` results and `queue_bytes`; beyond half of either, and whenever the server does not answer,
    batches go to the disk, up to `spool_bytes` for a server and key. `exit` is how long the end of the program may
    wait for the server.
    """

    batch_rows: int = 2_000
    batch_bytes: int = 4 * 2**20
    age: float = 1.0
    queue_rows: int = 20_000
    queue_bytes: int = 64 * 2**20
    spool_bytes: int = 512 * 2**20
    exit: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.batch_rows <= MOST:
            raise ValueError(f"batch_rows is 1 to {MOST:,}, as the server takes no more at once.")
        for name, value in asdict(self).items():
            if value < 0:
                raise ValueError(f"{name} is not less than 0.")


@dataclass(frozen=True)
class Counters:
    """What became of results, as far as this process knows. Those that it sends for another process count too.

    `recorded` were new to the server, `known` were not; `conflicting` of these were given with other content than it
    keeps. `erased` were left out by the server, which had erased them before. `refused` were told to `on_refused` or
    are in the file of dead letters. `spooled` were written to disk, where they wait or have been sent since. `dropped`
    are lost: memory and disk were full. `damaged` are lines on disk that nobody can read, as their writer was killed.
    `waiting` are in memory now.
    """

    recorded: int = 0
    known: int = 0
    conflicting: int = 0
    erased: int = 0
    refused: int = 0
    spooled: int = 0
    dropped: int = 0
    damaged: int = 0
    waiting: int = 0


class Sending:
    """What one process has to send. Its first result starts its threads; once it has ended it takes nothing more."""

    def __init__(
        self, transport: Transport, spool: Spool, bounds: Bounds, on_refused: OnRefused | None, counters: Counters
    ) -> None:
        self.pid = os.getpid()
        self.spool = spool
        self.bounds = bounds
        self._transport = transport
        self._on_refused = on_refused
        self._counters = counters
        self._body = batches.body()
        self._lock = threading.RLock()  # entered again where a handler of a signal records
        self._changed = threading.Condition()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._jobs: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._told: set[str] = set()
        self._filling: list[Row] = []
        self._filling_bytes = 0
        self._filling_since = 0.0
        self._full: deque[list[Row]] = deque()
        self._waiting_rows = 0
        self._waiting_bytes = 0
        self._accepted = 0
        self._in_flight: list[Row] | None = None
        self._in_flight_from = 0
        self._moving = 0
        """Results that are being written to disk."""

        self._busy_since: float | None = None
        self._flush_to = 0
        self._failures = 0
        self._retry_at = 0.0
        self._told_to_wait = False
        self._looked_at = time.monotonic()
        self._ends_at: float | None = None
        self._ended = False
        self._threads: list[threading.Thread] = []
        self._going = threading.Lock()
        """Held while results are gathered."""

    def counters(self) -> Counters:
        with self._lock:
            waiting = self._waiting_rows + self._moving + len(self._in_flight or ())
            return replace(self._counters, waiting=waiting, damaged=self._counters.damaged + self.spool.damaged)

    def flush(self, timeout: float) -> bool:
        """Whether all is at the server that was put before. Waits until it is, or on disk, or the time is over."""
        with self._lock:
            target = self._flush_to = self._accepted
        if not self._threads:
            return True
        deadline = time.monotonic() + timeout
        self._wake.put(None)
        with self._changed:
            while self._settled() < target:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 0.5))
        return not self.spool.has_own

    @property
    def is_running(self) -> bool:
        return bool(self._threads) and not self._ended

    def end_by(self, moment: float) -> None:
        """Asks for the end, by that moment of the monotonic clock."""
        if self._threads:
            if not self._told_to_wait:  # one more try
                self._failures, self._retry_at = 0, 0.0
            self._ends_at = moment
            self._wake.put(None)

    def wait_for_end(self) -> None:
        if not self._threads or self._ends_at is None:
            return
        # Not by `join`: once that was interrupted, Python 3.11 takes the thread for ended.
        if self._going.acquire(timeout=max(0.0, self._ends_at - time.monotonic()) + 2):
            self._going.release()

    def close(self) -> None:
        """After the end: a request that is still under way fails, and other processes may have the files."""
        self._transport.close()
        self.spool.close()

    def left(self) -> str | None:
        """A sentence on what is not at the server; None where all is."""
        counters = self._counters
        parts = []
        if self.spool.has_own:
            url, folder = self._transport.profile.url, self.spool.folder
            parts.append(
                f"What {url} did not take yet, up to {counters.spooled:,} results, is in {folder}; "
                "the next process that records there with the same key sends them."
            )
        waiting = self._waiting_rows + self._moving + len(self._in_flight or ())
        if counters.dropped or waiting:
            parts.append(f"{counters.dropped + waiting:,} results are lost: they could neither be sent nor written.")
        return f"sightlog: {' '.join(parts)}" if parts else None

    # In the program's threads.

    def put(self, row: Row) -> None:
        """Never waits; what there is no room for is dropped and counted."""
        size = len(row.line)
        with self._lock:
            if (
                self._waiting_rows >= self.bounds.queue_rows
                or self._waiting_bytes + size > self.bounds.queue_bytes
                or self._ended
            ):
                self._count(dropped=1)
                dropped, wake = True, False
            else:
                dropped = False
                wake = self._keep(row, size)
        if dropped:
            self._say("dropped", "Results are dropped: memory is full, and the spool cannot take them fast enough.")
        elif wake:
            self._wake.put(None)

    def _keep(self, row: Row, size: int) -> bool:
        """Whether a thread has something to do about it."""
        self._filling.append(row)
        self._filling_bytes += size
        self._waiting_bytes += size
        self._waiting_rows += 1
        self._accepted += 1
        if not self._threads:
            self._start()
        if len(self._filling) >= self.bounds.batch_rows or self._filling_bytes >= self.bounds.batch_bytes:
            self._seal()
            return True
        if len(self._filling) == 1:
            self._filling_since = time.monotonic()
            return True
        return False

    def _seal(self) -> None:
        self._full.append(self._filling)
        self._filling, self._filling_bytes = [], 0

    def _start(self) -> None:
        self._threads = [
            threading.Thread(target=target, name=f"sightlog-{target.__name__.strip('_')}", daemon=True)
            for target in (self._gather, self._send)
        ]
        endings.watch(self)
        self._going.acquire()
        try:
            for thread in self._threads:
                thread.start()
        except RuntimeError as error:  # at the interpreter's end
            self._going.release()
            self._say("threads", f"Results cannot be sent any more: {error}.")

    # In the thread that gathers.

    def _gather(self) -> None:
        while not self._ended:
            self._gather_once()
        self._going.release()
        self._jobs.put(False)
        self._notify()
        endings.forget(self)

    def _gather_once(self) -> None:
        try:
            self._wait()
            while self._step():
                pass
            self._ended = self._is_over()
        except Exception:
            log.exception(_OWN_ERROR)
            time.sleep(0.5)

    def _wait(self) -> None:
        now = time.monotonic()
        moments = [now + _LOOK]
        with self._lock:
            if self._filling:
                moments.append(self._filling_since + self.bounds.age)
            if self._retry_at > now:
                moments.append(self._retry_at)
            if self._busy_since is not None:
                moments.append(max(self._busy_since + _BUSY, now + 0.2))
            if self._ends_at is not None:
                moments.append(max(self._ends_at, now + 0.02))
        try:
            self._wake.get(timeout=max(0.001, min(moments) - now))
            while True:
                self._wake.get_nowait()
        except queue.Empty:
            pass

    def _step(self) -> bool:
        """One batch to where it belongs now; False where there is none, or none that can go anywhere."""
        now = time.monotonic()
        if now - self._looked_at >= _LOOK:
            self._looked_at = now
            self.spool.look_again()
        with self._lock:
            ending = self._ends_at is not None
            if self._filling and (
                ending or self._flush_to > self._sealed() or now - self._filling_since >= self.bounds.age
            ):
                self._seal()
            is_free = self._busy_since is None
            gives_up = self._gives_up(now)
            if is_free and now >= self._retry_at and not gives_up:
                return self._hand_over(now, self.spool.has_own if ending else self.spool.has_any)
            is_away = is_free or now - (self._busy_since or now) > _BUSY
            if not self._full or not (is_away or gives_up or self._is_crowded()):
                return False
            batch = self._pop()
            self._moving = len(batch)
        left = self._spill(batch)
        with self._lock:
            self._moving = 0
            if left:
                self._push(left)
        self._notify()
        return not left

    def _hand_over(self, now: float, spooled: bool) -> bool:
        if self._full:
            self._in_flight_from = self._accepted - self._waiting_rows
            self._in_flight = self._pop()
        elif not spooled:
            return False
        self._busy_since = now
        self._jobs.put(True)
        return True

    def _is_crowded(self) -> bool:
        return self._waiting_rows > self.bounds.queue_rows // 2 or self._waiting_bytes > self.bounds.queue_bytes // 2

    def _sealed(self) -> int:
        """How many of the accepted are in batches, or farther."""
        return self._accepted - len(self._filling)

    def _pop(self) -> list[Row]:
        batch = self._full.popleft()
        self._waiting_rows -= len(batch)
        self._waiting_bytes -= sum(len(row.line) for row in batch)
        return batch

    def _push(self, batch: list[Row]) -> None:
        self._full.appendleft(batch)
        self._waiting_rows += len(batch)
        self._waiting_bytes += sum(len(row.line) for row in batch)

    def _spill(self, batch: Sequence[Row]) -> list[Row]:
        """To the disk; what could not be written there, of which is told once."""
        fit = self._without_unfit(batch)
        try:
            if fit:
                self.spool.append(fit)
        except OSError as error:
            self._say("spool", f"Results cannot be kept on disk, only {self.bounds.queue_rows:,} in memory: {error}.")
            return fit
        self._count(spooled=len(fit))
        self._notify()
        return []

    def _gives_up(self, now: float) -> bool:
        """At the end of the program, one failed try is enough."""
        return self._ends_at is not None and (now >= self._ends_at or self._failures > 0)

    def _is_over(self) -> bool:
        """Whether all is done that can be done before the end."""
        now = time.monotonic()
        if self._ends_at is None:
            return False
        with self._lock:
            in_flight, is_free = self._in_flight, self._busy_since is None
            nothing = not self._full and not self._filling
        if now < self._ends_at and not (is_free and self._gives_up(now)):
            return is_free and nothing and not self.spool.has_own
        # It may have arrived; its ids make that harmless.
        if not is_free and in_flight and not self._spill(in_flight):
            self._in_flight = None
        while True:
            with self._lock:
                if self._filling:
                    self._seal()
                if not self._full:
                    return True
                batch = self._pop()
            left = self._spill(batch)
            if left:
                with self._lock:
                    self._push(left)
                return True

    # In the thread that sends.

    def _send(self) -> None:
        while self._jobs.get():
            self._send_once()

    def _send_once(self) -> None:
        batch, done = self._in_flight, None
        of_spool = batch is None
        try:
            if batch is None:
                batch = self.spool.batch(self.bounds.batch_rows, self.bounds.batch_bytes)
                self._tell_of_others()
            batch = self._without_unfit(batch)
            done = self._delivered(batch)
            self._account_for(done, of_spool)
        except Exception:
            log.exception(_OWN_ERROR)
        finally:
            self._free(done if batch else None)

    def _delivered(self, batch: Sequence[Row]) -> batches.Delivered:
        try:
            return batches.deliver(batch, self._post)
        except Exception as error:
            log.exception(_OWN_ERROR)
            return batches.Delivered(left=list(batch), error=SightlogError(str(error)))

    def _post(self, batch: Sequence[Row]) -> list[dict[str, Any]]:
        content = self._body(batch)
        answer = self._transport.request("POST", "/graphql", content=content, headers=GRAPHQL, retries=_ONCE)
        told: list[dict[str, Any]] = data_of(answer)["recordDescriptions"]["rows"]
        return told

    def _account_for(self, done: batches.Delivered, of_spool: bool) -> None:
        self._refuse(done.refused)
        if of_spool:
            self.spool.settle(done.left)
        self._count(recorded=done.recorded, known=done.known, conflicting=done.conflicting, erased=done.erased)
        if done.erased:
            self._say("erased", "Results that were erased at the server were not recorded again.")
        if done.conflicting:
            self._say("conflicting", "Results with known ids and other content were not recorded; the first are kept.")
        if done.error is not None:
            self._explain(done.error)
        if done.left and not of_spool and not self._ended:  # at the end they are written already
            left = self._spill(done.left)
            with self._lock:
                self._in_flight = None
                if left:
                    self._push(left)

    def _free(self, done: batches.Delivered | None) -> None:
        """For the next batch; None where there was nothing to send, which says nothing of the server."""
        with self._lock:
            self._in_flight = None
            self._busy_since = None
            if done is not None and done.error is not None:
                self._failures += 1
                self._told_to_wait = done.error.retry_after is not None
                pause = _PAUSES.delay(min(self._failures, 16), 0, done.error.retry_after)
                self._retry_at = time.monotonic() + (pause or 0)
            elif done is not None:
                if self._failures:
                    self.spool.look_again()
                self._failures, self._retry_at, self._told_to_wait = 0, 0.0, False
                self._told -= {"unreachable", "key", "spool"}
        self._notify()
        self._wake.put(None)

    def _explain(self, error: SightlogError) -> None:
        kind = "key" if isinstance(error, (NotSignedIn, Forbidden)) else "unreachable"
        self._say(kind, f"Results are kept in {self.spool.folder} for now: {error.message}")

    def _tell_of_others(self) -> None:
        if "others" not in self._told and self.spool.others():
            self._say("others", f"Files for another key of {self._transport.profile.url} are in {self.spool.folder}.")

    # In both.

    def _without_unfit(self, batch: Sequence[Row]) -> list[Row]:
        unfit = [(row, row.unfit) for row in batch if row.unfit is not None]
        if unfit:
            self._refuse(unfit)
        return [row for row in batch if row.unfit is None]

    def _refuse(self, refused: Sequence[tuple[Row, Refusal]]) -> None:
        buried = []
        for row, refusal in refused:
            if self._on_refused is None:
                buried.append((row, refusal))
                continue
            try:
                self._on_refused(rows.values_of(row), refusal)
            except Exception:
                log.exception("sightlog: on_refused failed")
                buried.append((row, refusal))
        if buried:
            first = f"the first: {buried[0][1].message}"
            try:
                self.spool.bury(buried)
                self._say("refused", f"Results were refused and are in {self.spool.dead_letters}; {first}")
            except OSError as error:
                self._say("lost", f"Results were refused and cannot be kept ({error}); {first}")
        self._count(refused=len(refused))

    def _settled(self) -> int:
        """The first so many of the accepted are at the server, or on disk, or refused."""
        with self._lock:
            waiting = self._waiting_rows + self._moving
            return self._accepted - waiting if self._in_flight is None else self._in_flight_from

    def _count(self, **more: int) -> None:
        with self._lock:
            now = asdict(self._counters)
            self._counters = replace(self._counters, **{name: now[name] + number for name, number in more.items()})

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _say(self, what: str, sentence: str) -> None:
        """Once, until it is over."""
        if what not in self._told:
            self._told.add(what)
            log.warning("sightlog: %s", sentence)
