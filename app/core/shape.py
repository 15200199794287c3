"""What a JSON Schema says against a document, in words its owner can act on: key, sentence, hint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

import jsonschema
from msgspec.structs import replace

from app.core.errors import PolicyProblem

Lines = Mapping[tuple[str, str], int]  # (file, key path) → line
WHOLE_FILE = "(whole file)"
_SWALLOWED = "YAML reads yes, no, on and off as true and false: put it in quotes"


def key_path(parts: Iterable[str | int]) -> str:
    """`rules[3].raises.tier`; empty for the whole file."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def did_you_mean(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f"did you mean {close[0]}?" if close else ""


def listed(allowed: Iterable[object]) -> str:
    return f"known: {', '.join(map(str, allowed))}"[:200]


def shape_problems(
    file: str,
    validator: jsonschema.Draft202012Validator,
    content: object,
    forms: Mapping[str, str] = MappingProxyType({}),
) -> list[PolicyProblem]:
    """Every problem the content's shape has, by key; none when it fits. `forms` says a pattern in words."""
    return sorted((_problem(file, error, forms) for error in validator.iter_errors(content)), key=lambda p: p.key)


def with_line(problem: PolicyProblem, lines: Lines) -> PolicyProblem:
    """The problem with the line of its key, or of the nearest key around it."""
    if problem.line:
        return problem
    key = problem.key
    while key and (problem.file, key) not in lines:
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return replace(problem, line=lines.get((problem.file, key), 0))


def _problem(file: str, outer: jsonschema.ValidationError, forms: Mapping[str, str]) -> PolicyProblem:
    # Alternatives ("a name or nothing") are reported by the branch that says most.
    error = jsonschema.exceptions.best_match([outer]) or outer
    if error.validator == "anyOf":
        said = [e for e in error.context or () if e.validator_value != "null"]
        error = next((e for e in said if e.validator != "type"), said[0] if said else error)
    parts = list(error.absolute_path)
    if "propertyNames" in error.absolute_schema_path:
        parts.append(str(error.instance))
    message, hint = error.message, ""
    match error.validator:
        case "additionalProperties" if isinstance(error.instance, dict):
            known = list(_schema(error).get("properties", {}))
            unknown = [key for key in error.instance if key not in known]
            parts, message = [*parts, *unknown[:1]], f"unknown key {', '.join(map(str, unknown))}"
            hint = did_you_mean(str(unknown[0]), known) or listed(known) if unknown else ""
        case "enum":
            allowed = _schema(error)["enum"]
            message = f"{error.instance!r} is not known here"
            hint = did_you_mean(str(error.instance), map(str, allowed)) or listed(allowed)
            hint = _SWALLOWED if isinstance(error.instance, bool) else hint
        case "type" if isinstance(error.instance, bool):
            hint = _SWALLOWED
        case "type" if isinstance(error.instance, int | float) and error.validator_value == "string":
            hint = "put it in quotes"
        case "minimum" | "maximum":
            low, high = _schema(error).get("minimum"), _schema(error).get("maximum")
            hint = f"from {low} to {high}" if low is not None and high is not None else ""
        case "pattern":
            schema = _schema(error)
            message = f"{error.instance!r} does not read as expected here"
            hint = forms.get(schema["pattern"]) or schema.get("description") or f"form: {schema['pattern']}"
    return PolicyProblem(file=file, key=key_path(parts) or WHOLE_FILE, message=message[:300], hint=hint)


def _schema(error: jsonschema.ValidationError) -> Mapping[str, Any]:
    return error.schema if isinstance(error.schema, Mapping) else {}
