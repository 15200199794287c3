"""Scanning a text: which rules hit, and exactly where in the text as it was given."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from app.core.findings import ACTION_ORDER, Entity, Finding, FindingAction, Side
from app.core.guards import detectors
from app.core.guards.document import Rule
from app.core.guards.normalise import Reading, View, read
from app.core.guards.patterns import Pattern
from app.core.guards.rules import CompiledRule, Rules
from app.core.guards.validators import VALIDATORS, Candidate

_DEEPEST_PAYLOAD = 2
_MOST_FINDINGS = 100
_BEFORE = 30
# A label stands right before its value: "SSN: 4821", "order no. 12".
_LABEL = 4
_NEAR = 12
_SENTENCE_END = re.compile(r"[.!?]+(?=[ \n\"')\]]|\Z)|\n")
# Numbers and names do not survive these readings; words do.
_WORDS_ONLY = frozenset({"leet", "split"})


class ScanContext(msgspec.Struct, frozen=True, kw_only=True):
    """What is known around the text: `previous` turn, account facts (`customer`), the customer's `message`."""

    transaction_verified: bool = False
    previous: str = ""
    customer: Mapping[str, str] = {}
    message: str = ""


class _Hit(NamedTuple):
    order: int
    start: int
    end: int
    entity: Entity | None
    # 0: the text itself says what it is; else how far its context is: right before it, near by, in the question.
    doubt: int = 0


