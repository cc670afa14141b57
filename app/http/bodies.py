"""A request's body on its way in: unpacked, bounded while its bytes arrive, and few large ones at a time."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from weakref import WeakValueDictionary

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth import Principal
from app.errors import RateLimited, TooLarge, Unavailable
from app.http import encodings
from app.models import Scope as KeyScope
from app.settings import Settings

LARGE = 256 * 1024
"""Bytes from which on a body is large: it takes the memory and the time of many others."""


Turn = Callable[[], Awaitable[Callable[[], None]]]
"""Waits for a turn, and gives what ends it."""


class Turns:
    """At most so many at a time, and so many of one account; who comes later waits."""

    def __init__(self, most: int, most_of_one: int, wait: timedelta) -> None:
        self._wait = wait.total_seconds()
        self._all = asyncio.Semaphore(most)
        self._most_of_one = most_of_one
        self._of_one: WeakValueDictionary[int | None, asyncio.Semaphore] = WeakValueDictionary()

    async def take(self, account_id: int | None) -> Callable[[], None]:
        """Gives back what ends the turn. RateLimited or Unavailable for who waited too long."""
        later = {"Retry-After": str(math.ceil(self._wait))}
        own = self._of_one.setdefault(account_id, asyncio.Semaphore(self._most_of_one))
        if not await self._acquired(own):
            raise RateLimited("Too many large requests of this account are in work. Please wait.", headers=later)
        try:
            if not await self._acquired(self._all):
                raise Unavailable("Too many large requests are in work. Please try again.", headers=later)
        except BaseException:
            own.release()
            raise

        def end() -> None:
            self._all.release()
            own.release()

        return end

    async def _acquired(self, semaphore: asyncio.Semaphore) -> bool:
        try:
            async with asyncio.timeout(self._wait):
                return await semaphore.acquire()
        except TimeoutError:
            return False


class Bodies:
    """Inside of the gate: what a body may be depends on whose it is."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.small = min(LARGE, settings.max_body_bytes, settings.max_read_body_bytes)
        self.turns = Turns(settings.large_bodies, settings.large_bodies_per_account, settings.large_body_wait)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_small(scope, self.small):
            await self.app(scope, receive, send)
            return
        principal: Principal | None = scope["state"].get("principal")
        turn = partial(self.turns.take, principal.account_id if principal else None)
        body = _Body(receive, Headers(scope=scope), *self._bound(principal), turn)

        async def send_outside_of_turn(message: Message) -> None:
            body.end_turn()  # what is answered is no longer in work, and a stream may last
            await send(message)

        try:
            await self.app(scope, body.receive, send_outside_of_turn)
        finally:
            body.end_turn()

    def _bound(self, principal: Principal | None) -> tuple[int, TooLarge]:
        """The largest body in bytes, and what is said of a larger one."""
        most, of_readers = self.settings.max_body_bytes, self.settings.max_read_body_bytes
        if of_readers >= most or (principal and principal.includes(KeyScope.WRITE)):
            return most, TooLarge(f"The request's body is larger than {most} bytes.")
        needed = f"A body of more than {of_readers} bytes needs an API key with the scope '{KeyScope.WRITE}'."
        return of_readers, TooLarge(needed)


class _Body:
    """What a handler receives instead of the body as it comes."""

    def __init__(self, receive: Receive, headers: Headers, most: int, too_large: TooLarge, turn: Turn) -> None:
        self._receive = receive
        self._headers = headers
        self._most = most
        self._too_large = too_large
        self._turn = turn
        self._next: Receive | None = None
        self._end_turn: Callable[[], None] | None = None

    async def receive(self) -> Message:
        """TooLarge, UnknownEncoding, InvalidInput, RateLimited or Unavailable, as soon as it is certain."""
        if self._next is None:
            length = self._headers.get("content-length", "")
            await self._grown_to(int(length) if length.isdigit() else 0)
            raw = _counted(self._receive, self._grown_to)
            by = encodings.unpacker(self._headers.get("content-encoding", ""))
            self._next = raw if by is None else _counted(_unpacked(raw, by), self._grown_to)
        return await self._next()

    def end_turn(self) -> None:
        if self._end_turn is not None:
            self._end_turn()
            self._end_turn = _nothing

    async def _grown_to(self, size: int) -> None:
        if size > self._most:
            raise self._too_large
        if size > LARGE and self._end_turn is None:
            self._end_turn = await self._turn()


def _counted(receive: Receive, grown_to: Callable[[int], Awaitable[None]]) -> Receive:
    size = 0

    async def receive_counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        await grown_to(size)
        return message

    return receive_counted


def _unpacked(receive: Receive, by: encodings.Unpacker) -> Receive:
    async def packed() -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            more = message.get("more_body", False)
            yield message.get("body", b"")

    pieces = encodings.unpack(packed(), by)
    ended = False

    async def receive_unpacked() -> Message:
        nonlocal ended
        if ended:
            return await receive()  # that the client has left
        piece = await anext(pieces, None)
        ended = piece is None
        return {"type": "http.request", "body": piece or b"", "more_body": not ended}

    return receive_unpacked


def _nothing() -> None:
    """The turn has ended, and a body that is still read takes no other."""


def _is_small(scope: Scope, most: int) -> bool:
    """Whether the head says so, as it does of nearly all: the server lets no more through than the head says."""
    length = 0
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            length = int(value)
        elif name in (b"transfer-encoding", b"content-encoding"):
            return False
    return length <= most
