"""Checking a document against its published schema, with problems a file's owner can act on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

import jsonschema
import msgspec

from app.core.errors import PolicyProblem
from app.core.policy import crmfile, riskfile, rolesfile
from app.core.policy.documents import DURATION_PATTERN
from app.core.shape import WHOLE_FILE, did_you_mean, shape_problems

__all__ = ["did_you_mean", "json_schema", "read_document"]

Document = TypeVar("Document", riskfile.Document, crmfile.Document, rolesfile.Document)
_TYPES: Mapping[str, type[msgspec.Struct]] = {
    "risk.yaml": riskfile.Document,
    "crm.yaml": crmfile.Document,
    "roles.yaml": rolesfile.Document,
}
# A pattern says how to write a value better than the description of the key that uses it.
_FORMS: Mapping[str, str] = {DURATION_PATTERN: "a number and s, m, h or d: 5s, 15m, 2h, 1d"}


def json_schema(file: str) -> dict[str, Any]:
    """The schema published as policies/schemas/<name>.schema.json."""
    schema = msgspec.json.schema(_TYPES[file])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": file, **schema}


def read_document(file: str, shape: type[Document], content: object) -> tuple[Document | None, list[PolicyProblem]]:
    """The typed document, or every problem its shape has."""
    if problems := shape_problems(file, _validator(file), content, _FORMS):
        return None, problems
    try:
        return msgspec.convert(content, shape), []
    except msgspec.ValidationError as error:
        return None, [PolicyProblem(file=file, key=WHOLE_FILE, message=str(error))]


@cache
def _validator(file: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema(file))
