"""What a case comes to, without a language model: a few lines and the facts in the customer's own words (AI3).

Everything is taken from the messages, nothing is made up. Texts are masked before they are read, so what a scan found
sensitive cannot come out by way of a summary.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Literal, NamedTuple

from app.core.case import Case, Customer, Extracted, Gist, Signal
from app.core.guards import mask
from app.core.understanding.amounts import find_amounts
from app.core.understanding.asks import find_asks
from app.core.understanding.dates import find_dates
from app.core.understanding.document import OUT_OF_SCOPE
from app.core.understanding.hits import Hit, without
from app.core.understanding.ownwords import first_words, own_words, sentences, written_in
from app.core.understanding.references import find_references

MOST_FIELDS, MOST_OF_ONE = 20, 8  # a long list of one kind does not crowd out the others
_MOST_READ = 40_000  # characters of all messages together, the newest first
_MOST_QUOTED = 5  # newest messages that the telling sentences are chosen from
_QUOTE, _LINE = 180, 220
_SURE = 0.6
_MOST_HITS = 40  # of one kind in one message
_MOST_NAMED = 3  # values of one kind on a line
_AMERICAN = re.compile(
    r"US/|Pacific/Honolulu|America/(?:New_York|Chicago|Denver|Los_Angeles|Phoenix|Detroit|Anchorage|Boise|Indiana/)"
)
_DAY_FIRST_ZONE = re.compile(r"Europe/|Africa/|Australia/|Atlantic/|GB\Z|Asia/(?:Kolkata|Singapore|Dubai)")
_TONE = {"negative": "unhappy", "positive": "friendly", "neutral": "calm"}
_TITLES = {
    "refund": "a refund",
    "cancellation": "a cancellation",
    "order_change": "a change to the order",
    "address_change": "a change of address",
    "account_closure": "closing the account",
    "password_reset": "a password reset",
    "replacement": "a replacement",
    "return": "a return",
    "invoice_copy": "a copy of the invoice",
    "data_export": "a copy of their data",
    "data_deletion": "deletion of their data",
    "speak_to_a_person": "a person to speak to",
    "status_update": "news of where it stands",
    "plan_change": "a change of plan",
}
# What makes a sentence worth an approver's glance.
_WEIGHTS: dict[str, float] = {"asked_action": 3, "order_id": 1, "amount": 1, "date": 0.7}
_TROUBLE = re.compile(
    r"\b(?:broken?|damaged|wrong|never|not|n['’]t|still|missing|late|twice|again|defective|stolen|urgent|unacceptable"
    r"|kaputt|falsch|nie|nicht|fehlt|immer noch|cass[ée]e?|jamais|toujours pas|manque|rot[oa]|nunca|todavía|falta)\b",
    re.IGNORECASE,
)
Field = Literal["order_id", "amount", "date", "asked_action"]


class _Read(NamedTuple):
    text: str  # masked, without quoted mail
    hits: Sequence[tuple[Field, Hit]]  # in the order they stand


class _Said(NamedTuple):
    """A sentence; the best one is the largest. `newer` and `earlier` count down: minus the message, minus its start."""

    score: float
    newer: int
    earlier: int
    end: int

    @property
    def length(self) -> int:
        return self.end + self.earlier


def read_gist(case: Case) -> Gist:
    """The findings of its customer messages (`message:<index>`) must be in the case: they are masked, not guessed."""
    found = list(_read_messages(case))
    return Gist(summary=_summary(case, found), fields=_fields(found))


def _read_messages(case: Case) -> Iterator[_Read]:
    """The customer's messages, newest first."""
    room = _MOST_READ
    for index in range(len(case.messages) - 1, -1, -1):
        message = case.messages[index]
        if message.author != "customer" or room <= 0:
            continue
        findings = [f for f in case.findings if f.source == f"message:{index}"]
        findings = [f for f in findings if f.sensitive or f.entity != "PERSON"]
        text = own_words(mask(message.text, findings, contact=True))[:room]
        room -= len(text)
        yield _Read(text, _hits(text, message.at, case))


def _hits(text: str, at: datetime | None, case: Case) -> list[tuple[Field, Hit]]:
    label = case.signals.language.label if case.signals.language else ""
    language = written_in(text) or label.partition("-")[0].lower()
    day_first = _day_first(language, label, case.customer)
    dates = list(islice(find_dates(text, at, language=language, day_first=day_first), _MOST_HITS))
    rest = without(text, dates)
    amounts = list(islice(find_amounts(rest, case.customer.currency), _MOST_HITS))
    references = find_references(without(rest, amounts))
    groups: list[tuple[Field, Sequence[Hit]]] = [
        ("asked_action", list(find_asks(text))),
        ("order_id", list(references)),
        ("amount", amounts),
        ("date", dates),
    ]
    return sorted(((field, hit) for field, hits in groups for hit in hits), key=lambda pair: pair[1].start)


