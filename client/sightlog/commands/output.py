"""What commands print: tables for people on a terminal, one JSON object a line or values between tabs for programs.

Results go to standard output, all else to standard error.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timezone
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

_live: Console | None = None

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What could move the cursor, colour the terminal or turn text round: none of it comes from a model by good intent."""


def harmless(text: str) -> str:
    """The text as a terminal may have it."""
    return _CONTROLS.sub("�", text)


def one_line(text: str) -> str:
    return " ".join(harmless(text).split())


def console(*, error: bool = False, wraps: bool = False) -> Console:
    """Of standard output or standard error as they are now. A console writes what it is given, without markup."""
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Plain(stderr=error, soft_wrap=not wraps, markup=False, highlight=False, emoji=False)


def say(sentence: str) -> None:
    """To the person, beside the results."""
    (_live or console(error=True)).print(harmless(sentence))


def says_above(live: Console | None) -> None:
    """From now on, `say` writes above what that console keeps drawing; None: nothing is drawn any more."""
    global _live
    _live = live


def complain(sentence: str) -> None:
    console(error=True).print(f"Error: {harmless(sentence)}", style="red")


def is_read_by_a_person() -> bool:
    return sys.stdout.isatty()


def print_json(value: Any) -> None:
    """One line. Where standard output is not in UTF-8, with escapes."""
    is_utf8 = "utf" in (sys.stdout.encoding or "").lower()
    text = json.dumps(as_json(value), ensure_ascii=not is_utf8, separators=(",", ":"))
    sys.stdout.write(text + "\n")


def as_json(value: Any) -> Any:
    """As files have it: names in snake_case, states in small letters, moments in UTC with `Z`."""
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        return {_name(name): as_json(one) for name, one in value}
    if is_dataclass(value):
        return {one.name: as_json(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, dict):
        return {name: as_json(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(one) for one in value]
    if isinstance(value, Enum):
        return str(value.value).lower()
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _name(name: str) -> str:
    return {"sha_256": "sha256"}.get(name, name.rstrip("_"))


def moment(at: datetime | None) -> str:
    """To the minute, in UTC; a column's title says that it is."""
    return at.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M") if at else ""


def score(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def size(count: int) -> str:
    if count < 1000:
        return f"{count} bytes"
    amount, units = count / 1000, ["kB", "MB", "GB", "TB"]
    while amount >= 999.95 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:.1f} {units[0]}"


def number(count: int | None) -> str:
    """For a person with commas, for a program without."""
    if count is None:
        return ""
    return f"{count:,}" if is_read_by_a_person() else str(count)


GAP = 2
"""Cells between two columns."""
NARROWEST = 8


class Table:
    """Rows for a person: columns that fit the terminal, of which only the last is cut. For a program: values between
    tabs, whole, and no titles.

    It is printed in pieces, so a list may be as long as it likes.
    """

    PIECE = 200

    def __init__(self, *columns: str, right: Sequence[str] = ()) -> None:
        self._columns = columns
        self._right = frozenset(right)
        self._rows: list[tuple[str, ...]] = []
        self._widths = [len(column) for column in columns]
        self._is_begun = False
        self._below = ""
        self._for_person = is_read_by_a_person()

    def row(self, *values: str) -> None:
        cells = tuple(one_line(value) for value in values)
        if not self._for_person:
            sys.stdout.write("\t".join(cells) + "\n")
            return
        self._rows.append(cells)
        if len(self._rows) == self.PIECE:
            self._print()

    def say_below(self, sentence: str) -> None:
        """To the person, when the rows are out."""
        self._below = sentence

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Also where the list broke off: what has come is shown."""
        if self._rows:
            self._print()
        if self._below:
            say(self._below)

    def _print(self) -> None:
        from rich.table import Table as RichTable

        to = console(wraps=True)
        table = RichTable(box=None, show_header=not self._is_begun, header_style="bold", pad_edge=False)
        last = len(self._columns) - 1
        for place, (column, width) in enumerate(zip(self._columns, self._fitting(to.width), strict=True)):
            table.add_column(
                column,
                justify="right" if column in self._right else "left",
                width=width,
                overflow="ellipsis" if place == last else "fold",
                no_wrap=place == last,
            )
        for row in self._rows:
            table.add_row(*row)
        to.print(table)
        self._rows.clear()
        self._is_begun = True

    def _fitting(self, width: int) -> list[int]:
        """The widths of the columns: no narrower than they were before, the last gets what is left. Where it would get
        less than a third, the widest of the others is made narrower, and its values go over several lines.
        """
        from rich.cells import cell_len

        for place, values in enumerate(zip(*self._rows, strict=True)):
            self._widths[place] = max(self._widths[place], *map(cell_len, values))
        *others, last = self._widths
        room = width - GAP * len(others)
        while others and sum(others) > room - min(last, width // 3):
            widest = max(others)
            if widest <= NARROWEST:
                break
            others[others.index(widest)] -= 1
        return [*others, max(1, min(last, room - sum(others)))]


def details(pairs: Iterable[tuple[str, str]]) -> None:
    """Names and values below each other; what has no value is left out."""
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = [(name, harmless(value)) for name, value in pairs if value]
    if not is_read_by_a_person():
        for name, value in shown:
            sys.stdout.write(f"{name}\t{one_line(value)}\n")
        return
    table = RichTable(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in shown:
        table.add_row(name, Text(value))
    console(wraps=True).print(table)
