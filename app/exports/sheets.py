"""XLSX for people: one sheet of typed cells, packed and handed on while its rows come. Nothing lies on disk.

A file of Office Open XML is a Zip of XML parts. All but the sheet are a few lines; the sheet goes first, as the others
tell how many rows it has. Text is only ever written as text, so that none of it runs as a formula or becomes a link.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from app import times
from app.exports.chosen import Chosen, Kind
from app.exports.rows import Rows, TooLarge

MAX_ROWS = 1_048_575
"""Rows of a sheet beside its header."""

MAX_TEXT = 32_767
"""Units of UTF-16 in a cell; what is longer is cut, and counted in the note `texts_cut`."""

MAX_BYTES = 2**31 - 1
"""Of the sheet's XML. Zip needs a newer form beyond, which spreadsheet programs do not all read."""

_TOO_LARGE = (
    "The sheet would have over 2 GiB, which spreadsheet programs do not open: narrow the filter, or export CSV."
)
_CHUNK = 64 * 1024
_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
_FIRST = datetime(1900, 3, 1, tzinfo=UTC)  # before it the days of spreadsheets are off by one: they have 1900-02-29
_WIDTHS = {Kind.TEXT: 20, Kind.NUMBER: 18, Kind.TIME: 28, Kind.JSON: 40}
_WIDE = {"description": 60, "image_url": 40, "id": 30}

_HEADER, _SECONDS, _FRACTIONS = 1, 2, 3
"""Places of styles in `_STYLES`."""

_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
"""What XML cannot hold or changes, and what would be read as the escape of such a character."""

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org"
_MAIN = f'xmlns="{_OFFICE}/spreadsheetml/2006/main"'
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_RELATED = f"{_OFFICE}/officeDocument/2006/relationships"

CONTENT_TYPE = f"{_TYPE}.sheet"

