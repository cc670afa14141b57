"""The core's enumerations, made known to the schema."""

import strawberry

from app.exports.formats import ExportFormat
from app.history.fields import SearchMode
from app.models import DescriptionStatus, ExportStatus

__all__ = ["DescriptionStatus", "ExportFormat", "ExportStatus", "SearchMode"]

for _enum in (SearchMode, DescriptionStatus, ExportFormat, ExportStatus):
    strawberry.enum(_enum, description=_enum.__doc__)
