"""What happens while nobody decides, or nobody is there who could: reminders, escalation, expiry, never the draft."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from app.core.case import Case
from app.core.effects import (
    CrmPatch,
    HelpdeskReply,
    Outcome,
)
from app.core.machine import decide
from app.core.messages import (
    FireTimer,
    ReceiveCase,
)
from tests.core.asking import approve, effects, refused, types
from tests.make import NOW, people
from tests.scenes import a_world, after, receive, received


def fire(case: Case, key: str) -> Outcome:
    timer = next(t for t in case.timers if t.key == key)
    return decide(case, FireTimer(case_id=case.id, key=key), a_world(now=timer.due_at))


def test_the_standard_ladder_reminds_then_escalates_once_each() -> None:
    case = received()
    reminded = fire(case, "rung:reminder")
    assert "Reminded" in types(reminded)
    mentioned = next(e for e in reminded.events if e.type == "Reminded").data["mentioned"]
    assert set(mentioned) == {"UAGENT1", "UAGENT2", "UAGENT3"}
    assert "rung:reminder" not in {t.key for t in reminded.case.timers}
    up = fire(reminded.case, "rung:supervisor")
    assert up.case.packets[-1].channel == "support-escalations"
    assert up.case.packets[-1].kind == "escalation"
    assert after(up.case, approve(up.case, "ULEAD1")).state == "approved"
    assert refused(case, approve(case, "ULEAD1")).code == "not_in_role"


def test_a_timer_fires_neither_early_nor_twice() -> None:
    case = received()
    early = FireTimer(case_id=case.id, key="rung:reminder")
    assert refused(case, early).code == "stale_timer"
    done = fire(case, "rung:reminder").case
    assert refused(done, early, now=NOW + timedelta(days=1)).code == "stale_timer"


def test_expiry_sends_the_holding_message_and_never_the_draft() -> None:
    case = received()
    expired = fire(case, "expire")
    assert expired.case.state == "expired"
    sent = effects(expired, HelpdeskReply)
    assert [r.kind for r in sent] == ["holding"]
    assert case.draft is not None
    assert case.draft.text not in sent[0].text
    crm = effects(expired, CrmPatch)[0].properties
    assert crm["resolution_code"]
    assert refused(expired.case, approve(case)).code == "expired"


def test_the_holding_message_goes_once_a_case() -> None:
    case = received()
    held = fire(case, "rung:holding").case
    assert effects(fire(held, "expire"), HelpdeskReply) == []


def test_no_holding_message_where_policy_does_not_allow_it() -> None:
    ticket = replace(received().ticket, channel="phone")
    case = received(ticket=ticket)
    assert effects(fire(case, "expire"), HelpdeskReply) == []


def test_a_deadline_comes_before_the_shipped_expiry() -> None:
    case = received(deadline=NOW + timedelta(hours=3))
    expire = next(t for t in case.timers if t.kind == "expire")
    assert expire.due_at == NOW + timedelta(hours=3)


# --- nobody there ------------------------------------------------------------------------------------------------


def test_an_empty_role_goes_to_the_fallback_role_and_is_never_sent_by_itself() -> None:
    nobody = people({"support_agent": ()})
    outcome = receive(world=a_world(people=nobody))
    assert outcome.case.state == "pending"
    assert {p.channel for p in outcome.case.packets} == {"support-review", "support-escalations"}
    assert "Escalated" in types(outcome)
    lead = decide(outcome.case, approve(outcome.case, "ULEAD1"), a_world(people=nobody))
    assert lead.case.state == "approved"


def test_with_nobody_at_all_the_case_is_blocked() -> None:
    nobody = people({"support_agent": (), "support_lead": ()})
    outcome = receive(world=a_world(people=nobody))
    assert outcome.case.state == "blocked"
    assert effects(outcome, HelpdeskReply) == []
    assert outcome.case.timers


def test_one_id_is_one_case() -> None:
    case = received()
    again = ReceiveCase(case_id=case.id, by="api:x", ticket=case.ticket, customer=case.customer, messages=case.messages)
    assert refused(case, again).code == "exists"
