"""The one way to an address that a customer names: nothing of ours is reached by it, and nothing of it is unbounded.

A name is resolved once, all of its addresses are judged, and the connection goes to one that was judged, so that a
resolver that answers otherwise the second time is not asked. `Host`, the name in TLS and the certificate are those of
the URL. Nothing is followed, unpacked, or sent through the proxies of the environment.
"""

import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import httpcore
import httpx

from app import threads

log = logging.getLogger(__name__)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Iterable[str]]
"""The addresses of a name. OSError where it has none."""

MAX_URL = 4096
"""Characters of an address."""

_TRIED = 3
"""Addresses of one name that a connection is tried to."""

_HOST = re.compile(rb"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|[0-9a-f:.]*:[0-9a-f:.]*")
_lookups = threads.Pool(64, "lookup")

_GLOBAL_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)
"""IANA's registries of addresses for special purposes, but for those of IPv6 outside of `2000::/3`: `is_global` of
Python knows neither all of them nor the same ones in each version.
"""


class Failure(StrEnum):
    """Why nothing came of it."""

    BAD_ADDRESS = "bad_address"
    NOT_PUBLIC = "not_public"
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"
    TOO_SLOW = "too_slow"
    TOO_LARGE = "too_large"
    STOPPED = "stopped"


class Failed(Exception):
    """Nothing came of it, for the reason that is its text; a customer may read it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_public(address: Address) -> bool:
    """Whether it is somebody's on the internet, and written as what it is: none that is mapped, translated or tunnelled
    (NAT64, 6to4, Teredo), as those end at an address that nobody has judged.
    """
    if isinstance(address, IPv6Address) and (address not in _GLOBAL_V6 or address.scope_id):
        return False
    return address.is_global and not any(address in network for network in _NOT_PUBLIC)


@dataclass(frozen=True)
class Target:
    """What a URL says, and which addresses it was found to mean. `is_public`: all of them are."""

    url: httpx.URL
    host: str
    port: int
    addresses: Sequence[str]
    is_public: bool


@dataclass(frozen=True)
class Answer:
    """What a server said. `chunks` gives the body as it is sent, whatever it says it is packed with; Failed where it
    does not all come.
    """

    status: int
    headers: httpx.Headers
    chunks: Iterator[bytes]


def _system(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(address[0]) for *_, address in found]


@dataclass(frozen=True)
class Guard:
    """`networks`: addresses that may be asked although they are not public."""

    networks: Sequence[Network] = ()
    resolve: Resolve = _system
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    @contextmanager
    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes = b"",
        timeout: float,
        max_bytes: int,
        ended: threading.Event | None = None,
    ) -> Iterator[Answer]:
        """The answer to one request. `timeout`: seconds from the look-up to the last byte, together. Failed where there
        is no answer, or where it has more bytes, also while they come. `ended` set: no more of it is read.

        Of servers in `networks` a customer learns only that nothing came of it: any Failed of the block, the caller's
        own too, says `unreachable`.
        """
        with _Watch(timeout) as watch:
            target = self._target(url, watch)
            try:
                with self._answer(target, method, headers, content, watch) as response:
                    chunks = _bounded(response, max_bytes, watch, ended)
                    yield Answer(response.status, httpx.Headers(response.headers), chunks)
            except Failed as error:
                if target.is_public:
                    raise
                log.debug("%s:%d, inside: %s", target.host, target.port, error.reason)
                raise Failed(Failure.UNREACHABLE) from None
            except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
                log.debug("%s:%d: %s", target.host, target.port, error)
                raise Failed(_reason(error, target, watch)) from None

    @contextmanager
    def _answer(
        self, target: Target, method: str, headers: Mapping[str, str], content: bytes, watch: "_Watch"
    ) -> Iterator[httpcore.Response]:
        url = httpcore.URL(
            scheme=target.url.raw_scheme, host=target.host.encode(), port=target.port, target=target.url.raw_path
        )
        sent = {"Host": _authority(target), "Accept-Encoding": "identity", "Connection": "close"} | dict(headers)
        if content:
            sent["Content-Length"] = str(len(content))
        left = watch.left()
        timeouts = {"connect": left, "read": left, "write": left}
        asked = httpcore.Request(
            method, url, headers=list(sent.items()), content=content, extensions={"timeout": timeouts}
        )
        backend = _Pinned(target.addresses, watch)
        connection = httpcore.HTTPConnection(url.origin, ssl_context=self.tls, network_backend=backend)
        with closing(connection), closing(connection.handle_request(asked)) as response:
            yield response

    def _target(self, url: str, watch: "_Watch") -> Target:
        parsed = _parsed(url)
        host = parsed.raw_host.decode().removesuffix(".")
        port = parsed.port or {"http": 80, "https": 443}[parsed.scheme]
        asked = parsed.raw_host.decode()  # with the dot that keeps the search domains of this machine out of it
        lookup: Future[list[str]] = _lookups.start(lambda: list(self.resolve(asked, port)))
        try:
            found = [ip_address(text) for text in lookup.result(watch.left())]
        except TimeoutError:
            lookup.cancel()
            raise Failed(Failure.TOO_SLOW) from None
        except (OSError, ValueError):
            raise Failed(Failure.NOT_PUBLIC) from None  # as for a name of ours: which ones there are is not told
        public = [is_public(address) for address in found]
        allowed = (is_good or self._allows(address) for address, is_good in zip(found, public, strict=True))
        if not found or not all(allowed):
            raise Failed(Failure.NOT_PUBLIC)
        return Target(parsed, host, port, [str(address) for address in dict.fromkeys(found)], all(public))

    def _allows(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url) if len(url) <= MAX_URL else None
    except (httpx.InvalidURL, ValueError):
        parsed = None
    if (
        parsed is None
        or parsed.scheme not in ("http", "https")
        or parsed.userinfo
        or not _HOST.fullmatch(parsed.raw_host)
        or not (parsed.port in (None, 80, 443) or 1024 <= parsed.port <= 65535)
    ):
        raise Failed(Failure.BAD_ADDRESS)
    return parsed


def _authority(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.url.port is None else f"{host}:{target.url.port}"


def _bounded(
    response: httpcore.Response, max_bytes: int, watch: "_Watch", ended: threading.Event | None
) -> Iterator[bytes]:
    size = 0
    for chunk in response.iter_stream():
        size += len(chunk)
        if ended is not None and ended.is_set():
            raise Failed(Failure.STOPPED)
        if size > max_bytes:
            raise Failed(Failure.TOO_LARGE)
        yield chunk
    if watch.is_over:  # a body that ends with its connection ends when that is cut
        raise Failed(Failure.TOO_SLOW)


def _reason(error: Exception, target: Target, watch: "_Watch") -> Failure:
    if not target.is_public:
        return Failure.UNREACHABLE
    if watch.is_over or isinstance(error, httpcore.TimeoutException):
        return Failure.TOO_SLOW
    causes = [error, error.__cause__, error.__context__]
    return Failure.UNTRUSTED if any(isinstance(one, ssl.SSLError) for one in causes) else Failure.UNREACHABLE


class _Watch:
    """Cuts the connection when its time is over, whatever the thread that uses it waits for."""

    def __init__(self, timeout: float) -> None:
        self._ends = time.monotonic() + timeout
        self._timer = threading.Timer(timeout, self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._ends

    def left(self) -> float:
        """Seconds. Failed where there are none."""
        if self.is_over:
            raise Failed(Failure.TOO_SLOW)
        return self._ends - time.monotonic()

    def guards(self, connection: socket.socket) -> None:
        with self._lock:
            self._forget()
            self._socket = connection.dup()  # TLS takes the file descriptor away from this object
        self.left()

    def _cut(self) -> None:
        with self._lock:
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> "_Watch":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._forget()


class _Pinned(httpcore.SyncBackend):
    """Connects to addresses that were judged, whatever the name."""

    def __init__(self, addresses: Sequence[str], watch: _Watch) -> None:
        self._addresses = addresses[:_TRIED]
        self._watch = watch

    def connect_tcp(  # type: ignore[override]
        self, host: str, port: int, timeout: float | None = None, **options: Any
    ) -> httpcore.NetworkStream:
        for address in self._addresses:
            left = self._watch.left()
            try:
                stream = super().connect_tcp(address, port, min(timeout or left, left), **options)
            except (httpcore.NetworkError, httpcore.TimeoutException):
                if address == self._addresses[-1]:
                    raise
            else:
                self._watch.guards(stream.get_extra_info("socket"))
                return stream
        raise AssertionError("a target has an address")
