"""The form of the model's answers: the schema it is given, and the bounds every answer is held to afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from app.core.case import Draft, Extracted, Gist, Signal, Signals, Source
from app.ports.llm.conversation import visible

LONGEST_DRAFT = 20_000
LONGEST_SUMMARY = 500
LONGEST_NOTE = 2_000
LONGEST_VALUE = 100
LONGEST_QUOTE = 300
MOST_FIELDS = 20
MOST_LISTED = 5

Confidence = Annotated[float, Meta(ge=0, le=1, description="0 to 1")]
Language = Annotated[
    str, Meta(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35, description="BCP 47, such as en or pt-BR")
]


class Unusable(Exception):
    """An answer that cannot be taken as it is. Says why in words that hold nothing of the answer."""


class _Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class FieldAnswer(_Answer, frozen=True, kw_only=True):
    field: Literal["order_id", "amount", "date", "asked_action"]
    value: Annotated[str, Meta(description="Normalised, such as 240 EUR or 2026-11-03")]
    quote: Annotated[str, Meta(description="The customer's own words, letter by letter")]


class ReadAnswer(_Answer, frozen=True, kw_only=True):
    intent: str
    intent_confidence: Confidence
    sentiment: Literal["positive", "neutral", "negative"]
    sentiment_confidence: Confidence
    language: Language
    language_confidence: Confidence
    summary: Annotated[str, Meta(description="Two or three lines, at most 500 characters")]
    fields: Annotated[list[FieldAnswer], Meta(description="At most 20")]


class DraftAnswer(_Answer, frozen=True, kw_only=True):
    text: Annotated[str, Meta(max_length=LONGEST_DRAFT, description="The reply, plain text")]
    confidence: Confidence
    reasoning: str
    sources: Annotated[list[str], Meta(description="Names of notes and templates that were used")]
    suggested_macros: Annotated[list[str], Meta(description="Ids of templates")]
    next_questions: Annotated[list[str], Meta(description="At most 5")]
    internal_note: str
    summary: Annotated[str, Meta(description="Two or three lines, at most 500 characters")]


AnswerT = TypeVar("AnswerT", bound=_Answer)


def strict_schema(answer: type[msgspec.Struct], **enums: tuple[str, ...]) -> dict[str, Any]:
    """Without references, defaults and bounds, everything required: the part of JSON Schema all vendors take.

    `enums` restricts properties (of a list, its items) to the names given.
    """
    (root,), components = msgspec.json.schema_components([answer])
    schema = _strict(root, components)
    for name, allowed in enums.items():
        if allowed:
            spot = schema["properties"][name]
            spot.get("items", spot)["enum"] = list(allowed)
    return schema


def decoded(text: str, answer: type[AnswerT]) -> AnswerT:
    """Raises Unusable for anything but JSON of this very form, its bounds included."""
    try:
        return msgspec.json.decode(text, type=answer)
    except (msgspec.DecodeError, UnicodeError):
        pass  # the error's own words may quote the answer
    raise Unusable("is not of the form asked for")


def signals_of(answer: ReadAnswer, intents: Mapping[str, str]) -> Signals:
    """Raises Unusable for an intent that is not one of those asked about."""
    if answer.intent not in intents:
        raise Unusable("names an intent that the policy does not know")
    return Signals(
        intent=_signal(answer.intent, answer.intent_confidence),
        sentiment=_signal(answer.sentiment, answer.sentiment_confidence),
        language=_signal(answer.language, answer.language_confidence),
    )


def gist_of(answer: ReadAnswer, customer: Iterable[str]) -> Gist | None:
    """None without a summary. A field stays only if its quote stands in the customer's words as they were sent."""
    summary = _plain(answer.summary, LONGEST_SUMMARY)
    if not summary:
        return None
    said = [_folded(text) for text in customer]
    kept = (_field(given, said) for given in answer.fields[: MOST_FIELDS * 2])
    fields = dict.fromkeys(field for field in kept if field is not None)
    return Gist(summary=summary, fields=tuple(fields)[:MOST_FIELDS], source="llm")


def draft_of(answer: DraftAnswer, sources: Mapping[str, Source], macros: Iterable[str]) -> Draft:
    """At version 0 and without a model's name. Raises Unusable for a blank text."""
    text = visible(answer.text).strip()
    if not text:
        raise Unusable("holds no reply")
    allowed = set(macros)
    return Draft(
        version=0,
        author="ai",
        text=text,
        confidence=round(answer.confidence, 4),
        reasoning=_plain(answer.reasoning, LONGEST_NOTE),
        sources=tuple(sources[name] for name in dict.fromkeys(answer.sources) if name in sources)[:MOST_LISTED],
        suggested_macros=tuple(m for m in dict.fromkeys(answer.suggested_macros) if m in allowed)[:MOST_LISTED],
        next_questions=tuple(filter(None, (_plain(q, LONGEST_QUOTE) for q in answer.next_questions[:MOST_LISTED]))),
        internal_note=_plain(answer.internal_note, LONGEST_NOTE),
        summary=_plain(answer.summary, LONGEST_SUMMARY),
    )


def _strict(node: dict[str, Any], components: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    if "$ref" in node:
        return _strict(components[node["$ref"].rpartition("/")[2]], components)
    kept: dict[str, Any] = {key: node[key] for key in ("type", "enum", "description") if key in node}
    if "enum" in node:
        kept["type"] = "string"
    if "items" in node:
        kept["items"] = _strict(node["items"], components)
    if "properties" in node:
        kept["properties"] = {name: _strict(part, components) for name, part in node["properties"].items()}
        kept["required"] = list(kept["properties"])
        kept["additionalProperties"] = False
    return kept


def _signal(label: str, confidence: float) -> Signal:
    return Signal(label=label, confidence=round(confidence, 4), source="llm")


def _field(given: FieldAnswer, said: Iterable[str]) -> Extracted | None:
    value, quote = _plain(given.value, LONGEST_VALUE), " ".join(visible(given.quote).split())
    folded = _folded(quote)
    if not (value and folded and len(quote) <= LONGEST_QUOTE and any(folded in text for text in said)):
        return None
    # A number that is no part of its quote was made up; the other values are put into another form.
    if given.field == "order_id" and _letters(value) not in _letters(quote):
        return None
    return Extracted(field=given.field, value=value, quote=quote)


def _plain(text: str, limit: int) -> str:
    text = visible(text).strip()
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _letters(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
