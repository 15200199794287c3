"""Nothing that makes a case riskier may ever lower what policy asks for."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.core.assessment import AI_MODES, TIERS, Assessment
from app.core.case import Action, Case, Signal, Signals, Submitter
from app.core.findings import Finding
from app.core.policy import Policy, assess, compile_policy
from app.core.policy.verdict import LADDERS, REQUIRED
from tests.core.policies import shipped, with_risk
from tests.make import NOW, a_case, a_customer, a_draft, a_message

Change = Callable[[Case], Case]


@cache
def policies() -> tuple[Policy, ...]:
    return (
        shipped(),
        compile_policy(with_risk(baseline_mode=False)),
        compile_policy(with_risk(baseline_mode=False, unsafe_small_refund_auto=True)),
    )


def approvals(assessment: Assessment) -> int:
    return sum({"any_of": 1, "quorum": s.quorum}.get(s.mode, len(s.roles)) for s in assessment.stages)


def strictness(assessment: Assessment) -> dict[str, int]:
    return {
        "tier": TIERS.index(assessment.tier),
        "required": REQUIRED.index(assessment.required),
        "ai_mode": AI_MODES.index(assessment.ai_mode),
        "ladder": LADDERS.index(assessment.ladder),  # type: ignore[arg-type]
        "approvals": approvals(assessment),
        "confirm": assessment.confirm,
        "instant": assessment.send_delay == 0,
    }


confidences = st.sampled_from([0.0, 0.3, 0.59, 0.6, 0.7, 0.79, 0.8, 0.9, 1.0])
amounts = st.sampled_from([None, *map(Decimal, ("0", "1", "49.99", "50", "50.01", "100", "101", "10000", "10001"))])


@st.composite
def signal_sets(draw: st.DrawFn) -> Signals:
    labels = {
        "intent": st.sampled_from([*shipped().risk.intents, "something_else"]),
        "sentiment": st.sampled_from(["positive", "neutral", "negative"]),
        "language": st.sampled_from(["en", "en-GB", "fr"]),
    }
    chosen = {n: draw(st.none() | st.builds(Signal, label=s, confidence=confidences)) for n, s in labels.items()}
    return Signals(**chosen)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    action_type = draw(st.sampled_from([None, *shipped().risk.actions, "unheard_of"]))
    amount = draw(amounts)
    action = None
    if action_type is not None:
        action = Action(
            type=action_type,
            amount=amount,
            currency=draw(st.sampled_from(["EUR", "GBP"])) if amount is not None else "",
            irreversible=draw(st.booleans()),
            transaction_verified=draw(st.booleans()),
            scope=draw(st.sampled_from(["single", "bulk"])),
        )
    author = draw(st.sampled_from(["ai", "human"]))
    draft = a_draft(author=author, confidence=draw(st.none() | confidences | st.just(0.97)))
    return a_case(
        assessment=None,
        customer=a_customer(
            segment=draw(st.sampled_from(["standard", "small", "enterprise", ""])),
            vip=draw(st.booleans()),
            regulated=draw(st.booleans()),
            contract_value=draw(st.none() | st.sampled_from([Decimal(49_999), Decimal(50_000)])),
        ),
        messages=(a_message(draw(st.sampled_from(["Where is it?", "I want a refund", "what is your policy"]))),),
        drafts=draw(st.sampled_from([(), (draft,)])),
        signals=draw(signal_sets()),
        action=action,
        submitted_by=draw(st.sampled_from([None, Submitter(slack_user="UAGENT1")])),
    )


def finding(type: str, side: str, action: str, sensitive: bool, flags: tuple[str, ...]) -> Change:
    hit: Any = {"rule_id": "r", "rule_version": "v", "type": type, "action": action, "start": 0, "end": 1}
    source = "message:0" if side == "input" else "draft:1"
    made = Finding(**hit, side=side, source=source, sensitive=sensitive, flags=flags)
    return lambda case: replace(case, findings=(*case.findings, made))


def customer(**changes: Any) -> Change:
    return lambda case: replace(case, customer=replace(case.customer, **changes))


def action(**changes: Any) -> Change:
    return lambda case: replace(case, action=replace(case.action, **changes) if case.action else None)


def more_money(case: Case) -> Case:
    if case.action is None or case.action.amount is None:
        return case
    return replace(case, action=replace(case.action, amount=case.action.amount + 10_000))


def says(text: str) -> Change:
    return lambda case: replace(case, messages=(*case.messages, a_message(text)))


def unhappy(case: Case) -> Case:
    now = case.signals.sentiment
    worse = Signal(label="negative", confidence=max(now.confidence if now else 0.0, 0.9))
    return replace(case, signals=replace(case.signals, sentiment=worse))


risks = st.one_of(
    st.builds(
        finding,
        st.sampled_from(
            ["pii", "refunds", "legal", "prompt_attack", "threat", "security", "medical", "unsafe", "policy"]
        ),
        st.sampled_from(["input", "output"]),
        st.sampled_from(["allowed", "masked", "blocked"]),
        st.booleans(),
        st.sampled_from([(), ("chargeback",), ("human_request",), ("do_not_answer",)]),
    ),
    st.sampled_from(
        [
            customer(vip=True),
            customer(regulated=True),
            customer(active_escalation=True),
            customer(privileged_roles=("tier 0",)),
            customer(contract_value=Decimal("1e12")),
            action(irreversible=True),
            action(scope="bulk"),
            action(transaction_verified=False),
            action(amount=None, amount_text="lots"),
            action(type="never_seen_before"),
            more_money,
            unhappy,
            says("I want my money back"),
            says("please close my account"),
            says("what do your terms of service say"),
        ]
    ),
)
histories = st.fixed_dictionaries(
    {},
    optional={
        "contacts_7d": st.integers(0, 5),
        "unresolved_7d": st.integers(0, 5),
        "rejected_drafts": st.integers(0, 3),
        "sentiment_falling": st.booleans(),
        "repeated_intent": st.booleans(),
    },
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(case=cases(), risk=risks, history=histories, which=st.integers(0, 2))
def test_a_risk_never_lowers_anything(case: Case, risk: Change, history: dict[str, object], which: int) -> None:
    policy = policies()[which]
    before = strictness(assess(case, policy, history, NOW))
    after = strictness(assess(risk(case), policy, history, NOW))
    assert {name: after[name] >= before[name] for name in before} == dict.fromkeys(before, True)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(case=cases(), history=histories, which=st.integers(0, 2))
def test_trouble_in_the_past_never_lowers_anything(case: Case, history: dict[str, object], which: int) -> None:
    policy = policies()[which]
    trouble = {"unresolved_7d": 9, "rejected_drafts": 9, "sentiment_falling": True, "repeated_intent": True}
    before = strictness(assess(case, policy, history, NOW))
    after = strictness(assess(case, policy, {**history, **trouble}, NOW))
    assert all(after[name] >= before[name] for name in before)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(case=cases(), history=histories, which=st.integers(0, 2))
def test_every_assessment_can_be_acted_on(case: Case, history: dict[str, object], which: int) -> None:
    policy = policies()[which]
    result = assess(case, policy, history, NOW)
    assert result.reasons
    assert all(reason.text for reason in result.reasons)
    assert bool(result.stages) == (result.required not in ("auto", "notify"))
    assert policy.roles[result.route.role].channel == result.route.channel
    assert all(role in policy.roles for stage in result.stages for role in stage.roles)
    assert all(rung.role in policy.roles for rung in result.rungs)
    assert (result.escalation_trigger is None) == (result.escalation_reason == "")
    if result.required in ("auto", "notify"):
        assert (result.tier, case.draft is not None and case.draft.author) == ("low", "ai")
        assert not policy.baseline


def test_an_intent_that_goes_missing_is_never_easy() -> None:
    gone = assess(a_case(assessment=None, signals=Signals()), shipped(), {}, NOW)
    assert (gone.ai_mode, gone.tier) == ("summarize_only", "medium")
