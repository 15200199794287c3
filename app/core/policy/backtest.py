"""What a changed policy would have made of cases that came in: case by case and in sum. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
from msgspec.structs import asdict, replace

from app.core.assessment import TIERS, Assessment
from app.core.case import Case
from app.core.guards import Rules
from app.core.policy.assess import assess
from app.core.policy.model import Policy
from app.core.policy.verdict import REQUIRED
from app.core.scanning import scan_draft, scan_messages
from app.core.stages import needed

Field = Literal["tier", "ai_mode", "required", "route", "stages"]
FIELDS: tuple[Field, ...] = ("tier", "ai_mode", "required", "route", "stages")
ALONE = ("auto", "notify")


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """What one policy makes of a case. `route` is a channel without #; each stage reads `2 of a, b`."""

    tier: str
    ai_mode: str
    required: str
    route: str
    stages: tuple[str, ...]

    @property
    def alone(self) -> bool:
        return self.required in ALONE


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A case that would come out differently. `rules` make the difference: `+id` fires now, `-id` no longer,
    `id` asks for something else; empty where only tables such as routes or stages differ."""

    case_id: str
    ticket_id: str
    fields: tuple[Field, ...]
    before: Stand
    after: Stand
    rules: tuple[str, ...]

    @property
    def goes_alone(self) -> bool:
        return self.after.alone and not self.before.alone

    def __str__(self) -> str:
        moved = ", ".join(f"{name} {_spell(self.before, name)} → {_spell(self.after, name)}" for name in self.fields)
        why = f" ({', '.join(self.rules)})" if self.rules else ""
        return f"{self.case_id} (ticket {self.ticket_id}): {moved}{why}"


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs are (before, after). `load` counts the cases that people of a channel would be asked about."""

    cases: int
    changed: int
    by_change: Mapping[str, int]  # `tier low → medium` and the like, the most frequent first
    load: Mapping[str, tuple[int, int]]
    automatic: tuple[int, int]
    newly_automatic: int
    stricter: int  # a higher tier, more asked of people, or more steps
    looser: int  # the contrary; a case may count in both
    by_rule: Mapping[str, int]  # how many changes each rule has a part in

    def share_automatic(self) -> tuple[float, float]:
        before, after = self.automatic
        return (before / self.cases, after / self.cases) if self.cases else (0.0, 0.0)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`changes` holds the first of them only; `total` counts all."""

    changes: tuple[Change, ...]
    total: Sum


def backtest(cases: Iterable[Case], old: Policy, new: Policy, *, keep: int = 200) -> Result:
    """Both policies over each case as it came in, with the signals and history it has stored.

    Texts are scanned again with each policy's guardrails. Takes cases one by one and keeps `keep` changes at most;
    those that would newly go without a person come first.
    """
    counting = _Counting()
    alone: list[Change] = []
    others: list[Change] = []
    judge = _Judge(old, new)
    for case in cases:
        before, after = judge.assessments(as_received(case))
        found = judge.change(case, before, after)
        counting.add(stand_of(before), stand_of(after), found)
        kept = alone if found is not None and found.goes_alone else others
        if found is not None and len(kept) < keep:
            kept.append(found)
    return Result(changes=tuple([*alone, *others][:keep]), total=counting.sum())


def as_received(case: Case) -> Case:
    """The case with the draft it came with (the first, where that one came from outside) and nothing decided yet."""
    first = case.drafts[:1]
    drafts = first if first and not first[0].author_id else ()
    action = case.action
    if action is not None and action.reference:
        # Verified by a later report, which is where a reference comes from.
        action = replace(action, transaction_verified=False, reference="")
    return replace(case, state="received", drafts=drafts, action=action, assessment=None, findings=())


def stand_of(assessment: Assessment) -> Stand:
    stages = (f"{needed(s)} of {', '.join(s.roles)}" if len(s.roles) > 1 else s.roles[0] for s in assessment.stages)
    return Stand(
        tier=assessment.tier,
        ai_mode=assessment.ai_mode,
        required=assessment.required,
        route=assessment.route.channel,
        stages=tuple(stages),
    )


class _Judge:
    def __init__(self, old: Policy, new: Policy) -> None:
        self._old, self._new = old, new
        self._asks = _asks(old), _asks(new)

    def assessments(self, case: Case) -> tuple[Assessment, Assessment]:
        before = _scanned(case, self._old.rules)
        same = self._old.rules.version == self._new.rules.version
        after = before if same else _scanned(case, self._new.rules)
        history = asdict(case.history)
        return (
            assess(before, self._old, history, case.created_at),
            assess(after, self._new, history, case.created_at),
        )

    def change(self, case: Case, before: Assessment, after: Assessment) -> Change | None:
        was, now = stand_of(before), stand_of(after)
        fields = tuple(name for name in FIELDS if getattr(was, name) != getattr(now, name))
        if not fields:
            return None
        return Change(
            case_id=case.id,
            ticket_id=case.ticket.id,
            fields=fields,
            before=was,
            after=now,
            rules=self._rules(before, after),
        )

    def _rules(self, before: Assessment, after: Assessment) -> tuple[str, ...]:
        had, have = [r.rule_id for r in before.reasons], [r.rule_id for r in after.reasons]
        old, new = self._asks
        changed = [i for i in have if i in had and old.get(i) != new.get(i)]
        return (*(f"+{i}" for i in have if i not in had), *(f"-{i}" for i in had if i not in have), *changed)


class _Counting:
    def __init__(self) -> None:
        self._cases = self._changed = self._newly = self._stricter = self._looser = 0
        self._by_change: Counter[str] = Counter()
        self._by_rule: Counter[str] = Counter()
        self._load: tuple[Counter[str], Counter[str]] = Counter(), Counter()
        self._automatic = [0, 0]

    def add(self, before: Stand, after: Stand, change: Change | None) -> None:
        self._cases += 1
        for side, stand in enumerate((before, after)):
            self._automatic[side] += stand.alone
            if not stand.alone:
                self._load[side][stand.route] += 1
        if change is None:
            return
        self._changed += 1
        self._newly += change.goes_alone
        steps = [now - was for was, now in zip(_strictness(before), _strictness(after), strict=True)]
        self._stricter += any(step > 0 for step in steps)
        self._looser += any(step < 0 for step in steps)
        self._by_rule.update(change.rules)
        self._by_change.update(f"{n} {_spell(before, n)} → {_spell(after, n)}" for n in change.fields)

    def sum(self) -> Sum:
        before, after = self._load
        return Sum(
            cases=self._cases,
            changed=self._changed,
            by_change=dict(self._by_change.most_common()),
            load={channel: (before[channel], after[channel]) for channel in sorted({*before, *after})},
            automatic=(self._automatic[0], self._automatic[1]),
            newly_automatic=self._newly,
            stricter=self._stricter,
            looser=self._looser,
            by_rule=dict(self._by_rule.most_common()),
        )


def _scanned(case: Case, rules: Rules) -> Case:
    findings = scan_messages(case, rules)
    if case.draft:
        findings += scan_draft(case, case.draft, rules)
    return replace(case, findings=findings)


def _asks(policy: Policy) -> Mapping[str, object]:
    """What each reason asks for, by its id."""
    rules = (*policy.risk_rules, *policy.handling, *policy.escalation)
    found: dict[str, object] = {compiled.rule.id: compiled.rule.raises for compiled in rules}
    for prefix, topics in (("intent", policy.risk.intents), ("action", policy.risk.actions)):
        found |= {f"{prefix}_{name}": topic for name, topic in topics.items()}
    return found


def _strictness(stand: Stand) -> tuple[int, int, int]:
    return TIERS.index(stand.tier), REQUIRED.index(stand.required), len(stand.stages)


def _spell(stand: Stand, name: Field) -> str:
    value = getattr(stand, name)
    if name == "route":
        return f"#{value}"
    return (" + ".join(value) or "nobody") if isinstance(value, tuple) else str(value)
