"""Reviewing conditions: rules that can never fire, labels that no case has, rules that add nothing to another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, get_args

from app.core.assessment import AI_MODES, TIERS
from app.core.findings import FindingType
from app.core.guards.document import Flag
from app.core.policy.conditions import sample_facts, scope_of
from app.core.policy.labels import Labels, labels_of, misspelt
from app.core.policy.model import CompiledRule, Policy
from app.core.policy.reach import Sketch, examples, implies, never, sketch
from app.core.policy.remarks import Remark
from app.core.policy.riskfile import Raises, Step
from app.core.policy.verdict import LADDERS, REQUIRED
from app.core.shape import did_you_mean

FILE = "risk.yaml"
_FLAGS = frozenset({*get_args(FindingType), *get_args(Flag), "sensitive_pii", "blocked"})
_TABLES = {
    "signals.intent": "intents lists no {word}; a caller may send it, but then it counts as unknown",
    "action.type": "actions lists no {word}; a caller may send it, but then it counts as unknown and high",
    "customer.segment": "no segment is called {word}",
    "case.flags": "no guardrail rule finds {word} in customers' messages",
    "draft.flags": "no guardrail rule finds {word} in replies",
}
# A rule may hold under many facts; these many are looked at.
_EXAMPLES = 200


class _Rule(NamedTuple):
    section: str
    place: int
    compiled: CompiledRule
    sketch: Sketch | None

    @property
    def key(self) -> str:
        return f"{self.section}[{self.place}]"

    @property
    def id(self) -> str:
        return self.compiled.rule.id

    @property
    def raises(self) -> Raises:
        return self.compiled.rule.raises


def review_rules(policy: Policy) -> Iterator[Remark]:
    labels = labels_of(policy)
    for section, rules in (
        ("rules", policy.risk_rules),
        ("handling", policy.handling),
        ("escalation", policy.escalation),
    ):
        known = [_Rule(section, i, c, sketch(c.rule.when, labels)) for i, c in enumerate(rules)]
        for rule in known:
            what = f"the rule {rule.id}"
            yield from _condition(f"{rule.key}.when", what, rule.compiled.rule.when, rule.sketch, labels)
            yield from _adds_nothing(rule, known, labels)
            if rule.raises.person == "sign_off" and rule.sketch is not None:
                yield from _one_signature(rule, policy, labels)
    others = {f"stages[{i}].when": step.condition.source for i, step in enumerate(policy.steps)}
    others |= {f"helpers[{i}].when": helper.condition.source for i, helper in enumerate(policy.helpers)}
    for key, when in others.items():
        yield from _condition(key, "this entry", when, sketch(when, labels), labels)


def _condition(key: str, what: str, source: str, one: Sketch | None, labels: Labels) -> Iterator[Remark]:
    dead = one is not None and never(one, labels)
    for fact, word in misspelt(source, labels):
        hint = did_you_mean(word, labels.known[fact])
        # A flag that exists but that nothing raises today is no mistake of the rule's.
        idle = fact.endswith(".flags") and word in _FLAGS and not hint and not dead
        text = _TABLES.get(fact, "{fact} is never {word}").format(fact=fact, word=f"“{word}”")
        yield Remark(level="info" if idle else "warning", file=FILE, key=key, message=_sentence(text), hint=hint)
    if dead:
        text = f"{what} can never fire: no case makes its condition true"
        yield Remark(level="warning", file=FILE, key=key, message=_sentence(text), hint="correct it or remove it")


def _adds_nothing(rule: _Rule, others: Sequence[_Rule], labels: Labels) -> Iterator[Remark]:
    if rule.raises == Raises():
        yield Remark(
            level="info",
            file=FILE,
            key=f"{rule.key}.raises",
            message=f"The rule {rule.id} asks for nothing; it only adds its reason.",
        )
        return
    for other in others:
        same = _within(other.raises, rule.raises)
        if other is rule or not _within(rule.raises, other.raises) or (same and other.place > rule.place):
            continue
        if rule.sketch is None or other.sketch is None or not _related(rule.sketch, other.sketch):
            continue
        if implies(rule.sketch, other.sketch, labels) and not never(rule.sketch, labels):
            text = (
                f"The rule {rule.id} adds nothing but its reason:"
                f" {other.id} fires whenever it does, and asks for as much."
            )
            yield Remark(level="info", file=FILE, key=rule.key, message=text)
            return


def _related(one: Sketch, other: Sketch) -> bool:
    """Whether they read anything in common; else one can follow from the other only by holding always."""
    return bool((one.facts | one.guesses.keys()) & (other.facts | other.guesses.keys()))


def _within(less: Raises, more: Raises) -> bool:
    """Whether `more` asks for at least all that `less` asks for."""

    def up_to(order: Sequence[Any], one: str | None, other: str | None) -> bool:
        return one is None or (other is not None and order.index(one) <= order.index(other))

    return (
        up_to(TIERS, less.tier, more.tier)
        and up_to(AI_MODES, less.ai_mode, more.ai_mode)
        # "edit" asks for a changed text, which a stricter level does not.
        and (less.person == more.person or (less.person != "edit" and up_to(REQUIRED, less.person, more.person)))
        and up_to(LADDERS, less.ladder, more.ladder)
        and less.checklist <= more.checklist
        and less.confirm <= more.confirm
        and less.route in (None, more.route)
        and less.escalate in (None, more.escalate)
    )


def _one_signature(rule: _Rule, policy: Policy, labels: Labels) -> Iterator[Remark]:
    """`person: sign_off` promises two people; the stages have to ask for them."""
    for found in islice(examples(rule.sketch, labels), _EXAMPLES) if rule.sketch else ():
        tier = found.get("case", {}).get("tier") or rule.raises.tier
        for each in (tier,) if tier else TIERS:
            route = found.get("case", {}).get("route") or rule.raises.route or policy.risk.routes.default[each]
            facts = sample_facts()
            for root, fields in found.items():
                facts.setdefault(root, {}).update(fields)
            facts["case"] |= {"tier": each, "band": "high", "route": route, "required": "sign_off"}
            scope = scope_of(facts)
            steps = [c.step for c in policy.steps if c.condition.holds(scope) is not False]
            if sum(map(_signatures, steps)) < 2:
                text = f"The rule {rule.id} asks for two people, but for a case of {each} tier the stages ask only one."
                hint = "add a second stage for these cases"
                yield Remark(level="warning", file=FILE, key=f"{rule.key}.raises.person", message=text, hint=hint)
                return


def _signatures(step: Step) -> int:
    """How many people one step asks for."""
    return step.quorum or len(step.each) or len(step.all_of) or 1


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
