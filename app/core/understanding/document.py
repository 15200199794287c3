"""The shape of intents.yaml and the sentences it stands for.

The text in `description` is what an editor shows the file's owner.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import count
from typing import Annotated, Any, Literal, NamedTuple

import jsonschema
import msgspec
from msgspec import Meta

from app.core.errors import PolicyError, PolicyProblem
from app.core.policy.documents import FileStruct
from app.core.shape import WHOLE_FILE, did_you_mean, shape_problems

FILE = "intents.yaml"
OUT_OF_SCOPE = "out_of_scope"
FEWEST_PHRASES = 5
# Fitting takes time and memory with the square of the number of sentences.
MOST_PHRASES = 4000
AROUND = 3  # of every so many phrases, one is also learnt with words around it
VARIANTS = 3  # sentences made of one phrase with a {word} in it

Identifier = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*$", max_length=80)]
Words = Annotated[str, Meta(min_length=1, max_length=80)]
Word = Annotated[str, Meta(pattern=r"^\S+$", max_length=40)]
Phrase = Annotated[str, Meta(min_length=1, max_length=300)]
_SLOT = re.compile(r"\{([^{}]*)\}")


class Document(FileStruct, frozen=True, kw_only=True):
    format: Annotated[Literal[1], Meta(description="Version of this file's format")]
    words: Annotated[
        dict[Identifier, Annotated[list[Words], Meta(min_length=1, max_length=200)]],
        Meta(description="Word lists; {name} in a phrase stands for any of them"),
    ] = {}
    before: Annotated[list[Words], Meta(max_length=100, description="What people put before the point")] = []
    after: Annotated[list[Words], Meta(max_length=100, description="What people put after the point")] = []
    same: Annotated[
        list[Annotated[list[Word], Meta(min_length=2, max_length=50)]],
        Meta(max_length=500, description="Words that mean the same here; each word in one line only"),
    ] = []
    tone: Annotated[
        dict[Word, Annotated[float, Meta(ge=-4, le=4)]],
        Meta(max_length=1000, description="How a word feels in support messages: -4 furious, 0 nothing, 4 delighted"),
    ] = {}
    intents: Annotated[
        dict[Identifier, Annotated[list[Phrase], Meta(min_length=FEWEST_PHRASES, max_length=2000)]],
        Meta(
            min_length=2,
            description="Example sentences of each intent; out_of_scope holds what no support team answers",
            extra_json_schema={"required": [OUT_OF_SCOPE]},
        ),
    ]


class Example(NamedTuple):
    """One phrase, as the sentences it stands for."""

    texts: tuple[str, ...]
    intent: str


def json_schema() -> dict[str, Any]:
    """The schema published as policies/schemas/intents.schema.json."""
    schema = msgspec.json.schema(Document)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FILE, **schema}


def read_document(content: object) -> Document:
    """The typed document. Raises PolicyError with every problem there is."""
    problems = shape_problems(FILE, _validator(), content)
    if not problems:
        document = msgspec.convert(content, Document)
        problems = list(_meaning_problems(document))
        if not problems:
            return document
    raise PolicyError(problems)


def examples(document: Document) -> tuple[Example, ...]:
    """Every phrase with its slots filled in, now and then with words around it."""
    found: list[Example] = []
    for number, (intent, phrase) in enumerate(_phrases(document)):
        turns = range(VARIANTS if _SLOT.search(phrase) else 1)
        texts = [_filled(phrase, document.words, number + turn) for turn in turns]
        if number % AROUND == 0 and document.before and document.after:
            before, after = document.before, document.after
            texts.append(f"{before[number // AROUND % len(before)]} {texts[0]} {after[number // AROUND % len(after)]}")
        found.append(Example(tuple(texts), intent))
    return tuple(found)


def _phrases(document: Document) -> Iterator[tuple[str, str]]:
    return ((intent, phrase) for intent, phrases in document.intents.items() for phrase in phrases)


def _filled(phrase: str, words: Mapping[str, list[str]], turn: int) -> str:
    """Slots replaced; two of the same name get different words."""
    place = count(turn)
    return _SLOT.sub(lambda slot: (found := words[slot[1]])[next(place) % len(found)], phrase)


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def _meaning_problems(document: Document) -> Iterator[PolicyProblem]:
    where: dict[str, str] = {}
    for index, group in enumerate(document.same):
        for place, word in enumerate(group):
            key = f"same[{index}][{place}]"
            if (first := where.setdefault(word.casefold(), key)) != key:
                yield _problem(key, f"{word!r} stands twice, first in {first}")
    seen: dict[str, str] = {}
    for intent, phrases in document.intents.items():
        for place, phrase in enumerate(phrases):
            key = f"intents.{intent}[{place}]"
            if (first := seen.setdefault(" ".join(phrase.casefold().split()), key)) != key:
                hint = "" if first.startswith(f"intents.{intent}[") else "word it as people do who mean this one"
                yield _problem(key, f"{phrase!r} stands twice, first in {first}", hint)
            for name in _SLOT.findall(phrase):
                if name not in document.words:
                    yield _problem(key, f"unknown word list {{{name}}}", did_you_mean(name, document.words))
    total = sum(map(len, document.intents.values()))
    if total > MOST_PHRASES:
        yield _problem("intents", f"{total} phrases are more than the {MOST_PHRASES} it can learn from")


def _problem(key: str, message: str, hint: str = "") -> PolicyProblem:
    return PolicyProblem(file=FILE, key=key or WHOLE_FILE, message=message, hint=hint)
