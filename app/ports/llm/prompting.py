"""What is asked of the model: versioned instructions, and the material under a fence of its own for each request."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import Any

import msgspec

from app.core.case import Case, Source
from app.ports.llm import Brief
from app.ports.llm.answers import DraftAnswer, ReadAnswer, strict_schema
from app.ports.llm.conversation import Fence, conversation, sensitive_values, without

_TITLE = 80  # characters of a note that stand for it as a source


class Instructions(msgspec.Struct, frozen=True):
    """One file of `prompts/`. `version` is kept with each draft: the file's own number and the start of its hash."""

    version: str
    text: str


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """`instructions` are the same for each case; `material` differs. `schema` is a strict JSON Schema."""

    name: str
    version: str
    instructions: str
    material: str
    schema: dict[str, Any]
    customer: tuple[str, ...]  # the customer's words, as sent
    sources: dict[str, Source]  # what a draft may name as its source, by the name used in the question


@cache
def instructions(name: str) -> Instructions:
    content = (files("app.ports.llm") / "prompts" / f"{name}.md").read_bytes()
    head, _, text = content.decode().partition("\n---\n")
    number = head.removeprefix("version: ")
    return Instructions(f"{name}@{number}+{sha256(content).hexdigest()[:8]}", text)


def read_question(case: Case, intents: Mapping[str, str], nonce: str) -> Question:
    fence = Fence(nonce)
    said = conversation(case, fence)
    asked = instructions("read")
    labels = "\n".join(f"- `{label}`: {title}" for label, title in intents.items())
    return Question(
        name="read",
        version=asked.version,
        instructions=Template(asked.text).substitute(intents=labels),
        material="\n\n".join((*_opening(case, fence), said.text)),
        schema=strict_schema(ReadAnswer, intent=tuple(intents)),
        customer=said.customer,
        sources={},
    )


def draft_question(case: Case, brief: Brief, nonce: str) -> Question:
    fence = Fence(nonce)
    said = conversation(case, fence)
    secrets = sensitive_values(case)
    notes = {f"note {n}": note for n, note in enumerate(brief.notes, start=1)}
    templates = {f"template {key}": (title, text) for key, title, text in brief.templates}
    parts = [
        *_opening(case, fence),
        *(fence.around(name, note) for name, note in notes.items()),
        *(fence.around(name, f"{title}\n{text}") for name, (title, text) in templates.items()),
        said.text,
    ]
    if brief.rejected:
        parts.append(fence.around("rejected draft", without(brief.rejected, secrets)))
    parts += (fence.around(f"feedback {n}", without(words, secrets)) for n, words in enumerate(brief.feedback, start=1))
    sources = {name: Source(title=note[:_TITLE]) for name, note in notes.items()}
    sources |= {name: Source(title=title) for name, (title, _) in templates.items()}
    asked = instructions("draft")
    macros = tuple(key for key, _, _ in brief.templates)
    return Question(
        name="draft",
        version=asked.version,
        instructions=asked.text,
        material="\n\n".join(parts),
        schema=strict_schema(DraftAnswer, sources=tuple(sources), suggested_macros=macros),
        customer=said.customer,
        sources=sources,
    )


def _opening(case: Case, fence: Fence) -> tuple[str, str]:
    return f"The fence of this message is {fence.nonce}", f"Today is {case.created_at:%A, %Y-%m-%d}"
