"""The account that must not notice: it asks for pages again and again, and for an export now and then."""

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx

REST = "/api/v2/data"
INTERVAL = 0.02
PATIENCE = 120.0
"""Seconds that it waits for one export."""


@dataclass
class Victim:
    """Asks while its block runs: milliseconds of each page, seconds of each export, and what was refused."""

    url: str
    key: str
    pages: list[float] = field(default_factory=list)
    exports: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._export)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=120, verify=False)

    def _read(self) -> None:
        with self._client() as client:
            while not self.pages or not self._ended.wait(INTERVAL):
                began = time.perf_counter()
                try:
                    answer = client.get(f"{REST}/descriptions?limit=100")
                except httpx.HTTPError as error:
                    self.refused.append(f"page: {error!r}")
                    continue
                self.pages.append((time.perf_counter() - began) * 1000)
                if answer.status_code != 200:
                    self.refused.append(f"page: {answer.status_code} {answer.text[:200]}")

    def _export(self) -> None:
        with self._client() as client:
            while not self.exports or not self._ended.wait(INTERVAL):
                began = time.perf_counter()
                answer = client.post(f"{REST}/export", json={"data_type": "descriptions", "format": "csv"})
                if answer.status_code != 202:
                    self.refused.append(f"export: {answer.status_code} {answer.text[:200]}")
                    self._ended.wait(INTERVAL)
                    if self._ended.is_set():
                        return
                    continue
                id = answer.json()["export_id"]
                while (state := client.get(f"{REST}/export/{id}").json()).get("status") in ("pending", "processing"):
                    if time.perf_counter() - began > PATIENCE:
                        break
                    time.sleep(INTERVAL)
                self.exports.append(time.perf_counter() - began)
                if state.get("status") != "completed":
                    self.refused.append(f"export: {state}")
