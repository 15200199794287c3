"""The intent classifier: a linear model over TF-IDF features, with confidences that mean what they say.

Ridge regression on one-hot targets is solved in closed form, so an edited file is learnt in about a second. What a
confidence is worth is learnt from phrases the model did not see, nor anything like them: every phrase is scored by a
model fitted without its fold, and much alike phrases share a fold.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from app.core.understanding.document import OUT_OF_SCOPE, Example
from app.core.understanding.features import WORD, features, fold, parts, tokens
from app.core.understanding.linear import FOLDS, Floats, Row, Rows, folds, logistic, products, solve

# Of words, pairs, pieces.
WEIGHTS = (1.0, 0.9, 0.8)
# What an unknown feature counts in the length of a text: the stranger the text, the lower all scores.
UNKNOWN = (2.0, 0.3, 0.5)
_LENGTH = math.sqrt(sum(weight**2 for weight in WEIGHTS))
Counted = Sequence[Mapping[str, int]]  # by kind
_FEWEST_PHRASES = 2  # a pair or piece of one phrase only tells nothing about others
_HALF_KNOWN = 0.5  # a text with fewer known words is in another language, or nothing it learnt about
_SURE = 1e-6


class Weights(msgspec.Struct, frozen=True, array_like=True):
    """A fitted model as plain values. Arrays are little-endian float32; `matrix` has a row a feature."""

    labels: tuple[str, ...]
    same: dict[str, str]
    vocabulary: dict[str, int]
    idf: bytes
    matrix: bytes
    temperature: float
    trust: tuple[float, float]  # slope and height of the logit of being right over that of the likeliest label


class IntentModel:
    """Immutable once made; a pure function of the text."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.labels = weights.labels
        self._idf = _floats(weights.idf)
        self._matrix = _floats(weights.matrix).reshape(len(self._idf), len(weights.labels))
        self._outside = weights.labels.index(OUT_OF_SCOPE)

    def read(self, text: str) -> tuple[str, float]:
        """The likeliest intent and how likely it is to be right."""
        found = parts(text)
        likely = self._combined(np.stack([self._probabilities(part) for part in found]))
        best = int(likely.argmax())
        known = self.known_words([word for part in found for word in part])
        if not known:
            return OUT_OF_SCOPE, 0.0
        return self.labels[best], _trusted(float(likely[best]), self.weights.trust) * min(1, known / _HALF_KNOWN)

    def known_words(self, words: Sequence[str]) -> float:
        """Their share that occurs in the phrases; 0 of no words."""
        vocabulary = self.weights.vocabulary
        return sum(WORD + word in vocabulary for word in words) / len(words) if words else 0.0

    def _probabilities(self, words: list[str]) -> Floats:
        rows, values = _weighed(features(words, self.weights.same), self.weights.vocabulary, self._idf)
        return _softmax(values @ self._matrix[rows] * np.float32(self.weights.temperature))

    def _combined(self, each: Floats) -> Floats:
        """Of all parts, the ones that clearly want something speak; thanks and stories do not drown them."""
        wants = each.copy()
        wants[:, self._outside] = 0
        clear = wants.max(axis=1)
        result: Floats = (wants * clear[:, None] ** 2).sum(axis=0)
        outside = each[clear.argmax(), self._outside]
        result *= (1 - outside) / max(float(result.sum()), _SURE)
        result[self._outside] = outside
        return result


