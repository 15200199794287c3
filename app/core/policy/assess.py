"""What policy says of a case: tier, band, what AI may do, who decides, when it escalates, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from app.core.assessment import BANDS, Assessment, Band, PersonSays, Reason, Route, TriggerType
from app.core.case import Case, Signals
from app.core.policy.conditions import scope_of
from app.core.policy.documents import duration
from app.core.policy.facts import facts_of, fold
from app.core.policy.model import Policy
from app.core.policy.money import money_objection, small_refund_exempt
from app.core.policy.riskfile import Bands, Topic
from app.core.policy.steps import expires_after, helper_routes, rungs_of, stages_of
from app.core.policy.verdict import Escalates, Required, Tally

_TRIGGERS: Mapping[str, TriggerType] = {"caller": "rule", "builtin": "guidance", "llm": "guidance", "person": "manual"}


def assess(case: Case, policy: Policy, history_facts: Mapping[str, object], now: datetime) -> Assessment:
    """Assess a case whose findings, signals, drafts and action are filled in.

    `history_facts` may hold contacts_7d, unresolved_7d, rejected_drafts, sentiment_falling, repeated_intent.
    """
    views = [
        View(
            view,
            facts_of(
                view,
                history=history_facts,
                intents=policy.risk.intents,
                money_types={name: topic.money for name, topic in policy.risk.actions.items()},
                templates=[template.id for template in policy.templates],
                notes_only=policy.risk.notes_only,
            ),
        )
        for view in _readings(case)
    ]
    band = max((band_of(view.case, policy.risk.thresholds.band) for view in views), key=BANDS.index)
    tally = _first_pass(views, policy)
    route = tally.route_of(policy.risk.routes)
    if unread := [view for view in views if not _speaks(policy, route, view.facts)]:
        for view in unread:
            view.facts["signals"]["language_spoken"] = False
        tally = _first_pass(views, policy)
    for view in views:
        view.facts["case"] |= {"tier": tally.tier, "band": band, "route": "", "required": ""}
    for rules in (policy.handling, policy.escalation):
        for view in views:
            tally.apply(rules, view.facts)
    _people(case, policy, tally)
    return _assessment(case, policy, tally, views, band, now)


class View(NamedTuple):
    """The case as one reader understands it, and the facts policy's conditions see of it."""

    case: Case
    facts: dict[str, Any]


def _readings(case: Case) -> tuple[Case, ...]:
    """By its signals, and by a second opinion if there is one: both count, so that the second can only raise.

    What a person says the customer wants stands in the place of what either took it for.
    """
    own = replace(case.signals, intent=case.intent)
    other = case.second_opinion
    if case.said and case.said.intent:
        other = replace(other, intent=None)
    case = replace(case, signals=own)
    if other == Signals():
        return (case,)
    merged = Signals(
        intent=other.intent or own.intent,
        sentiment=other.sentiment or own.sentiment,
        language=other.language or own.language,
    )
    return (case, replace(case, signals=merged))


def band_of(case: Case, bands: Bands) -> Band:
    intent, sentiment = case.signals.intent, case.signals.sentiment
    if intent is None or not intent.label or intent.confidence < bands.low.intent:
        return "low"
    sure = sentiment is not None and sentiment.confidence >= bands.high.sentiment
    return "high" if sure and intent.confidence >= bands.high.intent else "medium"


def _first_pass(views: Sequence[View], policy: Policy) -> Tally:
    """The tables of intents and actions, money, and the rules."""
    tally = Tally()
    exempt = all(small_refund_exempt(view.case, policy.risk) for view in views)
    for view in views:
        _intent(view.case, policy, tally, exempt)
        _action(view.case, policy, tally, exempt)
        if objection := money_objection(view.case, policy.risk):
            tally.raise_to(objection, required="approve")
        tally.apply([rule for rule in policy.risk_rules if not (exempt and rule.rule.small_refund)], view.facts)
    if said := views[0].case.said:
        tally.raise_to(_persons_word(said), tier=said.tier or "low", required="approve")
    return tally


def _persons_word(said: PersonSays) -> Reason:
    """Whatever they say: what a person was in doubt about does not go without one."""
    text = f"A person says that the risk is {said.tier}." if said.tier else "A person reassessed this case."
    return Reason(rule_id="reassessed", text=text, facts={"person.tier": said.tier} if said.tier else {})


def _intent(case: Case, policy: Policy, tally: Tally, exempt: bool) -> None:
    signal = case.signals.intent
    if signal is None or not signal.label:
        reason = Reason(rule_id="intent_missing", text="Nobody could tell what the customer wants.")
        tally.raise_to(reason, tier="medium", required="approve")
        return
    label, sureness = fold(signal.label), f"{signal.confidence:.2f}"
    topic = policy.risk.intents.get(label)
    if topic is None:
        text = f"“{label[:40]}” is not a topic this policy knows, so it counts as medium."
        reason = Reason(rule_id="intent_unknown", text=text, facts={"signals.intent": label[:80]})
        tally.raise_to(reason, tier="medium", required="approve")
        return
    facts = {"signals.intent": label, "signals.intent_confidence": sureness}
    trigger = _TRIGGERS[signal.source]
    how = "as a person says" if signal.source == "person" else f"confidence {sureness}"
    text = f"This is about {topic.title} ({how})."
    _topic(tally, topic, f"intent_{label}", text, facts, trigger, exempt)


