"""Whether a condition can ever hold, as far as that can be decided: every combination of what it tells apart is tried.

What it asks of free text and of several findings is taken as anybody's guess, so "never" is certain and anything else
only means that it was not found out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from itertools import chain, combinations, product
from math import prod
from typing import Any

import cel
import msgspec

from app.core.policy.conditions import VOCABULARY
from app.core.policy.labels import GIVEN, OPEN, Labels

# Combinations tried for one question; a condition that tells more apart stays undecided.
MOST = 6_000
_MOST_WORDS = 10  # a list may hold any of them: twice the combinations for each
_LONGEST = 60  # no list of a case is longer
_OTHER = "\x00another"
_TEXT = r"""[rR]?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_LITERAL = re.compile(_TEXT)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")
_CALL = re.compile(rf"\b\w+\s*\.\s*\w+\s*\.\s*(?:matches|contains|startsWith|endsWith)\s*\(\s*{_TEXT}\s*\)")
_LOOP = re.compile(r"\b(\w+(?:\s*\.\s*\w+)?)\s*\.\s*(exists|exists_one|all)\s*\(")
_FACT = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*\.\s*(\w+)")
_SIZE = re.compile(rf"\bsize\s*\(\s*{_FACT.pattern}\s*\)")
_EQUAL = re.compile(rf"{_FACT.pattern}\s*[=!<>]|[=<>]\s*{_FACT.pattern}")
# What one value beside those that are named would not tell apart: facts compared with each other, texts by order,
# and whatever stands in brackets.
_COMPARES = r"(?:[<>]=?|==|!=|\bin\b)"
_TOGETHER = re.compile(
    rf"{_FACT.pattern}\s*{_COMPARES}\s*{_FACT.pattern}"
    rf'|\)\s*{_COMPARES}|{_COMPARES}\s*\(|""\s*[<>]|[<>]=?\s*""|\[[^\]]*{_FACT.pattern}'
)
# Once facts, numbers, texts and sizes are taken out, nothing but this may be left: no arithmetic, no further function.
_PLAIN = re.compile(r"(?:\s|[()\[\],!<>=]|&&|\|\||\bin\b|\btrue\b|\bfalse\b)*")
_FAILURES = (LookupError, ValueError, TypeError, RuntimeError, ArithmeticError)
Facts = dict[str, dict[str, Any]]


class Sketch(msgspec.Struct, frozen=True):
    """A condition over facts of few values each. `guesses` stand for what cannot be enumerated."""

    program: Any
    facts: frozenset[str]
    guesses: Mapping[str, tuple[bool, ...]]
    numbers: frozenset[float]
    words: frozenset[str]

    def holds(self, facts: Facts) -> bool:
        """As policy takes it: what cannot be evaluated counts as true."""
        try:
            return self.program.execute(cel.Context(variables=facts)) is not False
        except _FAILURES:
            return True


def never(one: Sketch, labels: Labels) -> bool:
    """True only when no case whatever can make the condition hold."""
    tries = _assignments(labels, one)
    return tries is not None and not any(map(one.holds, tries))


def implies(narrow: Sketch, wide: Sketch, labels: Labels) -> bool:
    """True only when the wide condition holds wherever the narrow one does."""
    tries = _assignments(labels, narrow, wide)
    return tries is not None and all(wide.holds(facts) for facts in tries if narrow.holds(facts))


def examples(one: Sketch, labels: Labels) -> Iterator[Facts]:
    """The facts it reads, in each combination that makes it hold; none where there are too many combinations."""
    yield from filter(one.holds, _assignments(labels, one) or ())


def sketch(source: str, labels: Labels) -> Sketch | None:
    """None where the condition asks more than can be enumerated."""
    guesses: dict[str, tuple[bool, ...]] = {}

    def guess(text: str, possible: tuple[bool, ...] = (False, True)) -> str:
        name = "g" + sha256("".join(text.split()).encode()).hexdigest()[:12]
        guesses[name] = possible
        return f"guess.{name}"

    reduced = _without_loops(source, guess, labels)
    if reduced is None:
        return None
    reduced = _CALL.sub(lambda match: guess(match[0]), reduced)
    bare = _LITERAL.sub('""', reduced)
    if not _enumerable(bare):
        return None
    return Sketch(
        program=cel.compile(reduced),
        facts=frozenset(f"{root}.{field}" for root, field in _FACT.findall(bare) if root != "guess"),
        guesses=guesses,
        numbers=frozenset(map(float, _NUMBER.findall(bare))),
        words=frozenset(cel.compile(text).execute({}) for text in _LITERAL.findall(reduced)),
    )


def _enumerable(bare: str) -> bool:
    """Whether trying the values named in a condition, and those beside them, tries everything it tells apart."""
    if not all(_kind(root, field) is list for root, field in _SIZE.findall(bare)):
        return False
    sized = _SIZE.sub("0", bare)
    whole = any(list in (_kind(a, b), _kind(c, d)) for a, b, c, d in _EQUAL.findall(sized))
    left = _NUMBER.sub(" ", _FACT.sub(" ", sized)).replace('""', " ")
    return bool(_PLAIN.fullmatch(left)) and not whole and not _TOGETHER.search(sized)


