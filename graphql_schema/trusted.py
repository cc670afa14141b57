"""Trusted documents: those of a folder, which clients name instead of sending them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphql import GraphQLError, GraphQLSchema, parse

from app.auth import Principal
from app.errors import Forbidden, InvalidInput, NotFound, SightlogError
from app.models import Scope
from app.settings import Settings
from graphql_schema import documents


class PersistedQueryNotFound(SightlogError):
    """For a client that sends a hash and no document, in the hope that one was kept: it sends the document next."""

    code = "PERSISTED_QUERY_NOT_FOUND"
    status = 422


@dataclass(frozen=True)
class Trusted:
    """Documents by their ids: the name of the file without its ending, and `sha256:` with the hash of its text.

    `only`: keys with no scope but `read` may send nothing else.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    only: bool = False

    def query(self, given: Mapping[str, Any], caller: Principal) -> str | None:
        """The document of a request; None where it has none. SightlogError where it may not be sent."""
        query, id = given.get("query"), given.get("documentId")
        if id is not None:
            if not isinstance(id, str):
                raise InvalidInput("The documentId must be a string or null.", field="documentId")
            if query is not None:
                raise InvalidInput("Send a query or the documentId of one, not both.", field="documentId")
            if id not in self.texts:
                raise NotFound(f"There is no document '{id[:100]}' on this server.")
            return self.texts[id]
        if query is None and _is_hash_alone(given.get("extensions")):
            raise PersistedQueryNotFound("PersistedQueryNotFound")
        if query is not None and self.only and not caller.includes(Scope.WRITE):
            raise Forbidden(
                "With this API key only the documents of this server may be executed: send the documentId of one."
            )
        return query


def load(settings: Settings, schema: GraphQLSchema) -> Trusted:
    """Those that the settings name. InvalidInput, with the file, for one that could not be executed."""
    folder = settings.documents
    if folder is None:
        if settings.documents_only:
            raise InvalidInput("SIGHTLOG_DOCUMENTS_ONLY needs SIGHTLOG_DOCUMENTS, the folder of the documents.")
        return Trusted()
    if not folder.is_dir():
        raise InvalidInput(f"SIGHTLOG_DOCUMENTS is no folder: {folder}")
    texts: dict[str, str] = {}
    for path in sorted(folder.glob("*.graphql")):
        text = _text(path)
        if errors := _errors(schema, text):
            raise InvalidInput(f"The document {path} cannot be executed: {errors[0].message}")
        texts[path.stem] = texts[f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"] = text
    return Trusted(texts, settings.documents_only)


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:  # the ends of lines are part of what is hashed
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The document {path} cannot be read: {error}") from None


def _errors(schema: GraphQLSchema, text: str) -> list[GraphQLError]:
    try:
        return documents.validate(schema, parse(documents.within_length(text), max_tokens=documents.MAX_TOKENS))
    except SightlogError as error:
        return [GraphQLError(error.message)]
    except GraphQLError as error:
        return [error]


def _is_hash_alone(extensions: object) -> bool:
    return isinstance(extensions, dict) and isinstance(extensions.get("persistedQuery"), dict)