def _action(case: Case, policy: Policy, tally: Tally, exempt: bool) -> None:
    action = case.action
    if action is None:
        return
    kind = fold(action.type)
    topic = policy.risk.actions.get(kind)
    facts = {"action.type": kind[:80]}
    if action.amount is not None and action.amount.is_finite():
        facts["action.amount"] = f"{action.amount:,f} {action.currency}".strip()
    if topic is None:
        text = f"“{kind[:40]}” is not an action this policy knows, so it counts as high risk."
        tally.raise_to(Reason(rule_id="action_unknown", text=text, facts=facts), tier="high", required="approve")
        return
    of = f" of {facts['action.amount']}" if "action.amount" in facts else ""
    text = f"The reply promises {topic.title}{of}."
    _topic(tally, topic, f"action_{kind}", text, facts, "rule", exempt)


def _topic(
    tally: Tally,
    topic: Topic,
    rule_id: str,
    text: str,
    facts: dict[str, str],
    trigger: TriggerType,
    exempt: bool,
) -> None:
    if exempt and topic.small_refund:
        return
    required: Required = "approve" if topic.always_human else topic.action_class
    # What asks for nothing needs no explanation.
    said = topic.tier != "low" or required != "auto" or topic.route is not None
    reason = Reason(rule_id=rule_id, text=text, facts=facts, guidance=topic.guidance, link=topic.link)
    tally.raise_to(reason if said else None, tier=topic.tier, required=required)
    if topic.route:
        tally.routes.append(topic.route)
        tally.escalates.append(Escalates(topic.route, trigger, text))


def _speaks(policy: Policy, role: str, facts: Mapping[str, Any]) -> bool:
    """OP8: the queue reads the message's language."""
    languages = policy.roles[role].languages
    said = facts["signals"]["language"]
    return not languages or said in languages or said.partition("-")[0] in languages


def _people(case: Case, policy: Policy, tally: Tally) -> None:
    """What only the draft itself can tell: whether it may go alone, and whether there is a text to decide about."""
    draft = case.draft
    has_text = draft is not None and bool(draft.text.strip())
    by_person = has_text and draft is not None and draft.author == "human"
    if tally.required in ("auto", "notify"):
        for reason in _auto_objections(case, policy):
            tally.raise_to(reason, required="approve")
    if by_person:
        # A person wrote it already: nobody has to edit or write it again.
        if tally.required in ("edit", "write"):
            tally.required = "approve"
    elif not has_text or tally.ai_mode == "summarize_only":
        tally.raise_to(None, required="write")
    if tally.required in ("auto", "notify"):
        tally.raise_to(Reason(rule_id="auto", text="Low risk, and nothing asks for a person."))


def _auto_objections(case: Case, policy: Policy) -> list[Reason]:
    auto = policy.risk.thresholds.auto
    draft = case.draft
    if policy.risk.baseline_mode:
        return [Reason(rule_id="baseline", text="Baseline mode is on: a person reviews every reply.")]
    found = []
    if fold(case.customer.segment) not in {fold(s) for s in auto.segments}:
        text = "Only standard accounts may get a reply by itself."
        found.append(Reason(rule_id="auto_segment", text=text, facts={"customer.segment": case.customer.segment[:40]}))
    if draft is None or not draft.text.strip():
        found.append(Reason(rule_id="draft_missing", text="There is no draft to send."))
    elif draft.author == "human":
        found.append(Reason(rule_id="draft_by_person", text="A person wrote this reply, so another one reviews it."))
    elif draft.confidence is None:
        found.append(Reason(rule_id="draft_confidence", text="The draft does not say how sure it is."))
    elif draft.confidence < max(auto.auto_from, auto.person_below):
        sure = f"{draft.confidence:.2f}"
        text = f"The draft is not sure enough to go by itself ({sure} of {auto.auto_from:.2f})."
        found.append(Reason(rule_id="draft_confidence", text=text, facts={"draft.confidence": sure}))
    return found


def _assessment(
    case: Case, policy: Policy, tally: Tally, views: Sequence[View], band: Band, now: datetime
) -> Assessment:
    risk = policy.risk
    role = tally.route_of(risk.routes)
    for view in views:
        view.facts["case"] |= {"tier": tally.tier, "route": role, "required": tally.required}
    scopes = [scope_of(view.facts) for view in views]
    draft = case.draft
    by_ai = draft is not None and draft.author == "ai" and bool(draft.text.strip())
    sendable = by_ai and tally.ai_mode != "summarize_only"
    stages = () if tally.required in ("auto", "notify") else stages_of(policy, role, scopes)
    escalation = tally.escalation(role)
    holding = case.ticket.channel in risk.holding.channels
    return Assessment(
        tier=tally.tier,
        band=band,
        ai_mode=tally.ai_mode,
        required=tally.required,
        reasons=tally.reasons(),
        route=Route(role=role, channel=policy.roles[role].channel),
        also=helper_routes(policy, role, scopes),
        stages=stages,
        checklist=tuple(risk.checklist) if tally.checklist else (),
        must_edit=sendable and "edit" in tally.asked,
        confirm=tally.confirm,
        ladder=tally.ladder,
        rungs=rungs_of(policy, tally.ladder, role, case, now, holding=holding),
        expire_after=expires_after(policy, case, now),
        send_delay=0 if tally.confirm else duration(risk.send_delay).total_seconds(),
        holding_allowed=holding,
        escalation_reason=escalation.text if escalation else "",
        escalation_trigger=escalation.trigger if escalation else None,
    )
