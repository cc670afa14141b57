"""JSON, strict on the way in and canonical where its text is kept.

The canonical text is what PostgreSQL makes of the same value stored as `jsonb`: keys by length and then by
bytes, numbers without exponent, no needless white space. So both engines write the same export.
"""

import json
import sys
from collections import Counter
from decimal import Decimal
from math import isfinite
from typing import Any, NoReturn

import orjson

MAX_DEPTH = 100
"""Arrays and objects within each other, in what is kept."""

_encode_string = json.encoder.encode_basestring


def loads(text: str | bytes, *, unique_keys: bool = True) -> Any:
    """Any JSON value, behind a byte order mark or not. ValueError where it is none: NaN, Infinity, lone surrogates and,
    unless they need not be unique, a key that an object has twice are refused as well.
    """
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        value = _decoded(text, _strict if unique_keys else _lenient)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    except UnicodeEncodeError:
        raise ValueError("holds a lone surrogate, which is no character") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    return value


def dumps(value: Any) -> bytes:
    """Compact UTF-8 JSON of a response. What is an `orjson.Fragment` in it is written already."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # an integer over 64 bits
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_written)
        return text.encode("utf-8", "replace")


def canonical(value: Any) -> str:
    """The canonical text of a JSON value. ValueError for what `jsonb` cannot hold."""
    try:
        text = _canonical(value, MAX_DEPTH)
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds a lone surrogate, which is no character") from None
    return text


def number(value: float) -> str:
    """A finite number as text, shortest form that reads back the same; a whole one without `.0`."""
    return repr(value).removesuffix(".0")


def string(text: str) -> str:
    """A JSON string with its quotes; characters over ASCII stay as they are."""
    return _encode_string(text)


def _decoded(text: str, decoder: json.JSONDecoder) -> Any:
    try:
        return decoder.decode(text)
    except (json.JSONDecodeError, _NoJson):
        raise
    except ValueError:  # of Python's own bound on the digits of an integer
        raise ValueError(f"holds an integer of more than {sys.get_int_max_str_digits()} digits") from None


def _written(value: Any) -> Any:
    if isinstance(value, orjson.Fragment):
        return json.loads(orjson.dumps(value))
    raise TypeError(f"{type(value).__name__} is no JSON")


def _canonical(value: Any, depth: int) -> str:
    match value:
        case str():
            return _text(value)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            if not isfinite(value):
                raise ValueError("holds a number that JSON has no text for")
            return format(abs(Decimal(repr(value))) if value == 0 else Decimal(repr(value)), "f")
        case list() | dict() if depth == 0:
            raise ValueError(f"is nested too deeply: {MAX_DEPTH} levels are allowed")
        case list():
            return "[" + ",".join([_canonical(item, depth - 1) for item in value]) + "]"
        case dict():
            items = sorted(value.items(), key=_jsonb_order)
            return "{" + ",".join([f"{_text(key)}:{_canonical(item, depth - 1)}" for key, item in items]) + "}"
    raise ValueError(f"holds a {type(value).__name__}, which JSON does not know")


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError("holds a NUL character")
    return _encode_string(value)


def _jsonb_order(item: tuple[str, Any]) -> tuple[int, bytes]:
    key = item[0].encode()
    return len(key), key


class _NoJson(ValueError):
    pass


def _refuse_constant(name: str) -> NoReturn:
    raise _NoJson(f"holds {name}, which JSON does not know")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Which of two values of one key is meant, nobody can tell."""
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise _NoJson(f"has the key '{twice[:100]}' twice in one object")
    return values


_strict = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_unique)
_lenient = json.JSONDecoder(parse_constant=_refuse_constant)
