"""The intent classifier: a linear model over TF-IDF features, fitted in closed form, with honest confidences.

Ridge regression on one-hot targets has two virtues here. Its fit is one matrix inverse, so an edited file is learnt in
about a second; and the scores a phrase would get from a model that never saw it (nor anything like it) come out of the
same inverse. The temperature that turns scores into probabilities is fitted on those scores alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from app.core.understanding.document import Example
from app.core.understanding.features import KINDS, Feature, features, fold

Floats = NDArray[np.float32]
Row = tuple[NDArray[np.intp], Floats]  # columns and values
WEIGHTS = (1.0, 0.9, 0.8)  # of words, pairs, pieces
RIDGE = 0.6
FOLDS = 3
DENSE = 2048
ALIKE = 0.55  # phrases more alike than this are never on both sides of a fold
_FEWEST_PIECES = 2


class Weights(msgspec.Struct, frozen=True, array_like=True):
    """What a fitted model is, as plain values."""

    labels: tuple[str, ...]
    same: dict[str, str]
    vocabulary: dict[str, int]
    idf: bytes
    matrix: bytes
    offset: bytes
    temperature: float
    rare: float


class IntentModel:
    """Immutable once made. `probabilities` is a pure function of the text."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.labels = weights.labels
        self._idf = np.frombuffer(weights.idf, np.float32)
        self._matrix = np.frombuffer(weights.matrix, np.float32).reshape(len(self._idf), len(weights.labels))
        self._offset = np.frombuffer(weights.offset, np.float32)

    def probabilities(self, text: str) -> Floats:
        """In the order of `labels`; sums to 1."""
        counted = features(fold(text), self.weights.same)
        rows, values = weigh(counted, self.weights.vocabulary, self._idf, self.weights.rare)
        scores = values @ self._matrix[rows] + self._offset
        return softmax(scores * np.float32(self.weights.temperature))

    def knows(self, word: str) -> bool:
        return f"0{word}" in self.weights.vocabulary


def softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return result


def weigh(
    counted: Mapping[Feature, int], vocabulary: Mapping[str, int], idf: Floats, rare: float
) -> Row:
    """Known features' rows and their weights. Unknown ones count in the length, so strange texts score low."""
    rows: list[int] = []
    raw: list[float] = []
    kinds: list[int] = []
    squares = [0.0] * len(KINDS)
    for (kind, name), times in counted.items():
        amount = 1.0 + math.log(times) if times > 1 else 1.0
        row = vocabulary.get(f"{kind}{name}")
        if row is None:
            squares[kind] += (amount * rare) ** 2 * UNKNOWN[kind]
            continue
        value = amount * float(idf[row])
        squares[kind] += value * value
        rows.append(row)
        raw.append(value)
        kinds.append(kind)
    scale = [weight / math.sqrt(square + PIVOT[k]) if square else 0.0 for k, (weight, square) in enumerate(zip(WEIGHTS, squares, strict=True))]
    length = LENGTH
    values = np.array([value * scale[kind] / length for value, kind in zip(raw, kinds, strict=True)], np.float32)
    return np.array(rows, np.intp), values

LENGTH = math.sqrt(sum(w * w for w in WEIGHTS))
UNKNOWN = (1.0, 0.1, 0.3)
PIVOT = (0.0, 0.0, 0.0)

def fit(examples: Sequence[Example], same: Mapping[str, str]) -> IntentModel:
    labels = tuple(dict.fromkeys(example.intent for example in examples))
    counted = [[features(fold(text), same) for text in example.texts] for example in examples]
    vocabulary, idf, rare = _vocabulary(counted)
    data = [_mean([weigh(found, vocabulary, idf, rare) for found in variants]) for variants in counted]
    number = {label: i for i, label in enumerate(labels)}
    truth = np.array([number[example.intent] for example in examples])
    offset = np.full(len(labels), 1 / len(labels), np.float32)
    targets = np.eye(len(labels), dtype=np.float32)[truth] - offset
    alike = _alike(data, len(idf))
    unseen = np.empty_like(targets)
    for held in _folds(examples, alike):
        rest = np.setdiff1d(np.arange(len(data)), held)
        unseen[held] = alike[np.ix_(held, rest)] @ _solve(alike[np.ix_(rest, rest)], targets[rest])
    dual = _solve(alike, targets)
    matrix = np.zeros((len(idf), len(labels)), np.float32)
    for (rows, values), part in zip(data, dual, strict=True):
        matrix[rows] += values[:, None] * part
    return IntentModel(
        Weights(
            labels=labels,
            same=dict(same),
            vocabulary=vocabulary,
            idf=idf.tobytes(),
            matrix=matrix.tobytes(),
            offset=offset.tobytes(),
            temperature=_temperature(unseen, truth),
            rare=rare,
        )
    )