class _Page:
    """One view of the text as bytes, with what several rules ask about it worked out once."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.data = view.text.encode()
        self._chars: Sequence[int] | None = None
        self._ends: list[tuple[int, int]] | None = None
        self._spans: dict[int, list[tuple[int, int]]] = {}

    def char(self, byte: int) -> int:
        if self._chars is None:
            if len(self.data) == len(self.view.text):
                self._chars = range(len(self.data) + 1)
            else:
                self._chars = [i for i, c in enumerate(self.view.text) for _ in c.encode()]
                self._chars.append(len(self.view.text))
        return self._chars[byte]

    def spans(self, pattern: Pattern) -> list[tuple[int, int]]:
        found = self._spans.get(id(pattern))
        if found is None:
            found = [(self.char(start), self.char(end)) for start, end in pattern.spans(self.data)]
            self._spans[id(pattern)] = found
        return found

    def sentence(self, start: int, end: int) -> tuple[int, int]:
        """The sentence around a slice, with the mark that ends it: a question mark tells a question."""
        if self._ends is None:
            self._ends = [m.span() for m in _SENTENCE_END.finditer(self.view.text)]
        before = bisect_left(self._ends, (start, 0))
        after = bisect_left(self._ends, (end, 0))
        first = self._ends[before - 1][1] if before else 0
        return first, self._ends[after][1] if after < len(self._ends) else len(self.view.text)

    def touches(self, pattern: Pattern | None, start: int, end: int) -> bool:
        """Whether the pattern matches somewhere that overlaps the slice."""
        return pattern is not None and self.last_end(pattern, end) > start

    def last_end(self, pattern: Pattern, before: int) -> int:
        """Where the last match that starts before `before` ends; far before the text when there is none."""
        spans = self.spans(pattern)
        at = bisect_left(spans, (before, 0))
        return spans[at - 1][1] if at else -sys.maxsize


class _Scan:
    """One scan; holds what does not change while it runs."""

    def __init__(self, text: str, side: Side, rules: Rules, context: ScanContext) -> None:
        self.text = text
        self.side = side
        self.rules = rules
        self.context = context
        self._asked: dict[int, bool] = {}
        self._previous = read(context.previous).views[0].text.encode() if context.previous else b""

    def run(self) -> Iterator[_Hit]:
        reading = read(self.text)
        for view in reading.views:
            yield from self.page_hits(_Page(view))
        found = list(detectors.payloads(reading.cased))
        yield from self.detected(reading, found)
        for payload in found:
            yield from self.payload_hits(payload, 1)

    def payload_hits(self, payload: detectors.Payload, depth: int) -> Iterator[_Hit]:
        reading = read(payload.text)
        for view in reading.views:
            size = len(view.text)
            yield from self.page_hits(_Page(view._replace(starts=[payload.start] * size, ends=[payload.end] * size)))
        if depth < _DEEPEST_PAYLOAD:
            for inner in detectors.payloads(reading.cased):
                yield from self.payload_hits(inner._replace(start=payload.start, end=payload.end), depth + 1)

    def active(self, rule: CompiledRule) -> bool:
        if self.side not in rule.rule.action:
            return False
        if rule.rule.unless == "transaction_verified" and self.context.transaction_verified:
            return False
        asked = rule.previous_exceptions
        return asked is None or not self._previous or not asked.found_in(self._previous)

    def page_hits(self, page: _Page) -> Iterator[_Hit]:
        for rule, pattern in self.rules.index[self.side].candidates(page.data):
            exact = rule.rule.type == "pii" or rule.rule.match.validator is not None
            if not self.active(rule) or (exact and page.view.kind in _WORDS_ONLY):
                continue
            if page.touches(rule.text_exceptions, 0, len(page.view.text)):
                continue
            for start, end in page.spans(pattern):
                doubt = self.doubt(rule, page, start, end)
                if doubt is None or self.excused(rule, page, start, end):
                    continue
                kept = self.validated(rule, page.view, start, end)
                if kept is not None:
                    yield _Hit(rule.order, *page.view.span(*kept), rule.rule.entity, doubt)

    def validated(self, rule: CompiledRule, view: View, start: int, end: int) -> tuple[int, int] | None:
        match = rule.rule.match
        if match.validator is None:
            return start, end
        hosts = self.rules.allowed_hosts
        return VALIDATORS[match.validator](Candidate(view, start, end, self.text, tuple(match.regions), hosts))

    def excused(self, rule: CompiledRule, page: _Page, start: int, end: int) -> bool:
        first, last = page.sentence(start, end)
        return (
            page.touches(rule.match_exceptions, start, end)
            or page.touches(rule.before_exceptions, max(first, start - _BEFORE), end)
            or page.touches(rule.label_exceptions, start - _LABEL, start)
            or page.touches(rule.sentence_exceptions, first, last)
        )

    def doubt(self, rule: CompiledRule, page: _Page, start: int, end: int) -> int | None:
        """How sure the context makes a match, for `_Hit.doubt`; None: it does not count."""
        if rule.context is None or rule.rule.context is None:
            return 0
        within = rule.rule.context.within
        label_end = page.last_end(rule.context, start)
        if label_end > start - _NEAR:
            return 1
        if label_end > start - within or page.last_end(rule.context, end + within) > start:
            return 2
        return 3 if rule.rule.context.asked and self.asked(rule.order, rule.context) else None

    def asked(self, order: int, pattern: Pattern) -> bool:
        if order not in self._asked:
            self._asked[order] = pattern.found_in(self._previous)
        return self._asked[order]

    def detected(self, reading: Reading, found: list[detectors.Payload]) -> Iterator[_Hit]:
        for rule in self.rules.rules:
            match = rule.rule.match
            if match.detect is None or not self.active(rule):
                continue
            if match.detect == "hidden_text":
                yield from (_Hit(rule.order, *span, None) for span in detectors.hidden_text(self.text))
            elif match.detect == "encoded_payload":
                yield from (_Hit(rule.order, p.start, p.end, None) for p in found)
            else:
                known = detectors.known_facts(self.context.customer, match.facts)
                if match.detect == "echo":
                    known += self.message_values(rule.rule.sensitive)
                for start, end, entity in detectors.occurrences(reading, known):
                    yield _Hit(rule.order, start, end, entity)

    def message_values(self, sensitive: bool) -> list[detectors.Known]:
        """Personal data the customer wrote. Names are left out: a reply may greet."""
        message = self.context.message
        if not message:
            return []
        return [
            detectors.known_value(message[f.start : f.end], f.entity)
            for f in scan(message, "input", self.rules, ScanContext(previous=self.context.previous))
            if f.entity is not None and f.entity != "PERSON" and f.sensitive == sensitive
        ]


def _merged(hits: Iterable[_Hit]) -> list[_Hit]:
    """Overlapping hits of one rule are one hit."""
    merged: list[_Hit] = []
    for hit in sorted(set(hits), key=lambda h: (h.order, h.start, h.end, h.entity or "")):
        last = merged[-1] if merged else None
        if last and last.order == hit.order and last.entity == hit.entity and hit.start < last.end:
            merged[-1] = last._replace(end=max(last.end, hit.end), doubt=min(last.doubt, hit.doubt))
        else:
            merged.append(hit)
    return merged


def _drop_covered(hits: list[_Hit], rules: Rules, side: Side) -> list[_Hit]:
    """One stretch is one piece of personal data: sensitive before contact, the harder action, the rule that has less
    doubt, the earlier one."""
    kept: list[_Hit] = []
    covered: list[tuple[int, int]] = []
    by_rank: dict[tuple[bool, int, int, int], list[_Hit]] = {}
    for hit in hits:
        rule = rules.rules[hit.order].rule
        rank = (not rule.sensitive, -ACTION_ORDER.index(rule.action[side]), hit.doubt, hit.order)
        by_rank.setdefault(rank, []).append(hit)
    for _, group in sorted(by_rank.items()):
        if group[0].entity is None:
            kept += group[:_MOST_FINDINGS]
            continue
        fresh = []
        for hit in group:
            at = bisect_right(covered, (hit.start, sys.maxsize))
            if at == 0 or covered[at - 1][1] < hit.end:
                fresh.append(hit)
        kept += fresh
        covered = _union([*covered, *((h.start, h.end) for h in fresh)])
    return _join_entities(kept, rules, side)


def _join_entities(hits: list[_Hit], rules: Rules, side: Side) -> list[_Hit]:
    """Overlapping hits of one entity by rules that agree are one piece of data: the earliest rule's, over the whole."""
    joined: list[_Hit] = []
    last: dict[tuple[Entity | None, bool, FindingAction], int] = {}
    for hit in sorted(hits, key=lambda h: (h.start, h.order)):
        rule = rules.rules[hit.order].rule
        key = hit.entity, rule.sensitive, rule.action[side]
        at = last.get(key, -1)
        if hit.entity is not None and at >= 0 and hit.start < joined[at].end:
            before = joined[at]
            joined[at] = before._replace(order=min(before.order, hit.order), end=max(before.end, hit.end))
            continue
        last[key] = len(joined)
        joined.append(hit)
    return joined


