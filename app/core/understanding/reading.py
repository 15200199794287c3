"""The built-in offline classifier: from a text to the three signals of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec
import rfc8785

from app.core.case import Signal, Signals
from app.core.errors import PolicyError, PolicyProblem
from app.core.understanding.document import FILE, OUT_OF_SCOPE, Document, examples, read_document
from app.core.understanding.features import fold, tokens
from app.core.understanding.language import UNKNOWN, identify
from app.core.understanding.model import IntentModel, Weights, fit
from app.core.understanding.sentiment import UNREAD, Sentiment

# Goes up with every change of the code that makes the same file give other signals: stored weights are then refused.
ENGINE = 1
# An answer such as "yes please" has the intent of the question it answers; not surely enough to act on.
_ANSWER_WORDS, _ANSWER_TRUST = 5, 0.6


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    engine: int
    version: str
    tone: dict[str, float]
    english: list[str]
    weights: Weights


class Understanding:
    """Immutable; the same text always gives the same signals. `version` is the hash of the phrases and of the code."""

    def __init__(self, stored: _Stored) -> None:
        self._stored = stored
        self._intents = IntentModel(stored.weights)
        self._sentiment = Sentiment(stored.tone)
        self._english = frozenset(stored.english)
        self.version = stored.version

    @property
    def intents(self) -> tuple[str, ...]:
        """Every label that `read` may give."""
        return self._stored.weights.labels

    def read(self, text: str, previous: str = "") -> Signals:
        """The signals of one message; `previous` is what it answers. Of a text without a letter only `und` is known."""
        language = identify(text, self._known_english, previous)
        if language == UNKNOWN:
            return Signals(language=language)
        sentiment = self._sentiment.read(text) if language.label == "en" else UNREAD
        return Signals(intent=self.intent(text, previous), sentiment=sentiment, language=language)

    def intent(self, text: str, previous: str = "") -> Signal:
        label, confidence = self._intents.read(text)
        if label == OUT_OF_SCOPE and previous and len(text.split()) <= _ANSWER_WORDS:
            asked, sure = self._intents.read(previous)
            if asked != OUT_OF_SCOPE:
                label, confidence = asked, sure * _ANSWER_TRUST
        return Signal(label=label, confidence=round(confidence, 4), source="builtin")

    def valence(self, text: str) -> float | None:
        """From -1 (unhappy) to 1; None of a language that is not read."""
        return self._sentiment.valence(text) if identify(text, self._known_english).label == "en" else None

    def to_bytes(self) -> bytes:
        """What `from_bytes` reads, so that the phrases need not be learnt again at the next start."""
        return msgspec.msgpack.encode(self._stored)

    @classmethod
    def from_bytes(cls, data: bytes) -> Understanding:
        """Compare `version` with `version_of(document)` before use. Raises ValueError on anything else than our own."""
        try:
            stored = msgspec.msgpack.decode(data, type=_Stored)
            if stored.engine != ENGINE:
                raise ValueError(f"weights of engine {stored.engine}, not {ENGINE}")
            return cls(stored)
        except msgspec.MsgspecError as error:
            raise ValueError(f"not stored weights: {error}") from error

    def _known_english(self, words: Sequence[str]) -> float:
        return sum(word.replace("'", "") in self._english for word in words) / len(words) if words else 0.0


def compile_understanding(document: Mapping[str, Any]) -> Understanding:
    """The classifier that intents.yaml describes, learnt in about a second, and at once the second time.

    Raises PolicyError with every problem of the document.
    """
    return _compiled(_canonical(document))


def version_of(document: Mapping[str, Any]) -> str:
    """The `version` that the compiled document will have. Raises PolicyError when it has no JSON form."""
    return _version(_canonical(document))


def _canonical(document: Mapping[str, Any]) -> bytes:
    try:
        return rfc8785.dumps(dict(document))
    except (rfc8785.CanonicalizationError, TypeError, RecursionError) as error:
        problem = PolicyProblem(file=FILE, key="(whole file)", message=f"a value has no JSON form: {error}")
        raise PolicyError([problem]) from error


def _version(canonical: bytes) -> str:
    return sha256(b"%d\n" % ENGINE + canonical).hexdigest()


@lru_cache(maxsize=4)
def _compiled(canonical: bytes) -> Understanding:
    document = read_document(msgspec.json.decode(canonical))
    model = fit(examples(document), document.same)
    return Understanding(_Stored(ENGINE, _version(canonical), document.tone, _english_words(document), model.weights))


def _english_words(document: Document) -> list[str]:
    """Words of the phrases that are in English: the file may hold others."""
    found: set[str] = set()
    # The longest first: they tell most, and what they hold need not be asked again.
    for text in sorted({text for example in examples(document) for text in example.texts}, key=lambda t: (-len(t), t)):
        words = {word for word in tokens(fold(text)) if word.isalpha()}
        if not words <= found and identify(text, lambda _: 0.0).label == "en":
            found |= words
    return sorted(found)
