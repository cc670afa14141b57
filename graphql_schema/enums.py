"""The core's enumerations, made known to the schema."""

import strawberry

from app.compression import Compression
from app.exports.formats import ExportFormat
from app.history.fields import SearchMode
from app.history.recording import OnConflict
from app.models import DescriptionStatus, ExportEventType, ExportStatus

__all__ = [
    "Compression",
    "DescriptionStatus",
    "ExportEventType",
    "ExportFormat",
    "ExportStatus",
    "OnConflict",
    "SearchMode",
]

for _enum in (SearchMode, OnConflict, DescriptionStatus, ExportEventType, ExportFormat, Compression, ExportStatus):
    strawberry.enum(_enum, description=_enum.__doc__)
