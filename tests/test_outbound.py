"""The guard of addresses that customers name: whom it asks, and what it takes."""

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network

import pytest
import trustme

from app import outbound
from app.outbound import Failed, Guard
from tests import addresses
from tests.addresses import Named, serving
from tools import patience

LOOPBACK = (ip_network("127.0.0.0/8"),)


def told(guard: Guard, url: str, *, timeout: float = 30, max_bytes: int = 10**6) -> tuple[int, bytes] | str:
    """The answer, or the reason why there is none."""
    try:
        with guard.request("GET", url, headers={}, timeout=timeout, max_bytes=max_bytes) as answer:
            return answer.status, b"".join(answer.chunks)
    except Failed as failed:
        return failed.reason


class Names:
    """A resolver that answers the same question otherwise each time, and the last answer from then on."""

    def __init__(self, *answers: Iterable[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Iterable[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def server() -> Iterator[Named]:
    with serving({"/a.png": b"content"}) as named:
        yield named


@pytest.fixture
def as_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers of this machine are as any of the internet."""
    monkeypatch.setattr(outbound, "is_public", lambda address: address.is_loopback)


PUBLIC = "1.1.1.1 8.8.8.8 93.184.216.34 192.0.1.1 100.63.255.255 172.32.0.1 2606:4700::1111 2a00:1450:4001::1 3ffe::1"
NOT_PUBLIC = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1 172.31.255.255
192.0.0.1 192.0.0.9 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1
224.0.0.1 232.1.1.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::169.254.169.254 64:ff9b::8.8.8.8
100::1 100:0:0:1::1 2001::1 2001:0:4136:e378::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::1
2002:808:808::1 64:ff9b:1::7f00:1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%1 fec0::1 ff02::1 ff0e::1
"""


def test_which_addresses_are_public() -> None:
    assert [text for text in PUBLIC.split() if not outbound.is_public(ip_address(text))] == []
    assert [text for text in NOT_PUBLIC.split() if outbound.is_public(ip_address(text))] == []


SPELLED = (
    *("localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.0.0.1.", "127.1", "2130706433", "0x7f.1", "0x7f000001"),
    *("0177.0.0.1", "017700000001", "0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"),
    *("[64:ff9b::7f00:1]", "[::1%25lo]", "[::1", "127\u30020\u30020\u30021", "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460"),
    *("%31%32%37.0.0.1", "127.0.0.1%20", "127.0.0.1\\", "127.0.0.1\t", "127.0.0.1\n", "127.0.0.1\0", "a b", "", ".."),
    *("user@127.0.0.1", "user:word@127.0.0.1", "a@b@127.0.0.1", "name.invalid", "x" * 70, "xn--zz--"),
)


def test_however_it_is_spelled_this_machine_is_not_asked(server: Named) -> None:
    guard = Guard()
    reasons = {host: told(guard, f"http://{host}:{server.port}/a.png") for host in SPELLED}
    assert {host: reason for host, reason in reasons.items() if reason not in ("bad_address", "not_public")} == {}
    assert {reasons[host] for host in ("localhost", "2130706433", "0x7f.1", "[::ffff:7f00:1]")} == {"not_public"}
    assert server.connections == 0


NO_ADDRESSES = (
    *("", "/a.png", "//127.0.0.1/a.png", "ftp://example.com/a.png", "file:///etc/passwd", "data:image/png;base64,AA"),
    *("gopher://example.com/", "http://example.com:0/", "http://example.com:22/", "http://example.com:65536/"),
    *("http://example.com:80:80/", "https://example.com/" + "a" * outbound.MAX_URL),
)


def test_what_is_no_address_of_the_web() -> None:
    guard = Guard(resolve=Names(["127.0.0.1"]), networks=LOOPBACK)
    assert [url for url in NO_ADDRESSES if told(guard, url) != "bad_address"] == []


def test_a_name_is_asked_for_once_and_its_address_is_kept(server: Named) -> None:
    """Also where it means this machine when it is asked for again."""
    with serving({"/a.png": b"secret"}, address="127.0.0.2", port=server.port) as other:
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        guard = Guard(networks=(ip_network("127.0.0.1/32"),), resolve=names)
        assert told(guard, f"http://images.example:{server.port}/a.png?b=c#d") == (404, b"")
        assert names.asked == ["images.example"]
        assert server.asked == [(f"images.example:{server.port}", "/a.png?b=c")]
        assert told(guard, f"http://images.example:{server.port}/a.png") == "not_public"
        assert (server.connections, other.connections) == (1, 0)


def test_one_address_that_is_not_public_is_enough(server: Named) -> None:
    for addresses_of_it in (["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["127.0.0.1", "fe80::1%1"], []):
        guard = Guard(networks=LOOPBACK, resolve=Names(addresses_of_it))
        assert told(guard, f"http://images.example:{server.port}/a.png") == "not_public"
    assert server.connections == 0


def test_the_next_address_is_tried_where_one_is_silent(server: Named) -> None:
    guard = Guard(networks=LOOPBACK, resolve=Names(["127.0.0.3", "127.0.0.1"]))
    assert told(guard, f"http://images.example:{server.port}/a.png") == (200, b"content")


def test_tls_is_with_the_name_of_the_url(as_public: None) -> None:
    authority = trustme.CA()
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    with serving({"/a.png": b"content"}, tls=authority.issue_cert("images.example")) as server:
        guard = Guard(resolve=Names(["127.0.0.1"]), tls=tls)
        for host in ("images.example", "images.example.", "IMAGES.example"):
            assert told(guard, f"https://{host}:{server.port}/a.png") == (200, b"content")
        assert server.names == ["images.example"] * 3
        assert server.asked == [(f"images.example:{server.port}", "/a.png")] * 3
        assert told(guard, f"https://other.example:{server.port}/a.png") == "untrusted"
        assert told(guard, f"https://127.0.0.1:{server.port}/a.png") == "untrusted"
        assert told(Guard(resolve=Names(["127.0.0.1"])), f"https://images.example:{server.port}/a.png") == "untrusted"
        assert len(server.asked) == 3


def test_a_redirect_is_not_followed_and_no_proxy_is_asked(
    server: Named, as_public: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert told(Guard(), f"http://127.0.0.1:{server.port}/redirect") == (302, b"")
        assert [path for _, path in server.asked] == ["/redirect"]
        assert proxy.connections == 0


@pytest.mark.parametrize("path", ["/slow", "/slow-head", "/held"])
def test_what_drips_has_its_time_in_all(server: Named, as_public: None, path: str) -> None:
    began = time.monotonic()
    assert told(Guard(), f"http://127.0.0.1:{server.port}{path}", timeout=0.5) == "too_slow"
    assert 0.4 < time.monotonic() - began < patience.seconds(5)


def test_a_handshake_has_its_time_too(as_public: None) -> None:
    """Of a server that sends the beginning of a record, and then a byte now and again."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    connection.sendall(b"\x16\x03\x03\x40\x00")
                    while True:
                        connection.sendall(b"\x02")
                        time.sleep(addresses.SLOW)
                except OSError:
                    pass

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        began = time.monotonic()
        assert told(Guard(), f"https://127.0.0.1:{listening.getsockname()[1]}/", timeout=0.5) == "too_slow"
        assert time.monotonic() - began < patience.seconds(5)
        thread.join(patience.seconds(5))


def test_a_look_up_has_its_time_too() -> None:
    never = threading.Event()

    def resolve(host: str, port: int) -> Iterable[str]:
        never.wait(60)
        return []

    assert told(Guard(resolve=resolve), "http://images.example/", timeout=0.3) == "too_slow"
    never.set()


def test_bytes_are_bounded_while_they_come(server: Named, as_public: None) -> None:
    url = f"http://127.0.0.1:{server.port}"
    assert told(Guard(), f"{url}/endless") == "too_large"
    assert told(Guard(), f"{url}/bomb") == (200, addresses.BOMB)  # as it was sent: nothing is unpacked
    assert told(Guard(), f"{url}/a.png", max_bytes=6) == "too_large"
    assert told(Guard(), f"{url}/a.png", max_bytes=7) == (200, b"content")
    assert told(Guard(), f"{url}/broken") == "unreachable"


def test_of_servers_inside_nothing_is_told_but_what_is_there(server: Named) -> None:
    guard = Guard(networks=LOOPBACK)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        silent = taken.getsockname()[1]
    url = f"http://127.0.0.1:{server.port}"
    assert told(guard, f"{url}/a.png") == (200, b"content")
    assert told(guard, f"{url}/slow", timeout=0.3) == "unreachable"
    assert told(guard, f"{url}/endless") == "unreachable"
    assert told(guard, f"http://127.0.0.1:{silent}/") == "unreachable"
    assert told(guard, f"https://127.0.0.1:{server.port}/a.png") == "unreachable"
