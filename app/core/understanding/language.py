"""Which language a text is in: by script where that decides, else by py3langid's n-grams over the likely languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from app.core.case import Signal

Likely = NDArray[np.float64]  # by language, in the order of the identifier's classes
UNKNOWN = Signal(label="und", confidence=0.0, source="builtin")
_MOST_CHARACTERS = 2000
_SURE = 0.99

# Letters of a script and the languages written in it, the first one where nothing else tells. Order decides where a
# language mixes scripts: Japanese has Chinese characters, too.
_SCRIPTS: tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (name, re.compile(f"[{letters}]"), tuple(languages.split()))
    for name, letters, languages in (
        ("kana", "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f", "ja"),
        ("hangul", "\u1100-\u11ff\u3131-\u318e\uac00-\ud7af", "ko"),
        ("han", "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff", "zh yue"),
        ("thai", "\u0e01-\u0e4e", "th"),
        ("lao", "\u0e81-\u0edf", "lo"),
        ("greek", "\u0370-\u03ff\u1f00-\u1fff", "el grc"),
        ("hebrew", "\u0590-\u05ff", "he"),
        ("armenian", "\u0531-\u058f", "hy"),
        ("georgian", "\u10a0-\u10ff\u1c90-\u1cbf", "ka"),
        ("bengali", "\u0980-\u09ff", "bn as"),
        ("gurmukhi", "\u0a00-\u0a7f", "pa"),
        ("gujarati", "\u0a80-\u0aff", "gu"),
        ("oriya", "\u0b00-\u0b7f", "or"),
        ("tamil", "\u0b80-\u0bff", "ta"),
        ("telugu", "\u0c00-\u0c7f", "te"),
        ("kannada", "\u0c80-\u0cff", "kn"),
        ("malayalam", "\u0d00-\u0d7f", "ml"),
        ("sinhala", "\u0d80-\u0dff", "si"),
        ("burmese", "\u1000-\u109f", "my"),
        ("khmer", "\u1780-\u17ff", "km"),
        ("devanagari", "\u0900-\u097f", "hi mr ne sa"),
        ("ethiopic", "\u1200-\u137f", "am"),
        ("arabic", "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff", "ar fa ur ps ug sdh"),
        ("cyrillic", "\u0400-\u052f", "ru uk bg sr mk be kk ky tg mn tt ba"),
        ("latin", "A-Za-z\u00c0-\u024f\u1e00-\u1eff", ""),
    )
)
_WRITTEN_IN = {name: languages for name, _, languages in _SCRIPTS}
# How many letters of Latin script a letter of these says as much as.
_HEAVY = {"kana": 3, "hangul": 2, "han": 2}
# What support teams get. The others of the 140 that are known need clear evidence, dialects even more.
_COMMON = "en es fr de it pt nl sv da no fi pl cs sk sl hr sr hu ro tr vi id tl ca lt lv et sq az af is sw"
_WEIGHTS = dict.fromkeys(_COMMON.split(), 1.0) | {"en": 3.0, "nn": 0.4, "bs": 0.3, "gl": 0.3, "ms": 0.3, "an": 0.05}
_WEIGHTS |= {"vec": 0.01, "ext": 0.01, "wuu": 0.0, "zxx": 0.0}
_RARE = 0.15
# A text this short says little by itself; then the message that it answers counts as well.
_UNSURE, _PREVIOUS_TRUST = 0.6, 0.8
# How much likelier English is when every word is a known English one; with few of them it is nothing.
_ENGLISH_WORDS = 30
_WORDS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_NOT_LANGUAGE = re.compile(r"https?://\S+|\S+@\S+|\S*\d\S*")


def identify(text: str, known_english: Callable[[Sequence[str]], float], previous: str = "") -> Signal:
    """`known_english` says which share of lower-case words is English for sure. Without letters: `und`, 0."""
    label, confidence = _identify(text, known_english)
    if confidence < _UNSURE and previous:
        before, sure = _identify(previous, known_english)
        if sure * _PREVIOUS_TRUST > confidence:
            label, confidence = before, sure * _PREVIOUS_TRUST
    return Signal(label=label, confidence=round(confidence, 4), source="builtin")


def _identify(text: str, known_english: Callable[[Sequence[str]], float]) -> tuple[str, float]:
    text = text[:_MOST_CHARACTERS]
    script = _script(text)
    if script is None:
        return UNKNOWN.label, UNKNOWN.confidence
    languages = _WRITTEN_IN[script]
    if len(languages) == 1:
        return languages[0], _SURE
    classes = _identifier().nb_classes
    plain = _NOT_LANGUAGE.sub(" ", text)
    likely = _likely(plain if plain.strip() else text)
    if languages:
        likely *= [label in languages for label in classes]
        likely[classes.index(languages[0])] += 0.02
    else:
        words = [word.lower().replace("’", "'") for word in _WORDS.findall(plain)]
        likely *= _priors()
        likely[classes.index("en")] *= 1 + _ENGLISH_WORDS * known_english(words) ** 3
    likely /= likely.sum() or 1.0
    best = int(likely.argmax())
    return str(classes[best]), min(float(likely[best]), _SURE)


def _script(text: str) -> str | None:
    counts: dict[str, int] = {}
    if text.isascii():
        return "latin" if any(map(str.isalpha, text)) else None
    for name, letters, _ in _SCRIPTS:
        if found := len(letters.findall(text)):
            counts[name] = found * _HEAVY.get(name, 1)
    if not counts:
        return None
    best = max(counts, key=lambda name: counts[name])
    return "kana" if best == "han" and counts.get("kana", 0) * 10 > counts["han"] else best


def _likely(text: str) -> Likely:
    identifier = _identifier()
    ranked = dict(identifier.rank(text))
    return np.array([ranked[label] for label in identifier.nb_classes], np.float64)


@cache
def _priors() -> Likely:
    return np.array([_WEIGHTS.get(label, _RARE) for label in _identifier().nb_classes])


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
