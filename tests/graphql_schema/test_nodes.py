"""Results, exports and images, asked for again by the ids that they have in the whole schema; and what of images."""

import base64
from collections.abc import Callable

import pytest

from app.history import agreement
from app.models import ExportStatus
from tests.conftest import Account
from tests.graphql_schema.conftest import PAGE, ids, put_export

NODE = """query($nodeId: ID!) { node(nodeId: $nodeId) { __typename nodeId
    ... on Description { id description } ... on Export { id status } ...Seen ... on Node { again: nodeId } } }
    fragment Seen on Image { id imageUrl agreement descriptions(first: 1) { nodes { id nodeId } totalCount } }"""
IMAGE = f"""query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {{ image(id: $id) {{
    nodeId id imageUrl firstSeenAt lastSeenAt agreement
    descriptions(first: $first, after: $after, last: $last, before: $before) {{ {PAGE} }}
}} }}"""


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_node_of_each_type(account: Account) -> None:
    account.record({"id": "ä/1", "description": "A dog", "imageId": "i:1", "imageUrl": "https://example.com/1.jpg"})
    result, image = encoded("Description:ä/1"), encoded("Image:i:1")
    both = {"nodeId": result, "again": result}
    assert account.graphql(NODE, nodeId=result) == {
        "node": {"__typename": "Description", "id": "ä/1", "description": "A dog"} | both
    }
    assert account.graphql(NODE, nodeId=image)["node"] == {
        "__typename": "Image",
        "id": "i:1",
        "nodeId": image,
        "again": image,
        "imageUrl": "https://example.com/1.jpg",
        "agreement": None,
        "descriptions": {"nodes": [{"id": "ä/1", "nodeId": result}], "totalCount": 1},
    }
    export = put_export(account, ExportStatus.PROCESSING)
    found = account.graphql(NODE, nodeId=encoded(f"Export:{export}"))["node"]
    assert (found["__typename"], found["id"], found["status"]) == ("Export", export, "PROCESSING")
    assert found["nodeId"] == encoded(f"Export:{export}")
    listed = account.graphql(
        "{ exports { nodes { nodeId } } descriptions { nodes { nodeId } edges { node { nodeId } } } }"
    )
    assert listed["exports"]["nodes"] == [{"nodeId": found["nodeId"]}]
    assert listed["descriptions"] == {"nodes": [{"nodeId": result}], "edges": [{"node": {"nodeId": result}}]}


def test_a_long_id_is_in_one_line(account: Account) -> None:
    id = "ü" * 255
    account.record({"id": id})
    answer = account.graphql("query($id: ID!) { description(id: $id) { nodeId } }", id=id)
    assert answer["description"]["nodeId"] == encoded(f"Description:{id}")
    assert account.graphql(NODE, nodeId=encoded(f"Description:{id}"))["node"]["id"] == id


def test_what_is_not_there_or_anothers_is_null(account: Account, make_account: Callable[[], Account]) -> None:
    other = make_account()
    other.record({"id": "theirs", "imageId": "i1"})
    export = put_export(other, ExportStatus.PROCESSING)
    for place in ("Description:theirs", "Image:i1", "Image:", "Description:", "Image:a\0", f"Export:{export}"):
        assert account.graphql(NODE, nodeId=encoded(place)) == {"node": None}
    assert account.graphql('{ image(id: "i1") { id } none: image(id: "") { id } }') == {"image": None, "none": None}


NONSENSE = ["", "x", "Description:a", "é", *map(encoded, ("Description", "User:1", "description:a", ":"))]
NONSENSE += [encoded("Description:a") + "\n", encoded("Description:ab").rstrip("=")]
NONSENSE += [base64.b64encode(b"Image:\xff").decode()]


@pytest.mark.parametrize("text", NONSENSE)
def test_what_is_no_node_id(filtered: Account, text: str) -> None:
    error = filtered.refused(NODE, nodeId=text)
    assert error["message"] == "This is no nodeId of ours: use one that an earlier answer told."
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "nodeId"}


def test_an_export_whose_id_is_none(filtered: Account) -> None:
    assert filtered.refused(NODE, nodeId=encoded("Export:1"))["message"] == "The id of an export is a UUID."


def test_an_image_and_all_that_was_said_of_it(account: Account) -> None:
    account.record(
        {"id": "a", "imageId": "i1", "imageUrl": "https://example.com/old.jpg", "description": "A red dog"},
        {"id": "b", "imageId": "i2", "description": "Another image"},
        {"id": "c", "imageId": "i1", "imageUrl": "https://example.com/new.jpg", "description": "a RED cat"},
        {"id": "d", "imageId": "i1", "status": "FAILED", "errorMessage": "timeout"},
        {"id": "e", "imageId": "i1", "status": "FAILED", "description": "a red dog"},
    )
    image = account.graphql(IMAGE, id="i1", first=2)["image"]
    cursor = image["descriptions"]["pageInfo"]["endCursor"]
    assert ids(image["descriptions"]) == ["e", "d"]
    assert image["descriptions"]["totalCount"] == 4
    del image["descriptions"]
    assert image == {
        "nodeId": encoded("Image:i1"),
        "id": "i1",
        "imageUrl": "https://example.com/new.jpg",
        "firstSeenAt": "2025-01-15T10:30:00Z",
        "lastSeenAt": "2025-01-15T10:30:04Z",
        "agreement": 0.5,
    }
    assert ids(account.graphql(IMAGE, id="i1", after=cursor)["image"]["descriptions"]) == ["c", "a"]
    assert ids(account.graphql(IMAGE, id="i1", last=1, before=cursor)["image"]["descriptions"]) == ["e"]
    error = account.refused(IMAGE, id="i1", first=2000)
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "first"}


def test_only_the_newest_texts_are_compared(account: Account) -> None:
    texts = ["something else"] * 5 + [f"a dog {'abcdefghijklmnopqrst'[place]}" for place in range(20)]
    account.record(*({"id": f"{place:02}", "imageId": "i", "description": text} for place, text in enumerate(texts)))
    assert account.graphql(IMAGE, id="i")["image"]["agreement"] == agreement.of(texts[5:])
    assert agreement.of(texts[5:]) != agreement.of(texts)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], None),
        (["a dog"], None),
        (["a dog", ""], None),
        (["a dog", "!?"], None),
        (["A dog.", "a DOG"], 1.0),
        (["Straße", "STRASSE"], 1.0),
        (["a", "b"], 0.0),
        (["a b c", "b c d"], 0.5),
        (["a", "a", "b"], 0.3333),
        (["山の犬", "山の猫"], 0.5),
        (["a " + "b " * 5000 + "c", "a " * 5000 + "b"], 0.5),
    ],
)
def test_how_far_texts_agree(texts: list[str], expected: float | None) -> None:
    assert agreement.of(texts) == expected
