"""An assessment in words: what policy says of a case, who has to do what by when, and why (RI7)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import asdict, replace

from app.core.assessment import Assessment, Reason, Rung, Stage
from app.core.case import Case, Signal
from app.core.folding import foldable
from app.core.policy.assess import assess
from app.core.policy.facts import fold
from app.core.policy.grid import without_baseline
from app.core.policy.model import Policy
from app.core.policy.remarks import listed
from app.core.policy.riskfile import Raises, Topic

ALONE = ("auto", "notify")
_BANDS = {
    "high": "we are sure what the customer wants and how they feel",
    "medium": "we are fairly sure what the customer wants and how they feel",
    "low": "we are not sure what the customer wants",
}
_AI = {
    "draft_reply": "AI may draft the reply.",
    "macro_suggest": "AI may suggest an approved template.",
    "summarize_only": "AI may summarise and extract; it writes nothing that can be sent.",
}
_ASKED = {
    "auto": "Nobody: it goes by itself.",
    "notify": "Nobody: it goes, and the channel is told.",
    "approve": "A person approves the reply.",
    "edit": "A person edits the reply and approves it.",
    "write": "A person writes the reply.",
    "sign_off": "A person writes or approves the reply, and a second one signs it off.",
}
_PERSON = {
    "approve": "a person",
    "edit": "a person who edits",
    "write": "a person who writes",
    "sign_off": "two people",
}


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """One reason. `asks` is what it raises, in words; `needs_person` when it alone keeps the case from going."""

    rule_id: str
    text: str
    facts: dict[str, str]
    guidance: str
    link: str
    asks: tuple[str, ...]
    needs_person: bool


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """All sentences are for people and hold nothing a customer wrote; channels are without #."""

    case_id: str
    snapshot: str
    tier: str
    band: str
    ai_mode: str
    required: str
    channel: str
    role: str
    also: tuple[str, ...]
    signals: tuple[str, ...]
    summary: tuple[str, ...]
    steps: tuple[str, ...]
    ladder: tuple[str, ...]
    reasons: tuple[Why, ...]
    not_alone: tuple[str, ...]  # empty where it goes by itself
    guardrails: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        yield from self.summary
        yield from _block("What we took from the message", self.signals)
        yield from _block("Who decides, in this order, another person each", self.steps)
        yield from _block("While nobody answers", self.ladder)
        yield from _block("What guardrails found", self.guardrails)
        yield from _block("Why", (line for why in self.reasons for line in _why(why)))
        yield from _block("Why it does not go by itself", self.not_alone)


def explain(case: Case, policy: Policy) -> Explanation:
    """Explains the assessment a case has. `policy` is the one of its snapshot; raises ValueError without one."""
    says = case.assessed
    reasons = tuple(_reason(reason, policy) for reason in says.reasons)
    return Explanation(
        case_id=case.id,
        snapshot=policy.snapshot,
        tier=says.tier,
        band=says.band,
        ai_mode=says.ai_mode,
        required=says.required,
        channel=says.route.channel,
        role=says.route.role,
        also=tuple(route.channel for route in says.also),
        signals=tuple(_signals(case)),
        summary=tuple(_summary(case, policy)),
        steps=tuple(_step(n, stage, policy) for n, stage in enumerate(says.stages, start=1)),
        ladder=tuple(_ladder(says, policy)) if says.required not in ALONE else (),
        reasons=reasons,
        not_alone=tuple(_not_alone(case, policy, reasons)) if says.required not in ALONE else (),
        guardrails=tuple(_guardrails(case)),
    )


def _summary(case: Case, policy: Policy) -> Iterator[str]:
    says = case.assessed
    yield f"{says.tier.capitalize()} risk; {_BANDS[says.band]}."
    yield _AI[says.ai_mode] + (" The draft that came with it is withheld." if case.withheld else "")
    yield _ASKED[says.required]
    if says.must_edit:
        yield "The text has to be changed before it can be approved."
    if says.checklist:
        yield f"Ticked before: {'; '.join(says.checklist)}."
    if says.required == "auto":
        return
    where = f"It goes to #{says.route.channel} ({policy.roles[says.route.role].title})"
    also = "".join(f", and to #{route.channel} to write the reply" for route in says.also)
    yield f"{where}{also}."
    if policy.digest_from and foldable(case):
        burst = f"{policy.digest_from} low-risk cases there within {_span(policy.digest_within.total_seconds())}"
        yield f"In a burst ({burst}) it is a line in a digest until somebody opens it."


def _signals(case: Case) -> Iterator[str]:
    counts = replace(case.signals, intent=case.intent)
    for of, signals in (("", counts), (" (second opinion)", case.second_opinion)):
        for name in ("intent", "sentiment", "language"):
            signal: Signal | None = getattr(signals, name)
            if signal is not None:
                by = f"confidence {signal.confidence:.2f}, by {signal.source}"
                how = "as a person says" if signal.source == "person" else by
                yield f"{name}{of}: {signal.label[:80]}, {how}"
            elif not of:
                yield f"{name}: nobody could tell"


def _step(number: int, stage: Stage, policy: Policy) -> str:
    who = [_who(role, policy) for role in stage.roles]
    match stage.mode:
        case "each" | "all_of":
            people = " and ".join(f"one of {name}" for name in who)
        case "quorum":
            people = f"{stage.quorum} of {' or '.join(who)}"
        case "any_of":
            people = f"one of {' or '.join(who)}"
    return f"{number}. {stage.label or stage.id}: {people}"


