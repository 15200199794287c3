"""A case's messages as they leave for a vendor: masked, fenced as data, bounded."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import msgspec

from app.core.case import Case, Message
from app.core.guards import mask

MESSAGES = 12  # the last ones
CHARACTERS = 4_000  # of each text
_HIDDEN = "••••"
# A shorter value would hide ordinary words.
_SHORTEST_ECHO = 4
_BRACKETS = re.compile("<{3,}|>{3,}")
# They join letters and emoji in several scripts; every other invisible character only hides something.
_JOINERS = "\u200c\u200d"


class Fence(msgspec.Struct, frozen=True):
    """Marks others' words as data. `nonce` is of one request: what is inside cannot have known it."""

    nonce: str

    def around(self, label: str, text: str) -> str:
        """`label` is ours, never a customer's words."""
        return f"<<<{self.nonce} {label}>>>\n{self.tamed(text)}\n<<<end {self.nonce}>>>"

    def tamed(self, text: str) -> str:
        """The text as it stands inside: visible, bounded, without anything that looks like a fence."""
        text = visible(text)
        # Never by nothing: what is left could join to the same word again.
        text = re.sub(re.escape(self.nonce), "•", text, flags=re.IGNORECASE)
        return shortened(_BRACKETS.sub(lambda run: " ".join(run[0]), text))


class Conversation(msgspec.Struct, frozen=True):
    """`text` is what is sent; `customer` are the customer's words in it, as sent, for checking quotes."""

    text: str
    customer: tuple[str, ...]


def conversation(case: Case, fence: Fence) -> Conversation:
    """The last messages, oldest first. Sensitive data is hidden; the customer's name and address are not added."""
    secrets = sensitive_values(case)
    first = max(len(case.messages) - MESSAGES, 0)
    parts = [f"[{first} earlier messages left out]"] if first else []
    customer = []
    for index, message in enumerate(case.messages[first:], start=first):
        found = (f for f in case.findings if f.source == f"message:{index}")
        text = without(mask(message.text, found, contact=False), secrets)
        parts.append(fence.around(_label(index, len(case.messages), message), text))
        if message.author == "customer":
            customer.append(fence.tamed(text))
    return Conversation("\n\n".join(parts), tuple(customer))


def sensitive_values(case: Case) -> tuple[str, ...]:
    """What was found in the customer's messages, longest first, to be hidden wherever it is repeated."""
    found = {
        case.messages[index].text[f.start : f.end].strip()
        for f in case.findings
        if f.sensitive and f.entity and (index := _index(f.source, len(case.messages))) is not None
    }
    return tuple(sorted((value for value in found if len(value) >= _SHORTEST_ECHO), key=lambda v: (-len(v), v)))


def without(text: str, secrets: Iterable[str]) -> str:
    for value in secrets:
        text = text.replace(value, _HIDDEN)
    return text


def visible(text: str) -> str:
    """Without control and invisible characters, which carry instructions that nobody sees."""
    return "".join(c for c in text if c in "\n\t" or c in _JOINERS or unicodedata.category(c)[0] != "C")


def shortened(text: str, limit: int = CHARACTERS) -> str:
    return text if len(text) <= limit else f"{text[:limit]}\n[cut: {len(text) - limit} more characters]"


def _index(source: str, messages: int) -> int | None:
    kind, _, number = source.partition(":")
    return int(number) if kind == "message" and number.isdecimal() and int(number) < messages else None


def _label(index: int, messages: int, message: Message) -> str:
    said = f"message {index + 1} of {messages} by {message.author}"
    if message.at:
        said += f", {message.at:%Y-%m-%d %H:%M}"
    if message.attachments:
        said += f", {len(message.attachments)} attachments not shown"
    return said