def _day_first(language: str, label: str, customer: Customer) -> bool | None:
    """Whether 11/03 is in March, None where nothing tells."""
    if language not in ("en", "") or label == "en-GB":
        return True
    if label == "en-US" or _AMERICAN.match(customer.timezone):
        return False
    return True if _DAY_FIRST_ZONE.match(customer.timezone) else None


def _fields(found: Sequence[_Read]) -> tuple[Extracted, ...]:
    fields: dict[tuple[str, str], Extracted] = {}
    count = Counter[str]()
    for message in found:
        for field, hit in message.hits:
            written = first_words(message.text[hit.start : hit.end], 120)
            value = first_words(hit.value, 80)
            if (field, value.casefold()) not in fields and count[field] < MOST_OF_ONE:
                count[field] += 1
                fields[field, value.casefold()] = Extracted(field=field, value=value, quote=written)
    return tuple(fields.values())[:MOST_FIELDS]


def _summary(case: Case, found: Sequence[_Read]) -> str:
    values: dict[str, list[str]] = {}
    for item in _fields(found):
        values.setdefault(item.field, []).append(item.value)
    lines = [_wish(case, values.get("asked_action", [])), _facts(case, values, len(found)), _telling(found)]
    return "\n".join(first_words(line, _LINE) for line in lines if line)


def _wish(case: Case, asked: Sequence[str]) -> str:
    who = first_words(case.customer.name, 40) or "The customer"
    intent = case.signals.intent
    topic = intent.label.replace("_", " ") if intent and _known(intent) else ""
    if asked:
        wants = " and ".join(_TITLES[action] for action in asked[:_MOST_NAMED])
        return f"{who} asks for {wants}."
    return f"{who} writes about {topic}." if topic else f"{who} writes; what about is not sure."


def _known(intent: Signal) -> bool:
    return intent.confidence >= _SURE and intent.label not in ("", OUT_OF_SCOPE)


def _facts(case: Case, values: dict[str, list[str]], messages: int) -> str:
    parts = []
    for field, word in (("order_id", "Ref. "), ("amount", ""), ("date", "")):
        named = values.get(field, [])
        more = f" +{len(named) - _MOST_NAMED}" if len(named) > _MOST_NAMED else ""
        parts += [f"{word}{', '.join(named[:_MOST_NAMED])}{more}"] if named else []
    parts.append("1 message" if messages == 1 else f"{messages} messages")
    mood = case.signals.sentiment
    parts.append(_TONE.get(mood.label, mood.label) if mood and mood.confidence >= _SURE else "tone not sure")
    return " · ".join(parts)


def _telling(found: Sequence[_Read]) -> str:
    """The sentences that say most, word for word, as they stood; the newest message counts most.

    None of a single short message: it stands right beside.
    """
    if len(found) == 1 and len(found[0].text) <= _QUOTE:
        return ""
    scored = []
    for age, message in enumerate(found[:_MOST_QUOTED]):
        for start, end in sentences(message.text):
            said = message.text[start:end]
            inside = {field for field, hit in message.hits if hit.start < end and start < hit.end}
            score = sum(_WEIGHTS[field] for field in inside) + bool(_TROUBLE.search(said)) + 0.5 * ("?" in said)
            scored.append(_Said((score + min(len(said), 60) / 60) / (1 + age), -age, -start, end))
    best = sorted(scored, reverse=True)[:2]
    if len(best) > 1 and (best[0].score >= 4 * best[1].score or sum(one.length for one in best) > _QUOTE):
        best = best[:1]
    return f"“{first_words(_together(found, sorted(best, key=_in_order)), _QUOTE)}”" if best else ""


def _together(found: Sequence[_Read], chosen: Sequence[_Said]) -> str:
    """One or two sentences as they stood, a mark where something between them was left out."""
    said = [found[-one.newer].text[-one.earlier : one.end].strip() for one in chosen]
    if len(chosen) < 2:
        return said[0]
    first, second = chosen
    adjacent = first.newer == second.newer and not found[-first.newer].text[first.end : -second.earlier].strip()
    return (" " if adjacent else " … ").join(said)


def _in_order(said: _Said) -> tuple[int, int]:
    return said.newer, -said.earlier
