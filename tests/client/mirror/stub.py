"""A server that answers what the document says, and nothing else; with faults, where a test wants some."""

import json
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Dict = dict[str, Any]

KEY = "stub_" + "k" * 40
LISTED = {
    "start_date", "end_date", "min_confidence", "max_confidence", "search", "source_types", "offset", "limit",
}  # fmt: skip
EXPORTED = {
    "data_type", "format", "start_date", "end_date", "min_confidence", "max_confidence", "search_terms", "source_types",
    "include_metadata", "include_failed", "fields", "limit",
}  # fmt: skip


def item(number: int, **values: Any) -> Dict:
    """A documented item, a minute after the one before it."""
    moment = f"2025-01-{15 + number // 1440:02}T{number // 60 % 24:02}:{number % 60:02}:00Z"
    return {
        "id": f"desc_{number:03}",
        "type": "description",
        "source_type": "batch" if number % 3 else "single",
        "source_id": "op_abc123",
        "created_at": moment,
        "image_url": "https://example.com/image.jpg",
        "description": f"A mountain landscape, number {number}",
        "confidence_score": None,
        "verification": None,
        "image_id": "img_xyz789",
        "metadata": {"number": number},
    } | values


def moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass
class Fault:
    """An answer in place of the right one."""

    status: int
    headers: Dict = field(default_factory=dict)


@dataclass
class Stub:
    """`items` are listed, `failed` are in exports that include such. What a test sets in the other fields is done."""

    items: list[Dict]
    failed: list[Dict] = field(default_factory=list)
    average: float | None = None
    statistics: bool = True
    refuse_exports: int | None = None
    fail_exports: int = 0
    never_ready: bool = False
    tells_count: bool = True
    cut: list[str] = field(default_factory=list)
    """How the next downloads are wrong: `short` (rows are missing), `broken` (before its end), `torn` (within a row),
    `expired`."""
    faults: defaultdict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    per_second: int | None = None
    """Requests that are allowed in each second."""
    before_page: Callable[[int], None] = lambda offset: None

    requests: list[tuple[float, str, Dict]] = field(default_factory=list)
    answered: Counter[int] = field(default_factory=Counter)
    files: dict[str, bytes] = field(default_factory=dict)
    exports: dict[str, Dict] = field(default_factory=dict)
    asked: Counter[int] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> "Stub":
        stub = self

        class Handler(_Handler):
            of = stub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/api/v2/data"

    def calls(self, path: str) -> list[Dict]:
        return [values for _, called, values in self.requests if called == path]

    def matching(self, asked: Dict, items: list[Dict]) -> list[Dict]:
        start, end = (moment(asked[name]) if asked.get(name) else None for name in ("start_date", "end_date"))
        found = [
            one
            for one in items
            if (not start or moment(one["created_at"]) >= start) and (not end or moment(one["created_at"]) <= end)
        ]
        return sorted(found, key=lambda one: (one["created_at"], one["id"]), reverse=True)

    def listed(self, asked: Dict) -> Dict:
        offset, limit = int(asked.get("offset", 0)), int(asked.get("limit", 100))
        if limit > 1:
            self.before_page(offset)
        found = self.matching(asked, self.items)
        days = Counter(one["created_at"][:10] for one in found)
        answer = {
            "items": found[offset : offset + limit],
            "total_count": len(found),
            "limit": limit,
            "offset": offset,
            "has_more": offset + limit < len(found),
            "filters_applied": {"date_range_applied": bool(asked.get("start_date") or asked.get("end_date"))},
        }
        if self.statistics:
            answer["statistics"] = {
                "total_count": len(found),
                "average_confidence": self.average,
                "confidence_distribution": {},
                "daily_counts": [{"date": day, "count": count} for day, count in sorted(days.items())],
                "source_distribution": dict(Counter(one["source_type"] for one in found)),
            }
        return answer

    def export(self, asked: Dict) -> Dict:
        rows = self.matching(asked, self.items + (self.failed if asked.get("include_failed") else []))
        rows = rows[: asked.get("limit", 100_000)]
        id = str(uuid.uuid4())
        self.files[id] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        fails = self.fail_exports > 0
        self.fail_exports -= fails
        self.exports[id] = {
            "export_id": id,
            "status": "failed" if fails else "completed",
            "download_url": None,
            "record_count": None if fails or not self.tells_count else len(rows),
            "format": "jsonl",
            "created_at": "2025-02-01T00:00:00Z",
            "estimated_completion_time": None,
            "error_message": "The disk was full" if fails else None,
        }
        return self.exports[id] | {"status": "processing", "record_count": None, "error_message": None}

    def state(self, id: str) -> Dict:
        if self.never_ready:
            return self.exports[id] | {"status": "processing", "record_count": None}
        url = f"{self.origin}/storage/{id}?signature={len(self.requests)}"
        completed = self.exports[id]["status"] == "completed"
        return self.exports[id] | {"download_url": url if completed else None}


