"""Cases nobody sent: every topic at its most harmless, put before a policy to see what it would let go alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from app.core.assessment import Assessment
from app.core.case import Action, Case, Customer, Draft, Message, Signal, Signals, Ticket
from app.core.policy.assess import assess
from app.core.policy.facts import fold
from app.core.policy.labels import SEGMENTS
from app.core.policy.model import Policy

UNKNOWN = "something_nobody_listed"
Shape = Literal[
    "plain",
    "vip",
    "high contract value",
    "regulated",
    "privileged role",
    "active escalation",
    "irreversible",
    "bulk",
    "large amount",
]
# RI5: never without a person, whatever the topic.
SENSITIVE: tuple[Shape, ...] = ("vip", "high contract value", "regulated", "privileged role", "active escalation")
ACTIONS: tuple[Shape, ...] = ("irreversible", "bulk", "large amount")
# Any moment will do: nothing here waits.
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_CUSTOMERS: Mapping[str, Mapping[str, Any]] = {
    "vip": {"vip": True},
    "high contract value": {"contract_value": Decimal(50_000)},
    "regulated": {"regulated": True},
    "privileged role": {"privileged_roles": ("global_admin",)},
    "active escalation": {"active_escalation": True},
}


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """One case of the grid and what policy says of it. `intent` and `action` are empty where the case has none."""

    intent: str
    action: str
    segment: str
    shape: Shape
    assessment: Assessment

    @property
    def alone(self) -> bool:
        return self.assessment.required in ("auto", "notify")


def without_baseline(policy: Policy) -> Policy:
    """The same policy with baseline mode ended; for looking only, since its snapshot is the other's."""
    return replace(policy, risk=replace(policy.risk, baseline_mode=False))


def grid(policy: Policy) -> Iterator[Spot]:
    """Every intent with every action for every segment, as sure and as harmless as can be; then, of what goes alone
    or has an action, the same with one thing about it that is not harmless. Baseline mode counts as ended."""
    ended = without_baseline(policy)
    intents, actions = (*policy.risk.intents, UNKNOWN, ""), ("", *policy.risk.actions, UNKNOWN)
    segments = _segments(policy)
    for intent in intents:
        for action in actions:
            for segment in segments:
                spot = look(ended, intent, action, segment)
                yield spot
                if spot.alone:
                    yield from (look(ended, intent, action, segment, shape) for shape in SENSITIVE)
                if action and (spot.alone or intent == intents[0]):
                    yield from (look(ended, intent, action, segment, shape) for shape in ACTIONS)


def look(policy: Policy, intent: str, action: str, segment: str, shape: Shape = "plain") -> Spot:
    """What a policy says of one such case, with its baseline mode as it is."""
    case = _case(policy, intent, action, segment, shape)
    return Spot(intent=intent, action=action, segment=segment, shape=shape, assessment=assess(case, policy, {}, _NOW))


def _segments(policy: Policy) -> tuple[str, ...]:
    limits = (limit.segment for limit in policy.risk.money_limits)
    return tuple(dict.fromkeys(map(fold, (*SEGMENTS, *policy.risk.thresholds.auto.segments, *limits))))


def _case(policy: Policy, intent: str, action: str, segment: str, shape: Shape) -> Case:
    languages = policy.roles[policy.risk.routes.default["low"]].languages
    return Case(
        id="c_grid",
        ticket=Ticket(id="grid"),
        customer=Customer(id="grid", segment=segment, **_CUSTOMERS.get(shape, {})),
        messages=(Message(author="customer", text="Hello."),),
        drafts=(Draft(version=1, author="ai", text="Hello.", confidence=1.0),),
        signals=Signals(
            intent=Signal(label=intent, confidence=1.0) if intent else None,
            sentiment=Signal(label="positive", confidence=1.0),
            language=Signal(label=languages[0] if languages else "en", confidence=1.0),
        ),
        action=_action(policy, action, segment, shape) if action else None,
        created_at=_NOW,
        policy_snapshot=policy.snapshot,
    )


def _action(policy: Policy, kind: str, segment: str, shape: Shape) -> Action:
    topic = policy.risk.actions.get(kind)
    large = shape == "large amount"
    amount = Decimal(1_000_000 if large else 1) if large or (topic is not None and topic.money) else None
    limits = [limit for limit in policy.risk.money_limits if fold(limit.segment) == segment]
    currency = limits[0].above[0].currency if limits else ""
    return Action(
        type=kind,
        amount=amount,
        currency=currency if amount is not None else "",
        irreversible=shape == "irreversible",
        transaction_verified=True,
        scope="bulk" if shape == "bulk" else "single",
    )