def _union(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    union: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if union and start < union[-1][1]:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        else:
            union.append((start, end))
    return union


def scan(text: str, side: Side, rules: Rules, context: ScanContext = ScanContext()) -> tuple[Finding, ...]:  # noqa: B008
    """Findings sorted by start; spans are on `text` as given. Same arguments, same findings; work linear in `text`."""
    if not text:
        return ()
    hits = _drop_covered(_merged(_Scan(text, side, rules, context).run()), rules, side)
    hits.sort(key=lambda h: (h.start, h.end, h.order, h.entity or ""))
    return tuple(finding_of(rules, rules.rules[hit.order].rule, side, (hit.start, hit.end), hit.entity) for hit in hits)


def finding_of(rules: Rules, rule: Rule, side: Side, span: tuple[int, int], entity: Entity | None) -> Finding:
    """What a hit of this rule on this side is. The rule must look at that side."""
    guidance = rule.guidance
    return Finding(
        rule_id=rule.id,
        rule_version=rules.version,
        type=rule.type,
        action=rule.action[side],
        start=span[0],
        end=span[1],
        entity=entity,
        sensitive=rule.sensitive,
        flags=tuple(rule.flags),
        owner=rule.owner,
        reason=rule.reason,
        guidance=f"{guidance.text} {guidance.link}".strip(),
        overridable_by=rule.overridable_by,
        side=side,
    )
