"""Labelled support messages, and how well something reads them.

`gist_dev.jsonl` may be looked at while phrases are mended. `gist_held_out.jsonl` was written before there was any code;
its errors were looked at once (recall of asked_action was 0.94 then, everything else 1.00). A label is what a careful
person would put into the field, normalised.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from app.core.case import Case, Customer, Message, Ticket
from app.core.understanding.gist import read_gist

AT = datetime(2026, 11, 12, 10, 0, tzinfo=UTC)  # a Thursday; messages are of this moment unless they say `at: false`
FIELDS = ("order_id", "amount", "date", "asked_action")
Row = Mapping[str, Any]
Found = Mapping[str, set[str]]


class Score(NamedTuple):
    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


def rows(name: str) -> list[Row]:
    lines = (Path(__file__).parent / f"gist_{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def a_conversation(*messages: Message, **changes: Any) -> Case:
    """A case as it comes in: not scanned, not assessed."""
    known: dict[str, Any] = {
        "id": "c_gist",
        "ticket": Ticket(id="t-1"),
        "customer": Customer(id="cust-1"),
        "messages": messages,
        "created_at": AT,
    }
    return Case(**{**known, **changes})


def read_row(row: Row) -> Found:
    message = Message(author="customer", text=row["text"], at=AT if row.get("at", True) else None)
    found: dict[str, set[str]] = {field: set() for field in FIELDS}
    for item in read_gist(a_conversation(message)).fields:
        found[item.field].add(item.value)
    return found


def score(labelled: Iterable[Row], read: Callable[[Row], Found]) -> dict[str, Score]:
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for row in labelled:
        found = read(row)
        for field in FIELDS:
            truth = set(row.get(field, ()))
            right[field] += len(found[field] & truth)
            wrong[field] += len(found[field] - truth)
            missed[field] += len(truth - found[field])
    return {field: Score(right[field], wrong[field], missed[field]) for field in FIELDS}
