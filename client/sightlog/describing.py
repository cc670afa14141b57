"""Around the call of a model: what it said, how long it took, and that it failed."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, TypeVar

from sightlog.images import fields_of

F = TypeVar("F", bound=Callable[..., Any])


class Draft:
    """A result in the making: any field of `Recorder.record` can be set."""

    description: str | None
    image_url: str | None
    image_id: str | None
    source_type: str
    source_id: str | None
    confidence_score: float | None
    metadata: dict[str, Any]
    verification: Any
    error_message: str | None
    created_at: Any
    type: str | None
    id: str | None
    response_id: str | None

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.metadata = dict(fields.get("metadata") or {})
        for name, value in fields.items():
            if name != "metadata":
                setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _FIELDS:
            raise AttributeError(f"A result has no field {name!r}; it has {', '.join(sorted(_FIELDS))}.")
        super().__setattr__(name, value)

    def update(self, fields: Mapping[str, Any]) -> None:
        """Metadata are added to what is there."""
        for name, value in fields.items():
            if name == "metadata":
                self.metadata.update(value or {})
            else:
                setattr(self, name, value)


_FIELDS = frozenset(Draft.__annotations__)


class Describing:
    """Records when its block ends. `duration_ms` goes into the metadata. An exception makes a result that failed, and
    goes on; what ends the program or a task, such as Ctrl-C or a cancellation, makes none.
    """

    def __init__(self, record: Callable[..., str], fields: Mapping[str, Any]) -> None:
        self._record = record
        self._draft = Draft(fields)

    def __enter__(self) -> Draft:
        self._began = time.perf_counter()
        return self._draft

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            if not isinstance(error, Exception):
                return
            self._draft.error_message = f"{type(error).__name__}: {error}"
        self._draft.metadata.setdefault("duration_ms", round((time.perf_counter() - self._began) * 1000, 3))
        self._record(**vars(self._draft))

    async def __aenter__(self) -> Draft:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


class Describes(Protocol):
    """A `Recorder` or an `AsyncRecorder`."""

    def describing(self, **fields: Any) -> Describing: ...


def describe(
    recorder: Describes,
    image: str | None = None,
    *,
    read: Callable[[Any], str | Mapping[str, Any] | None] | None = None,
    **fields: Any,
) -> Callable[[F], F]:
    """Records what a function, plain or async, says about an image: each call is one result.

    The image is the argument that `image` names, else the first: a URL, a path, the bytes of a file, or an image of
    Pillow. The function gives the description, or a mapping with fields of `Recorder.record`, or anything of which
    `read` makes one of both. `fields` are those of every result.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        if image is not None and image not in signature.parameters:
            raise ValueError(f"{function.__qualname__} has no argument {image!r} that could be the image.")

        def fields_of_call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
            try:
                arguments = signature.bind(*args, **kwargs).arguments
            except TypeError:  # the function itself will say it
                return fields
            given = arguments.get(image) if image is not None else next(iter(arguments.values()), None)
            return {**fields_of(given), **fields}

        def told(returned: Any) -> Mapping[str, Any]:
            found = returned if read is None else read(returned)
            return found if isinstance(found, Mapping) else {"description": found}

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def describing_async(*args: Any, **kwargs: Any) -> Any:
                with recorder.describing(**fields_of_call(args, kwargs)) as result:
                    returned = await function(*args, **kwargs)
                    result.update(told(returned))
                return returned

            return describing_async  # type: ignore[return-value]

        @functools.wraps(function)
        def describing(*args: Any, **kwargs: Any) -> Any:
            with recorder.describing(**fields_of_call(args, kwargs)) as result:
                returned = function(*args, **kwargs)
                result.update(told(returned))
            return returned

        return describing  # type: ignore[return-value]

    return decorate
