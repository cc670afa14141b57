"""CSV for spreadsheets: a text that one would run or change is written behind an apostrophe, which an import takes off.

What begins with an apostrophe itself gets another, so that taking one off always gives the text back.
"""

from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, func, literal, not_

_BEGINNINGS = tuple("=+-@\t\r\n'\uff1d\uff0b\uff0d\uff20")
"""The last four are the first four in full width, which spreadsheets of East Asia take for them."""

_DIGITS = "0123456789."


class CsvDialect(StrEnum):
    """CSV to the letter (RFC 4180), or for spreadsheets: behind a byte order mark, and no text is run as a formula."""

    RFC4180 = "rfc4180"
    EXCEL = "excel"


def guarded(text: str) -> str:
    return f"'{text}" if text.startswith(_BEGINNINGS) else text


def guarded_sql(text: ColumnElement[str], *, but_numbers: bool = False) -> ColumnElement[str]:
    """The same of a column, by the database. `but_numbers`: a negative number stays what it is."""
    begins: ColumnElement[bool] = func.substr(text, 1, 1).in_(_BEGINNINGS)
    if but_numbers:
        is_number = and_(func.substr(text, 1, 1) == "-", func.ltrim(func.substr(text, 2), _DIGITS) == "")
        begins = and_(begins, not_(is_number))
    return case((begins, literal("'") + text), else_=text)


def unguarded(text: str) -> str:
    return text.removeprefix("'")
