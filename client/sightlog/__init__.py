"""The client of Sightlog: record what your vision models say about your images, and get it back.

with sightlog.Client() as client:
    for result in client.search("dog", min_confidence=0.8):
        print(result.id, result.description)
    client.export("csv", search="dog").save("dogs.csv")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightlog import errors as errors
    from sightlog.api.fragments import Result as Result
    from sightlog.async_recorder import AsyncRecorder as AsyncRecorder
    from sightlog.client import AsyncClient as AsyncClient
    from sightlog.client import Client as Client
    from sightlog.describing import describe as describe
    from sightlog.exports import AsyncExport as AsyncExport
    from sightlog.exports import Export as Export
    from sightlog.exports import Progress as Progress
    from sightlog.receipts import Receipt as Receipt
    from sightlog.receipts import verify as verify
    from sightlog.recorder import Recorder as Recorder
    from sightlog.rows import Refusal as Refusal
    from sightlog.sending import Bounds as Bounds
    from sightlog.sending import Counters as Counters
    from sightlog.transport import Options as Options
    from sightlog.transport import Retries as Retries

_MODULES = {
    "AsyncClient": "sightlog.client",
    "AsyncExport": "sightlog.exports",
    "AsyncRecorder": "sightlog.async_recorder",
    "Bounds": "sightlog.sending",
    "Client": "sightlog.client",
    "Counters": "sightlog.sending",
    "Export": "sightlog.exports",
    "Options": "sightlog.transport",
    "Progress": "sightlog.exports",
    "Receipt": "sightlog.receipts",
    "Recorder": "sightlog.recorder",
    "Refusal": "sightlog.rows",
    "Result": "sightlog.api.fragments",
    "Retries": "sightlog.transport",
    "describe": "sightlog.describing",
    "verify": "sightlog.receipts",
}
"""Where a name comes from. It is looked up when it is used, so that `import sightlog` loads nothing."""

__all__ = [*_MODULES, "errors"]


def __getattr__(name: str) -> Any:
    if name == "errors":
        return importlib.import_module("sightlog.errors")
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'sightlog' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
