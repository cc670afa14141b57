"""The core's enumerations, made known to the schema."""

import strawberry

from app.compression import Compression
from app.exports.formats import ExportFormat
from app.history.fields import SearchMode
from app.history.orders import DescriptionOrderField, SortDirection
from app.history.recording import OnConflict, OnInvalid, RecordOutcome
from app.history.verdicts import ReviewState, Verdict
from app.models import DescriptionStatus, ExportEventType, ExportStatus, Scope

__all__ = [
    "Compression",
    "DescriptionOrderField",
    "DescriptionStatus",
    "ExportEventType",
    "ExportFormat",
    "ExportStatus",
    "OnConflict",
    "OnInvalid",
    "RecordOutcome",
    "ReviewState",
    "Scope",
    "SearchMode",
    "SortDirection",
    "Verdict",
]

_ENUMS = (
    *(SearchMode, DescriptionOrderField, SortDirection, OnConflict, OnInvalid, RecordOutcome, DescriptionStatus),
    *(Verdict, ReviewState, ExportEventType, ExportFormat, Compression, ExportStatus, Scope),
)
for _enum in _ENUMS:
    strawberry.enum(_enum, description=_enum.__doc__)
