"""The core's enumerations, made known to the schema."""

import strawberry

from app.compression import Compression
from app.exports.erasures import ErasureOutcome, OnErasure
from app.exports.formats import ExportFormat
from app.exports.plans import EstimateBasis, ExportLimit
from app.history.fields import SearchMode
from app.history.orders import DescriptionOrderField, SortDirection
from app.history.recording import OnConflict, OnErased, OnInvalid, RecordOutcome
from app.history.verdicts import ReviewState, Verdict
from app.models import DescriptionStatus, ExportEventType, ExportStatus, Scope
from app.spreadsheets import CsvDialect

__all__ = [
    "Compression",
    "CsvDialect",
    "DescriptionOrderField",
    "DescriptionStatus",
    "ErasureOutcome",
    "EstimateBasis",
    "ExportEventType",
    "ExportFormat",
    "ExportLimit",
    "ExportStatus",
    "OnConflict",
    "OnErased",
    "OnErasure",
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
    *(Verdict, ReviewState, ExportEventType, ExportFormat, Compression, CsvDialect, ExportStatus, Scope),
    *(OnErased, OnErasure, ErasureOutcome),
    *(EstimateBasis, ExportLimit),
)
for _enum in _ENUMS:
    strawberry.enum(_enum, description=_enum.__doc__)
