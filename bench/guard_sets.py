"""The public sets, what `countersign scan` answers to them, and how both are counted."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from app.cli.scan import Line, scan_line
from app.core.case import Signal, Signals
from app.core.findings import Side
from app.edges.policy_files import load_policy
from app.edges.understanding import cache_folder, load_understanding
from bench.report import Rate

Row = Mapping[str, Any]
Answer = tuple[str, float]  # label and confidence
Span = tuple[int, int, str]

# The data's names of personal data in the product's words.
ENTITIES: Mapping[str, str] = {
    "CREDIT_CARD": "CREDIT_CARD",
    "IBAN_CODE": "IBAN",
    "US_SSN": "US_SSN",
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "IP_ADDRESS": "IP_ADDRESS",
    "STREET_ADDRESS": "ADDRESS",
    "ADDRESS": "ADDRESS",
    "ACCOUNT_NUMBER": "BANK_ACCOUNT",
    "PERSON": "PERSON",
    "DATE_TIME": "DATE_OF_BIRTH",
}
STRUCTURED = ("CREDIT_CARD", "IBAN", "US_SSN", "EMAIL", "PHONE", "IP_ADDRESS")
MASKED_SHARE = 0.8

WITH_PUNCTUATION = ("pii_presidio_synth_v2", "pii_presidio_generated_large")
# Sets where nobody attacks. lang_mixed borrows some of its texts from a set of attacks.
BENIGN = ("customer_taubench", "risk_flags", "intent_*", "pii_*", "sentiment_*", "lang_mixed")
_ATTACKS_IN_LANGUAGES = "cyberseceval"
REPLIES = ("reply_taubench", "reply_commit_labels")


class Data:
    """The rows of a folder of JSON lines; of `only` one set, if that is said. `absent` were asked for in vain."""

    def __init__(self, folder: Path, only: str | None = None) -> None:
        self._folder = folder
        self._only = only
        self.read: dict[str, list[Row]] = {}
        self.absent: set[str] = set()

    def rows(self, name: str) -> list[Row]:
        """None at all where the set is not there or not wanted."""
        if self._only not in (None, name):
            return []
        path = self._folder / f"{name}.jsonl"
        if not path.exists():
            self.absent.add(name)
            return []
        if name not in self.read:
            with path.open(encoding="utf-8") as lines:
                self.read[name] = [json.loads(line) for line in lines if line.strip()]
        return self.read[name]

    def names(self) -> list[str]:
        there = sorted(path.stem for path in self._folder.glob("*.jsonl"))
        return [name for name in there if self._only in (None, name)]

    def benign(self) -> Iterator[tuple[str, list[Row]]]:
        for name in self.names():
            if any(fnmatch(name, pattern) for pattern in BENIGN):
                found = self.rows(name)
                yield name, [r for r in found if name != "lang_mixed" or r.get("src") != _ATTACKS_IN_LANGUAGES]


class Read(NamedTuple):
    """The signals of one text; an unknown one is an empty label with a confidence of 0."""

    intent: Answer
    sentiment: Answer
    language: Answer

    @classmethod
    def of(cls, signals: Signals) -> Read:
        return cls(*(_answer(s) for s in (signals.intent, signals.sentiment, signals.language)))


def _answer(signal: Signal | None) -> Answer:
    return (signal.label, signal.confidence) if signal else ("", 0.0)


class Scanner:
    """What `countersign scan` says of a text under the policy of a directory. Raises PolicyError."""

    def __init__(self, policy: Path) -> None:
        self._rules = load_policy(policy).rules
        self._understanding = load_understanding(policy, cache_folder())
        self._answers: dict[tuple[Side, str], Mapping[str, Any]] = {}

    def answer(self, text: str, side: Side = "input") -> Mapping[str, Any]:
        if (side, text) not in self._answers:
            line = Line(id="", text=text)
            self._answers[side, text] = scan_line(line, side, self._rules, self._understanding)
        return self._answers[side, text]

    def flags(self, text: str, side: Side = "input") -> frozenset[str]:
        return frozenset(self.answer(text, side)["flags"])

    def spans(self, text: str, side: Side = "input") -> list[Span]:
        found = self.answer(text, side)["findings"]
        return [(f["start"], f["end"], f["entity"]) for f in found if f["entity"]]

    def read(self, text: str) -> Read:
        found = self.answer(text)["signals"]
        names = ("intent", "sentiment", "language")
        return Read(*((found[name] or "", found[f"{name}_confidence"]) for name in names))


@dataclass
class Tally:
    """Of one label: real spans, met by a found one, hidden under any; found spans, and those that meet a real one."""

    real: int = 0
    met: int = 0
    hidden: int = 0
    found: int = 0
    right: int = 0

    @property
    def recall(self) -> Rate:
        return Rate(self.met, self.real)

    @property
    def precision(self) -> Rate:
        return Rate(self.right, self.found)

    @property
    def covered(self) -> Rate:
        return Rate(self.hidden, self.real)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.real + other.real,
            self.met + other.met,
            self.hidden + other.hidden,
            self.found + other.found,
            self.right + other.right,
        )


def real_spans(row: Row) -> list[Span]:
    """Of what the product has a word for."""
    return [(start, end, ENTITIES[label]) for start, end, label in row["spans"] if label in ENTITIES]


def tally(pairs: Iterable[tuple[Sequence[Span], Sequence[Span]]]) -> dict[str, Tally]:
    """By label, of texts with their real and their found spans. Spans meet where they share a character and a label."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for real, found in pairs:
        for span in real:
            mine = tallies[span[2]]
            mine.real += 1
            mine.met += any(_meet(span, other) for other in found)
            hidden = {at for start, end, _ in found for at in range(max(start, span[0]), min(end, span[1]))}
            mine.hidden += len(hidden) >= MASKED_SHARE * (span[1] - span[0])
        for span in found:
            tallies[span[2]].found += 1
            tallies[span[2]].right += any(_meet(span, other) for other in real)
    return tallies


def total(tallies: Mapping[str, Tally], labels: Iterable[str]) -> Tally:
    return sum((tallies[label] for label in labels if label in tallies), Tally())


def _meet(one: Span, other: Span) -> bool:
    return one[2] == other[2] and min(one[1], other[1]) > max(one[0], other[0])


class FlagCount(NamedTuple):
    """How well a flag finds the rows that deserve it."""

    recall: Rate
    false: Rate
    precision: Rate

    @classmethod
    def of(cls, pairs: Iterable[tuple[bool, bool]]) -> FlagCount:
        """Of (deserved, set) for each row. Where no row deserves it, nothing is said of its precision."""
        found = list(pairs)
        any_deserved = any(deserved for deserved, _ in found)
        return cls(
            Rate.of(said for deserved, said in found if deserved),
            Rate.of(said for deserved, said in found if not deserved),
            Rate.of(deserved for deserved, said in found if said and any_deserved),
        )
