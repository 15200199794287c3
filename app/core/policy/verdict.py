"""Collecting what every rule asks for: the strictest wins, nothing is ever lowered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from app.core.assessment import AI_MODES, TIERS, AiMode, Reason, Tier, TriggerType
from app.core.policy import riskfile
from app.core.policy.conditions import WRITTEN, fill, scope_of, spell
from app.core.policy.model import CompiledRule

Required = Literal["auto", "notify", "approve", "edit", "write", "sign_off"]
# Each asks for at least what the one before asks for.
REQUIRED: tuple[Required, ...] = ("auto", "notify", "approve", "edit", "write", "sign_off")
LADDERS: tuple[riskfile.LadderName, ...] = ("internal", "standard", "urgent")
_T = TypeVar("_T", bound=str)


class Escalates(msgspec.Struct, frozen=True):
    role: str
    trigger: TriggerType
    text: str


class Tally:
    """What has been asked for so far. Only `assess` makes one, and only while it runs."""

    def __init__(self) -> None:
        self.tier: Tier = "low"
        self.ai_mode: AiMode = "draft_reply"
        self.required: Required = "auto"
        self.ladder: riskfile.LadderName = "standard"
        self.asked: set[str] = set()  # every level of `person` that a rule asked for
        self.routes: list[str] = []
        self.escalates: list[Escalates] = []
        self.checklist = False
        self.confirm = False
        self._reasons: dict[str, tuple[int, Reason]] = {}

    def raise_to(
        self,
        reason: Reason | None,
        *,
        tier: Tier = "low",
        ai_mode: AiMode = "draft_reply",
        required: Required = "auto",
    ) -> None:
        self.tier = strictest(TIERS, self.tier, tier)
        self.ai_mode = strictest(AI_MODES, self.ai_mode, ai_mode)
        self.required = strictest(REQUIRED, self.required, required)
        self.asked.add(required)
        if reason is not None:
            weight = 2 * TIERS.index(tier) + (ai_mode == "summarize_only")
            self._reasons.setdefault(reason.rule_id, (weight, reason))

    def apply(self, rules: Sequence[CompiledRule], facts: Mapping[str, Any]) -> None:
        """Add what each rule that holds asks for; one that cannot be evaluated counts as holding."""
        scope = scope_of(facts)
        for compiled in rules:
            holds = compiled.condition.holds(scope)
            if holds is not False:
                self._fire(compiled, facts, broken=holds is None)

    def route_of(self, routes: riskfile.Routes) -> str:
        """The first role by precedence that a rule named, else the tier's own."""
        named = set(self.routes)
        return next((role for role in routes.precedence if role in named), routes.default[self.tier])

    def reasons(self) -> tuple[Reason, ...]:
        """The gravest first, else in the order of the file."""
        ranked = sorted(self._reasons.values(), key=lambda item: -item[0])
        return tuple(reason for _, reason in ranked)

    def escalation(self, route: str) -> Escalates | None:
        """The one that led to the route, else the first."""
        return next((e for e in self.escalates if e.role == route), self.escalates[0] if self.escalates else None)

    def _fire(self, compiled: CompiledRule, facts: Mapping[str, Any], *, broken: bool) -> None:
        rule, raises = compiled.rule, compiled.rule.raises
        text = fill(rule.reason, facts)
        if broken:
            text = f"The rule {rule.id} could not be evaluated, so it counts: {text}"
        reason = Reason(
            rule_id=rule.id,
            text=text,
            facts={path: spell(facts, path) for path in compiled.condition.reads if path not in WRITTEN},
            guidance=rule.guidance,
            link=rule.link,
        )
        required = raises.person or ("approve" if broken else "auto")
        self.raise_to(reason, tier=raises.tier or "low", ai_mode=raises.ai_mode or "draft_reply", required=required)
        self.checklist |= raises.checklist
        self.confirm |= raises.confirm
        self.ladder = strictest(LADDERS, self.ladder, raises.ladder or "internal")
        if raises.route:
            self.routes.append(raises.route)
        if raises.escalate:
            self.escalates.append(Escalates(raises.route or "", raises.escalate, text))


def strictest(order: Sequence[_T], *values: _T) -> _T:
    return max(values, key=order.index)
