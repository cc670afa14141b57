"""What can go wrong, as classes.

SightlogError
├── NotSignedIn        no key is known, or the server does not take it (401)
├── Forbidden          the key's scope does not allow it (403)
├── InvalidInput       a value that cannot be meant (400, 415, 422); `field` says which
├── NotFound           the account has nothing of that id (404)
├── Conflict           its state does not allow it, or the number has changed (409)
│   └── Drifted        the history is not what the view saw any more (409)
├── TooLarge           more than the server takes or gives at once (413)
├── RateLimited        still too many requests after all tries (429); `retry_after` says when
├── Unavailable        not reached, or not able to answer, after all tries (502, 503, 504)
├── ServerFailed       the server's fault, or an answer that nobody understands
├── StillRunning       an export goes on; the time for waiting is over
├── ExportFailed       an export failed, or was cancelled
├── NotWritten         a file cannot be written here: no space, no right
└── Damaged            a file is not what its receipt says
"""

from __future__ import annotations

import re

_PLACED = re.compile(r"input\.([0-9]+)(?:\.(.+))?\Z")


class SightlogError(Exception):
    """`code` is the server's (`VALIDATION_ERROR`), `field` the value it is about (`input.17.confidenceScore`),
    `request_id` the name by which the server's log knows the request, `retry_after` in seconds.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field
        self.request_id = request_id
        self.retry_after = retry_after


class NotSignedIn(SightlogError):
    pass


class Forbidden(SightlogError):
    pass


class InvalidInput(SightlogError):
    pass


class NotFound(SightlogError):
    pass


class Conflict(SightlogError):
    pass


class Drifted(Conflict):
    pass


class TooLarge(SightlogError):
    pass


class RateLimited(SightlogError):
    pass


class Unavailable(SightlogError):
    pass


class ServerFailed(SightlogError):
    pass


class StillRunning(SightlogError):
    pass


class ExportFailed(SightlogError):
    pass


class NotWritten(SightlogError):
    pass


class Damaged(SightlogError):
    pass


_OF_CODE: dict[str, type[SightlogError]] = {
    "AUTHZ_ERROR": Forbidden,
    "CONFLICT": Conflict,
    "DEACTIVATED_API_KEY": NotSignedIn,
    "DRIFTED": Drifted,
    "EXPIRED_API_KEY": NotSignedIn,
    "INVALID_API_KEY": NotSignedIn,
    "NOT_FOUND": NotFound,
    "PAYLOAD_TOO_LARGE": TooLarge,
    "QUERY_TIMEOUT": InvalidInput,
    "RATE_LIMIT_ERROR": RateLimited,
    "SERVICE_UNAVAILABLE": Unavailable,
    "UNKNOWN_HOST": InvalidInput,
    "UNSUPPORTED_ENCODING": InvalidInput,
    "VALIDATION_ERROR": InvalidInput,
    "INTERNAL_ERROR": ServerFailed,
}
_OF_STATUS: dict[int, type[SightlogError]] = {
    400: InvalidInput,
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    415: InvalidInput,
    422: InvalidInput,
    429: RateLimited,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def placed(field: str | None) -> tuple[int, str | None] | None:
    """Of `input.17.confidenceScore` 17 and `confidenceScore`: the result of a request that an error is about, and its
    field; None where none is named.
    """
    found = _PLACED.match(field or "")
    return (int(found[1]), found[2]) if found else None


def kind_of(code: str | None, status: int) -> type[SightlogError]:
    """By the server's code where we know it, else by the status of the answer."""
    return _OF_CODE.get(code or "") or _OF_STATUS.get(status, ServerFailed)
