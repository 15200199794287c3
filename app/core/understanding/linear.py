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
    """Every row's product with every other. Common columns as one dense block, the many rare ones by their pairs."""
    columns = np.concatenate([columns for columns, _ in data])
    values = np.concatenate([values for _, values in data])
    rows = np.repeat(np.arange(len(data)), [len(columns) for columns, _ in data])
    often = np.bincount(columns, minlength=width)
    common = np.argsort(often, kind="stable")[::-1][:_DENSE]
    place = np.full(width, -1)
    place[common] = np.arange(len(common))
    dense = np.zeros((len(data), len(common)), np.float32)
    here = place[columns] >= 0
    dense[rows[here], place[columns[here]]] = values[here]
    result: Floats = dense @ dense.T
    order = np.flatnonzero(~here)
    order = order[np.argsort(columns[order], kind="stable")]
    times = often[columns[order]]
    for size in np.unique(times).tolist():
        block = order[times == size].reshape(-1, size)  # one column's entries a line
        at = rows[block][:, :, None] * len(data) + rows[block][:, None, :]
        amount = values[block][:, :, None] * values[block][:, None, :]
        np.add.at(result.reshape(-1), at.ravel(), amount.ravel())
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
