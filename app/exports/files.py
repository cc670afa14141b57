"""The names and types of an export's files: their keys in the storage, and what a browser calls them."""

from app.exports.formats import FORMATS
from app.models import Export


def prefix(export: Export) -> str:
    """What the keys of all its files begin with."""
    return f"{export.account_id}/{export.id}/"


def object_key(export: Export) -> str:
    """The key of this attempt's file; no other attempt has the same."""
    return f"{prefix(export)}{export.attempt}.{FORMATS[export.format].extension}"


def attempt_of(key: str) -> int:
    """The attempt that an object key belongs to."""
    return int(key.rpartition("/")[2].partition(".")[0])


def filename(export: Export) -> str:
    return f"export_{export.id}.{FORMATS[export.format].extension}"


def content_type(export: Export) -> str:
    return FORMATS[export.format].content_type
