"""Checking a document against its published schema, with problems a file's owner can act on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeVar

import jsonschema
import msgspec

from app.core.errors import PolicyProblem
from app.core.policy import crmfile, riskfile, rolesfile
from app.core.policy.documents import DURATION_PATTERN

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
    problems = [_problem(file, error) for error in _validator(file).iter_errors(content)]
    if problems:
        return None, sorted(problems, key=lambda p: p.key)
    try:
        return msgspec.convert(content, shape), []
    except msgspec.ValidationError as error:
        return None, [PolicyProblem(file=file, key="", message=str(error))]


def key_path(parts: Iterable[str | int]) -> str:
    """`rules[3].raises.tier`; empty for the whole file."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def did_you_mean(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f"did you mean {close[0]}?" if close else ""


@cache
def _validator(file: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema(file))


def _problem(file: str, outer: jsonschema.ValidationError) -> PolicyProblem:
    # Alternatives ("a name or nothing") are reported by the branch that says most.
    error = jsonschema.exceptions.best_match([outer]) or outer
    if error.validator == "anyOf":
        error = next((e for e in error.context or () if e.validator != "type"), error)
    parts = list(error.absolute_path)
    message, hint = error.message, ""
    match error.validator:
        case "additionalProperties" if isinstance(error.instance, dict):
            known = list(_schema(error).get("properties", {}))
            unknown = [key for key in error.instance if key not in known]
            parts, message = [*parts, *unknown[:1]], f"unknown key {', '.join(map(str, unknown))}"
            hint = did_you_mean(str(unknown[0]), known) if unknown else ""
        case "enum":
            message = f"{error.instance!r} is not known here"
            hint = did_you_mean(str(error.instance), map(str, _schema(error)["enum"])) or _listed(
                _schema(error)["enum"]
            )
        case "type" if isinstance(error.instance, bool):
            hint = "YAML reads yes, no, on and off as true and false: put it in quotes"
        case "pattern":
            schema = _schema(error)
            message = f"{error.instance!r} does not read as expected here"
            hint = _FORMS.get(schema["pattern"]) or schema.get("description") or f"form: {schema['pattern']}"
    return PolicyProblem(file=file, key=key_path(parts) or "(whole file)", message=message[:300], hint=hint)


def _listed(allowed: Iterable[object]) -> str:
    return f"known: {', '.join(map(str, allowed))}"[:200]


def _schema(error: jsonschema.ValidationError) -> Mapping[str, Any]:
    return error.schema if isinstance(error.schema, Mapping) else {}
