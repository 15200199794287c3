"""An expired case that a person brings back: asked anew, on time that counts from now, and never held a second time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from app.core.case import Case, Submitter
from app.core.effects import Callback, CrmPatch, HelpdeskReply, Outcome, PacketUpdate, ThreadReply
from app.core.errors import Refused
from app.core.machine import decide
from app.core.messages import Approve, FireTimer, Reopen, SignOff
from tests.make import NOW, a_draft, people
from tests.scenes import a_world, after, received

LATER = NOW + timedelta(days=3)


def expired(scene: str = "shipping", *, written_by: str = "", **changes: Any) -> Case:
    case = received(scene, written_by=written_by, **changes)
    due = next(t.due_at for t in case.timers if t.kind == "expire")
    case = after(case, FireTimer(case_id=case.id, key="expire"), world=a_world(now=max(due, NOW)))
    assert case.state == "expired"
    return case


def reopen(case: Case, user: str = "UAGENT1", **world: Any) -> Outcome:
    command = Reopen(case_id=case.id, user=user, seen=case.request_hash)
    return decide(case, command, a_world(**{"now": LATER, **world}))


def refusal(case: Case, user: str = "UAGENT1", **world: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        reopen(case, user, **world)
    return refused.value


def effects(outcome: Outcome, kind: type) -> list[Any]:
    return [p.effect for p in outcome.effects if isinstance(p.effect, kind)]


def test_people_are_asked_again_and_the_ladder_counts_from_now() -> None:
    case = expired()
    fresh = received()
    again = reopen(case).case
    assert (again.state, again.stage, again.verdict, again.opened_at) == ("pending", 0, None, LATER)
    waits = {t.key: t.due_at - LATER for t in again.timers}
    before = {t.key: t.due_at - NOW for t in fresh.timers if t.key != "rung:holding"}
    assert {key: waits[key] for key in before} == before
    assert after(again, Approve(case_id=again.id, user="UAGENT2", seen=again.request_hash)).state == "approved"


def test_rungs_that_fired_before_fire_again() -> None:
    case = received()
    reminded = after(case, FireTimer(case_id=case.id, key="rung:reminder"), world=a_world(now=NOW + timedelta(hours=3)))
    late = after(reminded, FireTimer(case_id=case.id, key="expire"), world=a_world(now=LATER))
    again = reopen(late).case
    assert "rung:reminder" in {t.key for t in again.timers}
    outcome = decide(again, FireTimer(case_id=case.id, key="rung:reminder"), a_world(now=LATER + timedelta(hours=3)))
    assert "Reminded" in [e.type for e in outcome.events]


def test_the_holding_message_goes_once_however_often_it_is_reopened() -> None:
    case = expired()
    assert case.holding_sent
    for _ in range(2):
        again = reopen(case)
        assert "rung:holding" not in {t.key for t in again.case.timers}
        end = decide(again.case, FireTimer(case_id=case.id, key="expire"), a_world(now=LATER + timedelta(days=2)))
        assert effects(end, HelpdeskReply) == []
        case = replace(end.case, version=again.case.version + 1)
        assert case.state == "expired"


def test_the_caller_the_crm_the_thread_and_the_packets_hear_of_it() -> None:
    case = expired(callback_url="https://agent.example/hook", callback_key="k")
    outcome = reopen(case)
    assert [(c.type, c.data["state"], c.data["outcome"]) for c in effects(outcome, Callback)] == [
        ("case.updated", "pending", None)
    ]
    (crm,) = effects(outcome, CrmPatch)
    assert not crm.final
    assert (crm.properties["approval_outcome"], crm.properties["resolution_code"]) == ("", "")
    assert [(t.kind, t.data["by"]) for t in effects(outcome, ThreadReply)] == [("reopened", "UAGENT1")]
    assert {u.packet for u in effects(outcome, PacketUpdate)} == {p.key for p in case.packets}
    event = outcome.events[0]
    assert (event.type, event.actor, event.data["role"]) == ("CaseReopened", "slack:UAGENT1", "support_agent")


def test_approvals_given_before_are_void() -> None:
    case = expired("refund", written_by="UAGENT1")
    assert case.approvals
    outcome = reopen(case, "UBILL1")
    assert (outcome.case.state, outcome.case.approvals) == ("pending", ())
    assert not any(p.can_decide for p in outcome.case.packets if p.kind == "signoff")
    assert "ApprovalsVoided" in [e.type for e in outcome.events]
    sign = SignOff(case_id=case.id, user="UBILL2", seen=case.request_hash)
    with pytest.raises(Refused, match="not_now"):
        decide(outcome.case, sign, a_world(now=LATER))


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_deadline_that_passed_counts_no_more(hours: int) -> None:
    case = expired(deadline=NOW + timedelta(hours=hours))
    outcome = reopen(case)
    again = outcome.case
    assert again.deadline is None
    assert next(t.due_at for t in again.timers if t.kind == "expire") == LATER + timedelta(days=1)
    assert min(t.due_at for t in again.timers) > LATER
    assert case.deadline is not None
    assert outcome.events[0].data["deadline"] == case.deadline.isoformat()


@pytest.mark.parametrize(
    ("user", "code"),
    [("UGUEST", "not_allowed"), ("UBOT", "not_allowed"), ("UNOBODY", "not_in_role"), ("ULEGAL1", "not_in_role")],
)
def test_not_everybody_may(user: str, code: str) -> None:
    assert refusal(expired(), user).code == code


@pytest.mark.parametrize("user", ["UAGENT1", "UBILL1", "ULEAD1"])
def test_who_decides_at_any_step_and_a_lead_may(user: str) -> None:
    assert reopen(expired("refund"), user).case.state == "pending"


def test_a_ticket_has_one_open_case() -> None:
    refused = refusal(expired(), standing="c_newer")
    assert refused.code == "superseded"
    assert "c_newer" in refused.sentence


def test_a_click_on_another_text_is_refused() -> None:
    case = expired()
    stale = Reopen(case_id=case.id, user="UAGENT1", seen="0" * 64)
    with pytest.raises(Refused, match="draft_changed"):
        decide(case, stale, a_world(now=LATER))


def test_a_second_click_finds_it_open() -> None:
    case = expired()
    again = reopen(case).case
    assert refusal(again).code == "not_now"


def test_where_nobody_is_left_who_may_decide_it_is_blocked() -> None:
    mine = expired(draft=a_draft(author="human"), submitted_by=Submitter(slack_user="UAGENT1"))
    alone = people({"support_agent": (), "support_lead": ("UAGENT1",)})
    again = reopen(mine, "UAGENT1", people=alone).case
    assert again.state == "blocked"
    assert again.timers


def test_it_does_not_go_round_for_ever() -> None:
    case = expired()
    lead = after(received(), FireTimer(case_id=case.id, key="rung:supervisor"), world=a_world(now=LATER)).escalations
    assert refusal(replace(case, escalations=lead * 100)).code == "too_many_rounds"
