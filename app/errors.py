"""What the core says no with.

    SightlogError              code              status
    ├── InvalidInput           VALIDATION_ERROR     422
    ├── Unauthenticated        INVALID_API_KEY      401
    │   ├── ExpiredKey         EXPIRED_API_KEY      401
    │   └── DeactivatedKey     DEACTIVATED_API_KEY  401
    ├── Forbidden              AUTHZ_ERROR          403
    ├── NotFound               NOT_FOUND            404
    ├── Conflict               CONFLICT             409
    │   └── Drifted            DRIFTED              409
    ├── UnknownHost            UNKNOWN_HOST         400
    ├── TooLarge               PAYLOAD_TOO_LARGE    413
    ├── TooSlow                QUERY_TIMEOUT        422
    ├── UnknownEncoding        UNSUPPORTED_ENCODING 415
    ├── RateLimited            RATE_LIMIT_ERROR     429
    └── Unavailable            SERVICE_UNAVAILABLE  503

Messages are sentences that a customer may read; each edge renders them in its own shape.
"""

from collections.abc import Mapping
from types import MappingProxyType


class SightlogError(Exception):
    code = "INTERNAL_ERROR"
    status = 500
    headers: Mapping[str, str] = MappingProxyType({})
    """What the answer over HTTP says besides, in whatever shape its body is."""
    details: Mapping[str, int] = MappingProxyType({})
    """Numbers of the message, for programs."""

    def __init__(
        self, message: str, *, field: str | None = None, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(message)
        self.headers = {**self.headers, **headers}
        self.message = message
        self.field = field


class InvalidInput(SightlogError):
    """A value, or values together, that cannot be meant. `field` is the snake_case name to look at."""

    code = "VALIDATION_ERROR"
    status = 422


class Unauthenticated(SightlogError):
    code = "INVALID_API_KEY"
    status = 401
    headers = MappingProxyType({"WWW-Authenticate": "Bearer"})


class ExpiredKey(Unauthenticated):
    code = "EXPIRED_API_KEY"


class DeactivatedKey(Unauthenticated):
    code = "DEACTIVATED_API_KEY"


class Forbidden(SightlogError):
    code = "AUTHZ_ERROR"
    status = 403


class NotFound(SightlogError):
    """Unknown, or another account's: the two are never told apart."""

    code = "NOT_FOUND"
    status = 404


class Conflict(SightlogError):
    """The thing exists, but its state does not allow what was asked."""

    code = "CONFLICT"
    status = 409


class Drifted(Conflict):
    """The history is not what was seen of it any more: `seen` results matched then, and `now` match."""

    code = "DRIFTED"

    def __init__(self, seen: int, now: int) -> None:
        what = (
            f"{seen:,} matched then, {now:,} match now"
            if seen != now
            else f"still {now:,} match, but results may have been replaced or reviewed"
        )
        super().__init__(
            f"The history has changed since you saw it: {what}. Look again, or allow the drift.", field="view"
        )
        self.details = {"seen_count": seen, "count": now}


class UnknownHost(SightlogError):
    code = "UNKNOWN_HOST"
    status = 400


class TooLarge(SightlogError):
    code = "PAYLOAD_TOO_LARGE"
    status = 413


class TooSlow(SightlogError):
    """The database took longer for it than a request may take; the same request will most likely take as long again."""

    code = "QUERY_TIMEOUT"
    status = 422


class UnknownEncoding(SightlogError):
    """Of a body that nobody here can unpack."""

    headers = MappingProxyType({"Accept-Encoding": "gzip, zstd"})
    code = "UNSUPPORTED_ENCODING"
    status = 415


class RateLimited(SightlogError):
    code = "RATE_LIMIT_ERROR"
    status = 429


class Unavailable(SightlogError):
    """A server that we need does not answer; the same request may succeed in a moment.

    As text it is the cause, for the log and the command line: which server and setting, and what it said.
    """

    code = "SERVICE_UNAVAILABLE"
    status = 503

    def __init__(
        self, message: str, *, cause: str | None = None, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(message, headers=headers)
        self.cause = cause or message

    def __str__(self) -> str:
        return self.cause