class _Handler(BaseHTTPRequestHandler):
    of: Stub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with self.of.lock:
            self._get()

    def _get(self) -> None:
        address = urlsplit(self.path)
        if address.path.startswith("/storage/"):
            self._download(address.path.rpartition("/")[2])
        elif address.path == "/api/v2/data/descriptions":
            asked = dict(parse_qsl(address.query))
            assert asked.keys() <= LISTED, asked
            if self._may("/descriptions", asked):
                self._json(200, self.of.listed(asked))
        elif address.path.startswith("/api/v2/data/export/"):
            id = address.path.rpartition("/")[2]
            if self._may("/export/id", {"id": id}):
                known = id in self.of.exports
                self._json(200, self.of.state(id)) if known else self._json(404, {"detail": "Export not found"})
        else:
            self._json(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        with self.of.lock:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/api/v2/data/export"
            assert asked.keys() <= EXPORTED, asked
            if self._may("/export", asked):
                if self.of.refuse_exports:
                    self._json(self.of.refuse_exports, {"detail": "Exports are not for you"})
                else:
                    self._json(202, self.of.export(asked))

    def _may(self, path: str, asked: Dict) -> bool:
        self.of.requests.append((time.time(), path, asked))
        second = int(time.time())
        self.of.asked[second] += 1
        if self.headers["Authorization"] != f"Bearer {KEY}":
            self._refuse(401)
        elif self.of.per_second and self.of.asked[second] > self.of.per_second:
            self._refuse(429, {"Retry-After": "1"})
        elif self.of.faults[path]:
            fault = self.of.faults[path].pop(0)
            self._refuse(fault.status, fault.headers)
        else:
            return True
        return False

    def _refuse(self, status: int, headers: Dict | None = None) -> None:
        codes = {401: "INVALID_API_KEY", 429: "RATE_LIMIT_ERROR"}
        error = {"code": codes.get(status, "INTERNAL_ERROR"), "message": f"It is a {status}.", "details": {}}
        self._json(status, {"error": error, "request_id": str(uuid.uuid4())}, headers or {})

    def _json(self, status: int, content: Dict, headers: Dict | None = None) -> None:
        self._send(status, json.dumps(content).encode(), {"Content-Type": "application/json"} | (headers or {}))

    def _download(self, id: str) -> None:
        self.of.requests.append((time.time(), "/storage", {"authorization": self.headers["Authorization"]}))
        content = self.of.files[id]
        how = self.of.cut.pop(0) if self.of.cut else ""
        if how == "expired":
            self._send(403, b"<Error><Code>AccessDenied</Code></Error>", {})
        elif how == "broken":
            self._send(200, content[:-20], {"Content-Length": str(len(content))})
            self.close_connection = True
        elif how == "short":
            self._send(200, b"".join(content.splitlines(keepends=True)[:-1]), {})
        elif how == "torn":
            self._send(200, content[:-20], {})
        else:
            self._send(200, content, {})

    def _send(self, status: int, content: bytes, headers: Dict) -> None:
        self.of.answered[status] += 1
        self.send_response(status)
        if self.of.per_second:
            second = int(time.time())
            left = max(0, self.of.per_second - self.of.asked[second])
            limits = {"Limit": self.of.per_second, "Remaining": left, "Reset": second + 1}
            headers = {f"X-RateLimit-{name}": str(value) for name, value in limits.items()} | headers
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass
