from enum import Enum


class Compression(str, Enum):
    NONE = "NONE"
    GZIP = "GZIP"
    ZSTD = "ZSTD"


class CsvDialect(str, Enum):
    RFC4180 = "RFC4180"
    EXCEL = "EXCEL"


class DescriptionOrderField(str, Enum):
    CREATED_AT = "CREATED_AT"
    CONFIDENCE = "CONFIDENCE"


class DescriptionStatus(str, Enum):
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class EstimateBasis(str, Enum):
    SAMPLE = "SAMPLE"
    COMPLETED_EXPORTS = "COMPLETED_EXPORTS"
    SMALL_MACHINE = "SMALL_MACHINE"


class ExportEventType(str, Enum):
    CREATED = "CREATED"
    STARTED = "STARTED"
    HANDED_BACK = "HANDED_BACK"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    RETRIED = "RETRIED"
    EXPIRED = "EXPIRED"
    DELETED = "DELETED"
    ERASED = "ERASED"


class ExportFormat(str, Enum):
    CSV = "CSV"
    JSON = "JSON"
    JSONL = "JSONL"
    PARQUET = "PARQUET"
    XLSX = "XLSX"
    IMAGEFOLDER = "IMAGEFOLDER"


class ExportLimit(str, Enum):
    MAX_ROWS = "MAX_ROWS"
    FORMAT = "FORMAT"


class ExportStatus(str, Enum):
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class OnConflict(str, Enum):
    KEEP = "KEEP"
    REPLACE = "REPLACE"


class OnInvalid(str, Enum):
    FAIL = "FAIL"
    SKIP = "SKIP"


class RecordOutcome(str, Enum):
    RECORDED = "RECORDED"
    KNOWN = "KNOWN"
    CONFLICTING = "CONFLICTING"
    REPLACED = "REPLACED"
    REFUSED = "REFUSED"
    ERASED = "ERASED"


class ReviewState(str, Enum):
    UNREVIEWED = "UNREVIEWED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    CORRECTED = "CORRECTED"


class Scope(str, Enum):
    READ = "READ"
    WRITE = "WRITE"
    ADMIN = "ADMIN"


class SearchMode(str, Enum):
    ANY = "ANY"
    ALL = "ALL"


class SortDirection(str, Enum):
    ASC = "ASC"
    DESC = "DESC"


class Verdict(str, Enum):
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    CORRECTED = "CORRECTED"
