"""While AI text is paused nothing the AI wrote goes, by any way; what people write goes on (OP1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.core.case import Case
from app.core.effects import HelpdeskReply, ModelDraft, Outcome, PacketUpdate
from app.core.errors import Refused
from app.core.machine import decide
from app.core.messages import ApplyPause, Approve, Edit, FireTimer, RecordView, SignOff, Understood, WriteReply
from app.core.policy import Policy, compile_policy
from tests.core.openings import CONFIDENT
from tests.core.policies import with_risk
from tests.make import NOW, signals
from tests.scenes import a_world, after, receive, received

OWN = "Thank you for asking. A colleague looks at your order today."
HERE, EVERYWHERE, ELSEWHERE = (frozenset({q}) for q in ("support-review", "", "billing-approvals"))
STOPPED = [HERE, EVERYWHERE, HERE | ELSEWHERE]


def compiled(**changes: object) -> Policy:
    return compile_policy(with_risk(**changes))


def said(case: Case, kind: type, user: str = "UAGENT1", **more: object) -> object:
    return kind(case_id=case.id, user=user, seen=case.request_hash, **more)


def refusal(case: Case, command: object, pauses: frozenset[str]) -> str:
    with pytest.raises(Refused) as refused:
        decide(case, command, a_world(pauses=pauses))  # type: ignore[arg-type]
    return refused.value.code


@pytest.mark.parametrize("pauses", STOPPED)
def test_an_ai_draft_can_be_neither_approved_nor_edited(pauses: frozenset[str]) -> None:
    case = received()
    assert refusal(case, said(case, Approve), pauses) == "paused"
    assert refusal(case, said(case, Edit, text=OWN), pauses) == "paused"
    assert refusal(case, said(case, RecordView, what="approve"), pauses) == "paused"


def test_another_queues_pause_is_not_ours() -> None:
    case = received()
    approved = decide(case, said(case, Approve), a_world(pauses=ELSEWHERE)).case  # type: ignore[arg-type]
    assert approved.state == "approved"


@pytest.mark.parametrize("pauses", STOPPED)
def test_a_persons_own_reply_goes_through_all_its_steps(pauses: frozenset[str]) -> None:
    world = a_world(pauses=pauses)
    case = received()
    written = decide(case, said(case, WriteReply, text=OWN), world).case  # type: ignore[arg-type]
    assert written.state == "approved"
    late = a_world(NOW + timedelta(seconds=6), pauses=pauses)
    timer = FireTimer(case_id=case.id, key=written.timers[0].key)
    assert [type(p.effect) for p in decide(written, timer, late).effects].count(HelpdeskReply) == 1


def test_the_ais_words_do_not_come_back_as_a_persons() -> None:
    case = received()
    assert case.draft is not None
    assert refusal(case, said(case, WriteReply, text=f"  {case.draft.text.upper()} "), HERE) == "unchanged"


@pytest.mark.parametrize(
    "disguised",
    [
        lambda text: text.replace(" ", "\u3164 ", 1),  # a letter without ink
        lambda text: text.replace("a", "\u0430"),  # Cyrillic
        lambda text: text.replace("H", "\uff28"),  # full width
        lambda text: text.replace("e", "e\u0301", 1),
        lambda text: f"{text}\U000e0041\u200b",
    ],
)
def test_what_only_looks_like_the_ais_words_is_the_ais(disguised: Callable[[str], str]) -> None:
    case = received()
    assert case.draft
    text = disguised(case.draft.text)
    assert text != case.draft.text
    assert refusal(case, said(case, WriteReply, text=text), HERE) == "unchanged"


def test_a_sign_off_of_ai_text_waits_too() -> None:
    policy = compiled(
        stages=[
            {"id": "a", "label": "First", "any_of": ["support_agent"]},
            {"id": "b", "label": "Second", "any_of": ["support_lead"]},
        ]
    )
    world = a_world(policy=policy)
    case = receive(world=world).case
    first = decide(case, said(case, Approve), world).case  # type: ignore[arg-type]
    assert first.state == "awaiting_signoff"
    sign = said(first, SignOff, "ULEAD1")
    with pytest.raises(Refused) as refused:
        decide(first, sign, a_world(policy=policy, pauses=EVERYWHERE))  # type: ignore[arg-type]
    assert refused.value.code == "paused"
    assert decide(first, sign, world).case.state in ("approved", "sending")  # type: ignore[arg-type]


def test_what_was_approved_in_the_last_seconds_goes_back_to_people() -> None:
    case = received()
    approved = decide(case, said(case, Approve), a_world()).case  # type: ignore[arg-type]
    late = a_world(NOW + timedelta(seconds=6), pauses=HERE)
    outcome: Outcome = decide(approved, FireTimer(case_id=case.id, key=approved.timers[0].key), late)
    assert (outcome.case.state, outcome.case.approvals, outcome.case.verdict) == ("pending", (), None)
    assert not [p for p in outcome.effects if isinstance(p.effect, HelpdeskReply)]
    assert {t.kind for t in outcome.case.timers} >= {"expire"}
    assert "DeliveryHeld" in [e.type for e in outcome.events]


def test_nothing_goes_without_a_person() -> None:
    policy = compiled(baseline_mode=False)
    opening = {"draft": CONFIDENT, "signals": signals("shipping_status")}
    assert receive(world=a_world(policy=policy), **opening).case.state == "sending"
    assert receive(world=a_world(policy=policy, pauses=EVERYWHERE), **opening).case.state == "pending"


def test_no_model_drafts_meanwhile() -> None:
    world = a_world(model=True, pauses=EVERYWHERE)
    case = receive(world=world, draft=None).case
    outcome = decide(case, Understood(case_id=case.id, delivery=case.asking, model="m", signals=signals()), world)
    assert ModelDraft() not in [p.effect for p in outcome.effects]
    assert outcome.case.state == "pending"


@pytest.mark.parametrize(("pauses", "event"), [(HERE, "AiTextPaused"), (frozenset(), "AiTextResumed")])
def test_packets_are_brought_in_line_and_the_history_says_so(pauses: frozenset[str], event: str) -> None:
    case = received()
    applied = ApplyPause(case_id=case.id, by="slack:ULEAD1", reason="Wrong prices.")
    outcome = decide(case, applied, a_world(pauses=pauses))
    assert [p.effect for p in outcome.effects] == [PacketUpdate(packet=p.key) for p in case.packets]
    assert [(e.type, e.actor, e.reason) for e in outcome.events] == [(event, "slack:ULEAD1", "Wrong prices.")]


def test_resumed_it_can_be_approved_as_before() -> None:
    case = received()
    approve = Approve(case_id=case.id, user="UAGENT1", seen=case.request_hash)
    assert after(case, ApplyPause(case_id=case.id, by="slack:ULEAD1"), approve).state == "approved"
