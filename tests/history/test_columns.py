"""The list of columns is written once; where it is written out, a difference is told at the import."""

import pytest

from app.history import columns
from app.history.columns import Column

DECLARED = (Column("id", nullable=False), Column("note"), Column("secret", nullable=False, recordable=False))


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ({"id": False, "note": True}, "lacks secret"),
        ({"id": False, "note": True, "secret": False, "a": True, "b": False}, "has a, b"),
        ({"note": True, "secret": False, "Id": None}, "lacks id and has Id"),
        ({"id": False, "note": False, "secret": True}, "tells otherwise of null in note, secret"),
    ],
)
def test_a_class_that_lacks_or_has_another_field_is_refused(written: dict[str, bool | None], fault: str) -> None:
    with pytest.raises(TypeError) as raised:
        columns.check("shop.Item", written, DECLARED)
    told = f"shop.Item {fault}: the columns of a result are declared in app.history.columns.TABLE."
    assert str(raised.value) == told


def test_a_class_with_just_the_declared_fields_is_taken() -> None:
    columns.check("shop.Item", {"secret": False, "note": True, "id": False}, DECLARED)
    columns.check("shop.Input", dict.fromkeys(["note", "id"]), [one for one in DECLARED if one.recordable])


def test_what_may_be_null_is_read_from_annotations() -> None:
    class Item:
        id: str
        note: str | None
        given: object

    assert columns.nulls(Item) == {"id": False, "note": True, "given": False}


def test_the_documented_columns_come_first_and_in_their_order() -> None:
    assert (
        *("id", "type", "source_type", "source_id", "created_at", "image_url", "description"),
        *("confidence_score", "verification", "image_id", "metadata"),
    ) == columns.ITEM_COLUMNS
    assert (*columns.ITEM_COLUMNS, "status", "error_message") == columns.COLUMNS
    assert {"verification", "metadata"} == columns.JSON_COLUMNS