def _without_loops(source: str, guess: Callable[..., str], labels: Labels) -> str | None:
    """Each loop as a guess, or as false where it wants a finding that no guardrail rule gives."""
    while match := _LOOP.search(_blank(source)):
        end = _closing(source, match.end() - 1)
        if end is None:
            return None
        loop = source[match.start() : end]
        possible: tuple[bool, ...] = (False, True)
        others = {root for root, _ in _FACT.findall(_blank(loop))} & VOCABULARY.keys()
        if (match[1], match[2]) == ("findings", "exists") and not others and not _some_finding(loop, labels):
            possible = (False,)
        source = source[: match.start()] + guess(loop, possible) + source[end:]
    return source


def _some_finding(loop: str, labels: Labels) -> bool:
    try:
        return cel.compile(loop).execute({"findings": list(labels.findings)}) is not False
    except _FAILURES:
        return True


def _blank(source: str) -> str:
    """The same length, with nothing inside quotes."""
    return _LITERAL.sub(lambda match: '"' + " " * (len(match[0]) - 2) + '"', source)


def _closing(source: str, opening: int) -> int | None:
    depth = 0
    for at, char in enumerate(_blank(source)[opening:], start=opening):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return at + 1
    return None


def _assignments(labels: Labels, *sketches: Sketch) -> Iterator[Facts] | None:
    """Every combination worth telling apart; None when there are too many."""
    numbers = frozenset(chain.from_iterable(s.numbers for s in sketches))
    words = frozenset(chain.from_iterable(s.words for s in sketches))
    facts = sorted(frozenset(chain.from_iterable(s.facts for s in sketches)))
    if len(words) > _MOST_WORDS and any(_kind(*fact.split(".")) is list for fact in facts):
        return None
    domains: list[tuple[Any, ...]] = [_domain(fact, numbers, words, labels) for fact in facts]
    guesses: dict[str, tuple[bool, ...]] = {}
    for each in sketches:
        guesses |= each.guesses
    names = [*facts, *(f"guess.{name}" for name in guesses)]
    domains += guesses.values()
    if prod(map(len, domains)) > MOST:
        return None
    return filter(lambda found: _consistent(found, labels), (_nested(names, values) for values in product(*domains)))


def _nested(names: list[str], values: tuple[Any, ...]) -> Facts:
    found: Facts = {}
    for name, value in zip(names, values, strict=True):
        root, _, field = name.partition(".")
        found.setdefault(root, {})[field] = value
    return found


def _kind(root: str, field: str) -> type:
    return type(VOCABULARY.get(root, {}).get(field, ""))


def _domain(fact: str, numbers: frozenset[float], words: frozenset[str], labels: Labels) -> tuple[Any, ...]:
    kind = _kind(*fact.split("."))
    known = labels.known.get(fact)
    named = sorted(words if known is None else words & known)
    if kind is bool:
        return (False, True)
    if kind is float:
        share = fact.startswith("signals.") or fact.endswith("confidence")
        most = 1.0 if share else max(1e12, 2 * max(numbers, default=0.0))
        near = {n + step * max(n, 1.0) for n in numbers for step in (-1e-9, 0.0, 1e-9)}
        return tuple(sorted({0.0, most} | {n for n in near if 0 <= n <= most}))
    if kind is list:
        sizes = {0, 1} | {int(n) + step for n in numbers if n <= _LONGEST for step in (-1, 0, 1)}
        chosen = chain.from_iterable(combinations(named, size) for size in range(len(named) + 1))
        return tuple(
            [*some, *([_OTHER] * more)]
            for some in chosen
            for more in sorted({0} | {n - len(some) for n in sizes})
            if more >= 0
        )
    values = named if fact in GIVEN else ["", *named]
    if known is None or fact in OPEN:
        values.append(_OTHER)
    return (*values, *sorted((known or frozenset()) - words)[:1])


def _consistent(found: Facts, labels: Labels) -> bool:
    """Whether one case could have all these facts at once, as far as facts hang together."""
    signals, action = found.get("signals", {}), found.get("action", {})
    intent, confidence = signals.get("intent"), signals.get("intent_confidence")
    band = found.get("case", {}).get("band")
    least = {"high": labels.high_intent, "medium": labels.low_intent}.get(band or "", 0.0)
    kind = action.get("type")
    wrong = (
        intent is not None
        and signals.get("intent_known", intent in labels.known["signals.intent"])
        != (intent in labels.known["signals.intent"]),
        confidence is not None and confidence < least,
        signals.get("negative", 0.0) > 0 and signals.get("sentiment", "negative") != "negative",
        action.get("exists") is False and any(bool(v) for n, v in action.items() if n not in ("exists", "known")),
        kind in labels.money and action.get("known") is False,
        labels.money.get(kind or "", False) and action.get("money") is False,
        action.get("amount", 0.0) > 0 and action.get("money") is False,
    )
    return not any(wrong)
