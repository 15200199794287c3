"""The linear algebra under the classifier, over sparse rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
Row = tuple[Rows, Floats]  # columns and their values

RIDGE = 0.6
FOLDS = 3
ALIKE = 0.55
_DENSE = 2048
_ROUNDS = 50


def products(data: Sequence[Row], width: int) -> Floats:
    """Every row's product with every other. Common columns as one dense block, the many rare ones one by one."""
    often = np.bincount(np.concatenate([columns for columns, _ in data]), minlength=width)
    common = np.argsort(often, kind="stable")[::-1][:_DENSE]
    place = np.full(width, -1)
    place[common] = np.arange(len(common))
    dense = np.zeros((len(data), len(common)), np.float32)
    rare: dict[int, list[tuple[int, float]]] = {}
    for number, (columns, values) in enumerate(data):
        at = place[columns]
        dense[number, at[at >= 0]] = values[at >= 0]
        for column, value in zip(columns[at < 0].tolist(), values[at < 0].tolist(), strict=True):
            rare.setdefault(column, []).append((number, value))
    result: Floats = dense @ dense.T
    for entries in rare.values():
        rows = np.array([number for number, _ in entries])
        amounts = np.array([value for _, value in entries], np.float32)
        result[rows[:, None], rows] += np.outer(amounts, amounts)
    return result


def solve(alike: Floats, targets: Floats) -> Floats:
    """The ridge regression's dual coefficients."""
    result: Floats = np.linalg.solve(alike + RIDGE * np.eye(len(alike), dtype=np.float32), targets)
    return result


def folds(alike: Floats, truth: NDArray[np.int64], number: int) -> list[Rows]:
    """Rows by fold, none empty. Rows of one label that are much alike stay together."""
    leader = list(range(len(truth)))

    def lead(row: int) -> int:
        while leader[row] != row:
            leader[row] = leader[leader[row]]
            row = leader[row]
        return row

    close = np.triu(alike > ALIKE, 1) & (truth[:, None] == truth)
    for left, right in np.argwhere(close).tolist():
        leader[lead(right)] = lead(left)
    load = [0] * number
    place: dict[int, int] = {}
    for group, size in Counter(map(lead, range(len(truth)))).most_common():
        place[group] = load.index(min(load))
        load[place[group]] += size
    where = np.array([place[lead(row)] for row in range(len(truth))])
    return [rows for n in range(number) if len(rows := np.flatnonzero(where == n))]


def logistic(seen: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Coefficients of a logistic regression, by Newton's method with a little shrinkage."""
    found = np.zeros(seen.shape[1])
    shrink = 0.1 * np.eye(seen.shape[1])
    for _ in range(_ROUNDS):
        likely = 1 / (1 + np.exp(-np.clip(seen @ found, -30, 30)))
        slope = seen.T @ (right - likely) - shrink @ found
        found += np.linalg.solve((seen.T * (likely * (1 - likely))) @ seen + shrink, slope)
    return found