def _who(role: str, policy: Policy) -> str:
    spec = policy.roles.get(role)
    if spec is None:
        return role
    return f"{spec.title} (@{spec.group})" if spec.group else f"{spec.title} ({role})"


def _ladder(says: Assessment, policy: Policy) -> Iterator[str]:
    for rung in says.rungs:
        if rung.after < says.expire_after:
            hours = " of business hours" if rung.open_hours else ""
            yield f"after {_span(rung.after)}{hours}: {_rung(rung, policy)}"
    holding = ", with the holding message" if says.holding_allowed else ""
    yield f"after {_span(says.expire_after)}: it expires; the draft is not sent{holding}"


def _rung(rung: Rung, policy: Policy) -> str:
    by = ", also by direct message" if rung.direct_message else ""
    match rung.do:
        case "remind":
            return f"whoever can decide is reminded{by}"
        case "escalate":
            return f"{_who(rung.role, policy)} may decide too{by}"
        case "status":
            return f"{_who(rung.role, policy)} is told{by}"
        case "holding":
            return "the customer gets the holding message, once"


def _reason(reason: Reason, policy: Policy) -> Why:
    raises, topic = _asked_by(reason.rule_id, policy)
    asks: list[str] = []
    # What no table names is built in, and each of these asks for a person.
    needs = reason.rule_id != "auto" and raises is None and topic is None
    if raises is not None:
        needs = raises.person is not None or "could not be evaluated" in reason.text
        asks += [f"{raises.tier} tier"] if raises.tier else []
        asks += ["AI summarises only"] if raises.ai_mode == "summarize_only" else []
        asks += [_PERSON[raises.person]] if raises.person else []
        asks += [f"goes to {raises.route}"] if raises.route else []
        asks += [f"{raises.ladder} ladder"] if raises.ladder else []
    elif topic is not None:
        needs = topic.always_human or topic.action_class == "approve"
        asks += [f"{topic.tier} tier"]
        asks += ["always a person"] if topic.always_human else ["a person"] if needs else []
        asks += [f"goes to {topic.route}"] if topic.route else []
    elif needs:
        asks.append("a person")
    return Why(
        rule_id=reason.rule_id,
        text=reason.text,
        facts=reason.facts,
        guidance=reason.guidance,
        link=reason.link,
        asks=tuple(asks),
        needs_person=needs,
    )


def _asked_by(rule_id: str, policy: Policy) -> tuple[Raises | None, Topic | None]:
    for compiled in (*policy.risk_rules, *policy.handling, *policy.escalation):
        if compiled.rule.id == rule_id:
            return compiled.rule.raises, None
    table, _, name = rule_id.partition("_")
    topics = {"intent": policy.risk.intents, "action": policy.risk.actions}.get(table, {})
    return None, topics.get(fold(name))


def _not_alone(case: Case, policy: Policy, reasons: tuple[Why, ...]) -> Iterator[str]:
    if known := [why.rule_id for why in reasons if why.needs_person]:
        yield f"{'Each of these asks' if len(known) > 1 else 'This asks'} for a person: {listed(known, most=40)}."
    if case.draft is None or not case.draft.text.strip():
        yield "There is no draft to send."
    elif case.withheld:
        yield "The draft is withheld, so a person has to write."
    if not policy.baseline:
        return
    later = assess(case, without_baseline(policy), asdict(case.history), case.created_at)
    if later.required in ALONE:
        yield "Without baseline mode it would go by itself."
    else:
        said = {why.rule_id for why in reasons}
        more = [reason.text for reason in later.reasons if reason.rule_id not in said]
        yield f"It would not go by itself after baseline mode either{': ' if more else '.'}{' '.join(more)}"


def _guardrails(case: Case) -> Iterator[str]:
    where = {"input": "in the customer's words", "output": "in the reply"}
    for finding in dict.fromkeys((f.rule_id, f.type, f.action, f.side, f.reason) for f in case.findings):
        rule_id, type_, action, side, reason = finding
        yield f"{rule_id} ({type_}), {action}, {where[side]}: {reason}"
    if case.blocking:
        yield "The draft is blocked as it is: nobody can approve it unchanged."


def _why(why: Why) -> Iterator[str]:
    yield f"{why.rule_id}: {why.text}" + (f" Asks for: {', '.join(why.asks)}." if why.asks else "")
    if why.facts:
        yield "    " + ", ".join(f"{name} = {value}" for name, value in why.facts.items())
    if why.guidance:
        yield f"    {why.guidance}"
    if why.link:
        yield f"    {why.link}"


def _block(title: str, lines: Iterator[str] | tuple[str, ...]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield ""
        yield f"{title}:"
        yield from (f"  {line}" for line in found)


def _span(seconds: float) -> str:
    """`15 min`, `2 h`, `1 day`, as ladders are written."""
    for unit, length in (("day", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length or (seconds >= length and unit != "day"):
            count = f"{seconds / length:.1f}".removesuffix(".0")
            return f"{count} {unit}{'s' if unit == 'day' else ''}"
    return f"{seconds:.0f} s"
