"""The labels a condition may compare a fact with, by this policy's own tables and guardrails, and those it misspelt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

import msgspec

from app.core.assessment import BANDS, TIERS
from app.core.case import Channel
from app.core.findings import ACTION_ORDER, Entity, Side
from app.core.guards import Rules
from app.core.policy.facts import fold
from app.core.policy.model import Policy
from app.core.policy.verdict import REQUIRED

SEGMENTS = ("small", "standard", "enterprise")
# Callers may send a label that stands in no table; of the others there are no more than these.
OPEN = frozenset({"signals.intent", "action.type", "customer.segment"})
# Never empty, whatever is missing in a case.
GIVEN = frozenset({"case.channel", "case.tier", "case.band", "case.route", "case.required"})
_SOURCES: Mapping[Side, tuple[str, ...]] = {
    "input": ("message:0",),
    "output": ("draft:1", "summary", "internal_note", "macro:0", "question:0"),
}
_TEXT = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_FACT = r"(?<![\w.])([A-Za-z_]\w*)\s*\.\s*([a-z_0-9]+)"
_USES = (
    re.compile(rf"{_FACT}\s*(?:==|!=)\s*(?P<text>{_TEXT})"),
    re.compile(rf"(?P<text>{_TEXT})\s*(?:==|!=)\s*{_FACT}"),
    re.compile(rf"(?P<text>{_TEXT})\s+in\s+{_FACT}"),
    re.compile(rf"{_FACT}\s+in\s+\[(?P<text>[^\]]*)\]"),
)
_WORD = re.compile(_TEXT)
_LOOP = re.compile(r"\bfindings\s*\.\s*\w+\s*\(\s*([A-Za-z_]\w*)\s*,")


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """`known` by fact (`findings.type` for what a finding has); `findings` is one of each kind the guardrails give."""

    known: Mapping[str, frozenset[str]]
    findings: tuple[dict[str, Any], ...]
    money: Mapping[str, bool]  # action types, and whether they move money
    high_intent: float  # of the bands
    low_intent: float


def labels_of(policy: Policy) -> Labels:
    risk = policy.risk
    findings = tuple(_findings(policy.rules))
    segments = {*SEGMENTS, *risk.thresholds.auto.segments, *(limit.segment for limit in risk.money_limits)}
    known: dict[str, Iterable[str]] = {
        "signals.intent": risk.intents,
        "signals.sentiment": ("positive", "neutral", "negative"),
        "action.type": risk.actions,
        "customer.segment": map(fold, segments),
        "case.channel": get_args(Channel),
        "case.tier": TIERS,
        "case.band": BANDS,
        "case.route": policy.roles,
        "case.required": REQUIRED,
        "draft.author": ("ai", "human"),
        "case.flags": _flags(findings, "input"),
        "draft.flags": _flags(findings, "output"),
        "findings.action": ACTION_ORDER,
        "findings.side": get_args(Side),
        "findings.entity": get_args(Entity),
        "findings.flags": {flag for found in findings for flag in found["flags"]},
    }
    for field in ("rule_id", "type", "owner"):
        known[f"findings.{field}"] = {found[field] for found in findings}
    return Labels(
        known={fact: frozenset(labels) for fact, labels in known.items()},
        findings=findings,
        money={name: topic.money for name, topic in risk.actions.items()},
        high_intent=risk.thresholds.band.high.intent,
        low_intent=risk.thresholds.band.low.intent,
    )


def misspelt(source: str, labels: Labels) -> tuple[tuple[str, str], ...]:
    """(fact, label) of each label that the fact never has."""
    loops = set(_LOOP.findall(source))
    found: dict[tuple[str, str], None] = {}
    for pattern in _USES:
        for match in pattern.finditer(source):
            root, field = match.group(1, 2) if match.re.groupindex["text"] > 1 else match.group(2, 3)
            fact = f"{'findings' if root in loops else root}.{field}"
            known = labels.known.get(fact)
            words = [text[1:-1] for text in _WORD.findall(match["text"])]
            found |= {(fact, word): None for word in words if known is not None and word and word not in known}
    return tuple(found)


def _findings(rules: Rules) -> Iterator[dict[str, Any]]:
    for compiled in rules.rules:
        rule = compiled.rule
        for side in ("input", "output"):
            action = rule.action.get(side)
            for entity in {rule.entity or "", *rule.match.facts.values()} if action else ():
                for source in _SOURCES["input" if side == "input" else "output"]:
                    yield {
                        "rule_id": rule.id,
                        "type": rule.type,
                        "action": action,
                        "entity": entity,
                        "sensitive": rule.sensitive,
                        "flags": list(rule.flags),
                        "side": side,
                        "source": source,
                        "owner": rule.owner,
                    }


def _flags(findings: Iterable[Mapping[str, Any]], side: Side) -> set[str]:
    flags: set[str] = set()
    for found in findings:
        if found["side"] == side:
            flags |= {found["type"], *found["flags"]}
            flags |= {"sensitive_pii"} if found["type"] == "pii" and found["sensitive"] else set()
            flags |= {"blocked"} if side == "output" and found["action"] == "blocked" else set()
    return flags