def _solve(alike: Floats, targets: Floats) -> Floats:
    result: Floats = np.linalg.solve(alike + RIDGE * np.eye(len(alike), dtype=np.float32), targets)
    return result


def _alike(data: Sequence[Row], width: int) -> Floats:
    """Every example's product with every other. Common features as a dense block, the many rare ones by postings."""
    often = np.bincount(np.concatenate([rows for rows, _ in data]), minlength=width)
    dense_place = np.full(width, -1)
    common = np.argsort(often)[::-1][:DENSE]
    dense_place[common] = np.arange(len(common))
    dense = np.zeros((len(data), len(common)), np.float32)
    rows_of: list[list[int]] = [[] for _ in range(width)]
    values_of: list[list[float]] = [[] for _ in range(width)]
    for number, (rows, values) in enumerate(data):
        places = dense_place[rows]
        dense[number, places[places >= 0]] = values[places >= 0]
        for row, value in zip(rows[places < 0].tolist(), values[places < 0].tolist(), strict=True):
            rows_of[row].append(number)
            values_of[row].append(value)
    result: Floats = dense @ dense.T
    for rows_list, values_list in zip(rows_of, values_of, strict=True):
        if rows_list:
            amounts = np.array(values_list, np.float32)
            result[np.ix_(rows_list, rows_list)] += np.outer(amounts, amounts)
    return result


def _mean(variants: Sequence[Row]) -> Row:
    total: dict[int, float] = {}
    for rows, values in variants:
        for row, value in zip(rows.tolist(), values.tolist(), strict=True):
            total[row] = total.get(row, 0.0) + value / len(variants)
    return np.fromiter(total, np.intp, len(total)), np.fromiter(total.values(), np.float32, len(total))


def _vocabulary(counted: Sequence[Sequence[Mapping[Feature, int]]]) -> tuple[dict[str, int], Floats, float]:
    often = Counter(feature for variants in counted for feature in {f for found in variants for f in found})
    kept = {f: times for f, times in often.items() if f[0] == 0 or times >= _FEWEST_PIECES}
    vocabulary = {f"{kind}{name}": row for row, (kind, name) in enumerate(kept)}
    total = len(counted)
    idf = np.array([math.log((1 + total) / (1 + times)) + 1 for times in kept.values()], np.float32)
    return vocabulary, idf, math.log((1 + total) / 2) + 1


def _folds(examples: Sequence[Example], alike: Floats) -> list[NDArray[np.intp]]:
    """Rows by fold. Phrases of one intent that are much alike stay together."""
    leader = list(range(len(examples)))

    def lead(row: int) -> int:
        while leader[row] != row:
            leader[row] = leader[leader[row]]
            row = leader[row]
        return row

    for left, right in np.argwhere(np.triu(alike, 1) > ALIKE).tolist():
        if examples[left].intent == examples[right].intent:
            leader[lead(right)] = lead(left)
    sizes = Counter(lead(row) for row in range(len(examples)))
    load = [0] * FOLDS
    place: dict[int, int] = {}
    for group, size in sizes.most_common():
        place[group] = load.index(min(load))
        load[place[group]] += size
    where = np.array([place[lead(row)] for row in range(len(examples))])
    return [rows for n in range(FOLDS) if len(rows := np.flatnonzero(where == n))]


def _temperature(scores: Floats, truth: NDArray[np.int64]) -> float:
    """The factor on the scores under which the true labels are likeliest."""
    return float(min(np.geomspace(1, 60, 60), key=lambda t: _surprise(scores * np.float32(t), truth)))


def _surprise(logits: Floats, truth: NDArray[np.int64]) -> float:
    chosen = softmax(logits)[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(chosen, 1e-9)).mean())