def fit(examples: Sequence[Example], same: Iterable[Sequence[str]]) -> IntentModel:
    heads = {word: f"={words[0]}" for group in same for words in [[_bare(w) for w in group]] for word in words}
    labels = tuple(dict.fromkeys(example.intent for example in examples))
    counted = [[features(tokens(fold(text)), heads) for text in example.texts] for example in examples]
    vocabulary, idf = _vocabulary(counted)
    data = [_mean([_weighed(found, vocabulary, idf) for found in variants]) for variants in counted]
    truth = np.array([labels.index(example.intent) for example in examples])
    targets = np.eye(len(labels), dtype=np.float32)[truth] - np.float32(1 / len(labels))
    alike = products(data, len(idf))
    unseen = np.empty_like(targets)
    for held in folds(alike, truth, FOLDS):
        rest = np.setdiff1d(np.arange(len(data)), held)
        unseen[held] = alike[np.ix_(held, rest)] @ solve(alike[np.ix_(rest, rest)], targets[rest])
    temperature = _temperature(unseen, truth)
    matrix = np.zeros((len(idf), len(labels)), np.float32)
    for (rows, values), part in zip(data, solve(alike, targets), strict=True):
        matrix[rows] += values[:, None] * part
    return IntentModel(
        Weights(
            labels=labels,
            same=heads,
            vocabulary=vocabulary,
            idf=idf.astype("<f4").tobytes(),
            matrix=matrix.astype("<f4").tobytes(),
            temperature=temperature,
            trust=_trust(_softmax(unseen * np.float32(temperature)), truth),
        )
    )


def _floats(data: bytes) -> Floats:
    return np.frombuffer(data, "<f4").astype(np.float32, copy=False)


def _bare(word: str) -> str:
    return "".join(tokens(fold(word)))


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return result


def _weighed(counted: Counted, vocabulary: Mapping[str, int], idf: Floats) -> Row:
    """The known features with their weights. Each kind of feature has the same share, however many there are."""
    columns: list[Rows] = []
    amounts: list[Floats] = []
    rare = float(idf[0])
    for found, weight, unknown in zip(counted, WEIGHTS, UNKNOWN, strict=True):
        known = {row: times for name, times in found.items() if (row := vocabulary.get(name)) is not None}
        rows = np.fromiter(known, np.intp, len(known))
        values = idf[rows] * (1 + np.log(np.fromiter(known.values(), np.float32, len(known))))
        square = float(values @ values) + rare**2 * unknown * (len(found) - len(known))
        columns.append(rows)
        amounts.append(values * np.float32(weight / math.sqrt(square or 1) / _LENGTH))
    return np.concatenate(columns), np.concatenate(amounts)


def _mean(variants: Sequence[Row]) -> Row:
    if len(variants) == 1:
        return variants[0]
    total: dict[int, float] = {}
    for rows, values in variants:
        for row, value in zip(rows.tolist(), values.tolist(), strict=True):
            total[row] = total.get(row, 0.0) + value / len(variants)
    return np.fromiter(total, np.intp, len(total)), np.fromiter(total.values(), np.float32, len(total))


def _vocabulary(examples: Sequence[Sequence[Counted]]) -> tuple[dict[str, int], Floats]:
    """Features' rows and their inverse document frequencies. Row 0 is for what nobody wrote yet: the rarest."""
    often = Counter(name for texts in examples for name in {name for kinds in texts for f in kinds for name in f})
    kept = {"": 0} | {name: n for name, n in often.items() if name[0] == WORD or n >= _FEWEST_PHRASES}
    idf = np.log((1 + len(examples)) / (1 + np.maximum(np.fromiter(kept.values(), np.float32, len(kept)), 1))) + 1
    return {name: row for row, name in enumerate(kept)}, idf.astype(np.float32)


def _temperature(scores: Floats, truth: NDArray[np.int64]) -> float:
    """The factor on the scores under which the true labels are likeliest."""

    def surprise(factor: float) -> float:
        chosen = _softmax(scores * np.float32(factor))[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(chosen, 1e-9)).mean())

    return float(min(np.geomspace(1, 60, 60).tolist(), key=surprise))


def _trust(likely: Floats, truth: NDArray[np.int64]) -> tuple[float, float]:
    best = likely.max(axis=1).astype(np.float64)
    seen = np.stack([np.log((best + _SURE) / (1 - best + _SURE)), np.ones(len(best))], axis=1)
    slope, height = logistic(seen, likely.argmax(axis=1) == truth).tolist()
    return slope, height


def _trusted(likely: float, trust: tuple[float, float]) -> float:
    slope, height = trust
    return 1 / (1 + math.exp(-(slope * math.log((likely + _SURE) / (1 - likely + _SURE)) + height)))
