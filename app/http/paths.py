"""Paths that more than one module knows."""

import re
import uuid

FILES = "/files/"
"""Of the signed URLs of local files."""

DATA = "/api/v2/data"
_HANDLE = re.compile(rf"{DATA}/export/[^/]+/download")


def handle(export_id: uuid.UUID) -> str:
    """The address of an export's file that stays the same."""
    return f"{DATA}/export/{export_id}/download"


def is_of_file(path: str) -> bool:
    """Whether a file is answered: as it is, in parts, and HEAD without reading it."""
    return path.startswith(FILES) or _HANDLE.fullmatch(path) is not None
