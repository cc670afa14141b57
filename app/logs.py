"""What a process says while it runs, on standard error: lines for people, or JSON objects for machines."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType

from app.settings import Settings

_QUIET = ("alembic", "asyncio", "botocore", "boto3", "dramatiq", "sqlalchemy", "urllib3")

# API keys after their public beginning, signatures of URLs, passwords in URLs.
_SECRET = re.compile(
    r"(?P<kept>sightlog_[A-Za-z0-9]{8})[A-Za-z0-9_-]{20,}"
    r"|(?P<name>(?i:signature|x-amz-security-token)=)[^&\s\"'\\]+"
    r"|(?P<user>://[^/\s:@\"']*:)[^/\s@\"']+(?=@)"
)

_context: ContextVar[Mapping[str, object]] = ContextVar("log_context", default=MappingProxyType({}))


def configure(settings: Settings) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


@contextmanager
def context(**values: object) -> Iterator[None]:
    """Whatever is logged inside the block tells these values too; None is not told."""
    told = {name: value for name, value in values.items() if value is not None}
    token = _context.set({**_context.get(), **told})
    try:
        yield
    finally:
        _context.reset(token)


def current(name: str) -> str | None:
    """A value of the context that this runs in."""
    value = _context.get().get(name)
    return None if value is None else str(value)


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_context.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return _without_secrets(json.dumps(said, default=str))


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return _without_secrets(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        context = " ".join(f"{name}={value}" for name, value in _context.get().items())
        line = f"{_time(record)} {record.levelname:7} {record.name}: {record.message}"
        return f"{line} [{context}]" if context else line


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _without_secrets(text: str) -> str:
    return _SECRET.sub(lambda found: (found["kept"] or found["name"] or found["user"]) + "***", text)
