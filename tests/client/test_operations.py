"""What the client asks for is in the committed schema, and what is written by hand beside it keeps up."""

from pathlib import Path

from graphql import GraphQLInputObjectType, build_schema, parse, validate

from sightlog.api.input_types import CreateExportInput, DescriptionFilter
from sightlog.filters import Filter

ROOT = Path(__file__).parents[2]
SCHEMA = build_schema((ROOT / "graphql_schema" / "schema.graphql").read_text())
DOCUMENTS = sorted((ROOT / "client" / "sightlog" / "operations").glob("*.graphql"))


def test_every_operation_is_valid() -> None:
    assert len(DOCUMENTS) >= 5
    whole = parse("\n".join(path.read_text() for path in DOCUMENTS))
    assert validate(SCHEMA, whole) == []


def test_every_filter_of_the_schema_is_a_keyword() -> None:
    assert list(Filter.__annotations__) == list(DescriptionFilter.model_fields)
    of_schema = SCHEMA.type_map["DescriptionFilter"]
    assert isinstance(of_schema, GraphQLInputObjectType)
    assert [field.alias or name for name, field in DescriptionFilter.model_fields.items()] == list(of_schema.fields)


def test_every_option_of_an_export_is_a_keyword() -> None:
    options = {"format", "compression", "filter_", "fields", "include_metadata", "limit"}
    options |= {"columns", "dialect", "images", "texts", "view", "allow_drift"}
    assert set(CreateExportInput.model_fields) == options