_TYPES = (
    f'{_XML}<Types xmlns="{_OFFICE}/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>'
)
_STYLES = (
    f'{_XML}<styleSheet {_MAIN}><numFmts count="2">'
    '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss\\ &quot;UTC&quot;"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss.000\\ &quot;UTC&quot;"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


def write(rows: Rows) -> Iterator[tuple[bytes, int]]:
    """TooLarge where the sheet gets larger than one can be."""
    packed, count = _Packed(), 0
    archive = ZipFile(packed, "w", ZIP_DEFLATED)
    with archive.open(_part("xl/worksheets/sheet1.xml"), "w") as sheet:
        for xml, ended in _sheet(rows):
            if packed.size + len(xml) > MAX_BYTES:
                raise TooLarge(_TOO_LARGE)
            packed.size += len(xml)
            sheet.write(xml)
            count += ended
            yield packed.taken(), ended
    for name, text in _others(rows, count):
        archive.writestr(_part(name), text)
    archive.close()
    yield packed.taken(), 0


class _Packed:
    """What the archive has written and was not handed on yet; `size` is what it was before it was packed."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._buffer += data
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def taken(self) -> bytes:
        data = bytes(self._buffer)
        self._buffer.clear()
        return data


def _part(name: str) -> ZipInfo:
    """Without a time, so that the same rows give the same bytes."""
    info = ZipInfo(name)
    info.compress_type = ZIP_DEFLATED
    return info


def _sheet(rows: Rows) -> Iterator[tuple[bytes, int]]:
    """The XML of the sheet, in pieces, and how many rows end in each."""
    names = rows.columns
    cells = [_cell(rows, _letters(place), kind) for place, kind in enumerate(rows.kinds)]
    held = [_beginning(rows.selection.chosen)]
    size, ended, number = 0, 0, 1
    for values in rows.values():
        number += 1
        row = [cell(number, value) for cell, value in zip(cells, values, strict=True) if value is not None]
        held.append(f'<row r="{number}">{"".join(row)}</row>')
        size += len(held[-1])
        ended += 1
        if size >= _CHUNK:
            yield "".join(held).encode(), ended
            held.clear()
            size = ended = 0
    area = _area(len(names), number)
    held.append(
        f'</sheetData><autoFilter ref="{area}"/>'
        f'<ignoredErrors><ignoredError sqref="{area}" numberStoredAsText="1"/></ignoredErrors></worksheet>'
    )
    yield "".join(held).encode(), ended


def _beginning(chosen: list[Chosen]) -> str:
    widths = "".join(
        f'<col min="{place}" max="{place}" width="{_WIDE.get(one.name) or _WIDTHS[one.kind]}" customWidth="1"/>'
        for place, one in enumerate(chosen, 1)
    )
    header = "".join(_text_cell(f"{_letters(place)}1", one.alias, _HEADER) for place, one in enumerate(chosen))
    return (
        f'{_XML}<worksheet {_MAIN}><sheetViews><sheetView tabSelected="1" workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="15"/><cols>{widths}</cols><sheetData><row r="1">{header}</row>'
    )


def _cell(rows: Rows, letters: str, kind: Kind) -> Callable[[int, Any], str]:
    """What writes the cells of one column: from the number of a row and a value that is there."""
    style = _SECONDS if rows.whole_seconds else _FRACTIONS

    def text(number: int, value: str) -> str:
        if len(value) > MAX_TEXT // 2 and len(units := value.encode("utf-16-le")) > 2 * MAX_TEXT:
            value = units[: 2 * MAX_TEXT].decode("utf-16-le", "ignore")
            rows.notes["texts_cut"] += 1
        return _text_cell(f"{letters}{number}", value)

    def score(number: int, value: float) -> str:
        return f'<c r="{letters}{number}"><v>{value!r}</v></c>'

    def time(number: int, value: datetime) -> str:
        if value < _FIRST:
            return text(number, times.iso(value))
        shown = value.replace(microsecond=value.microsecond // 1000 * 1000)  # or the last of 9999 would be no date
        days = (shown - _EPOCH).total_seconds() / 86_400
        return f'<c r="{letters}{number}" s="{style}"><v>{days!r}</v></c>'

    cells: dict[Kind, Callable[[int, Any], str]] = {Kind.NUMBER: score, Kind.TIME: time}
    return cells.get(kind, text)


def _text_cell(place: str, text: str, style: int = 0) -> str:
    shown = _UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", escape(text))
    return f'<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def _others(rows: Rows, count: int) -> Iterator[tuple[str, str]]:
    """The name and the text of each part but the sheet."""
    first, last = _area(len(rows.columns), count + 1, "$").split(":")
    yield "[Content_Types].xml", _TYPES
    yield "_rels/.rels", _relations(("officeDocument", "xl/workbook.xml"))
    yield "xl/_rels/workbook.xml.rels", _relations(("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml"))
    yield "xl/styles.xml", _STYLES
    yield (
        "xl/workbook.xml",
        f'{_XML}<workbook {_MAIN} xmlns:r="{_RELATED}"><sheets><sheet name="Results" sheetId="1" r:id="rId1"/></sheets>'
        '<definedNames><definedName name="_xlnm._FilterDatabase" localSheetId="0" hidden="1">'
        f"Results!{first}:{last}</definedName></definedNames></workbook>",
    )


def _relations(*targets: tuple[str, str]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{place}" Type="{_RELATED}/{kind}" Target="{target}"/>'
        for place, (kind, target) in enumerate(targets, 1)
    )
    return f'{_XML}<Relationships xmlns="{_OFFICE}/package/2006/relationships">{listed}</Relationships>'


def _area(columns: int, rows: int, fixed: str = "") -> str:
    """`A1:C10`, or `$A$1:$C$10`."""
    return f"{fixed}A{fixed}1:{fixed}{_letters(columns - 1)}{fixed}{rows}"


def _letters(place: int) -> str:
    """The name of a column: A, …, Z, AA, …"""
    letters = ""
    place += 1
    while place:
        place, left = divmod(place - 1, 26)
        letters = chr(65 + left) + letters
    return letters
