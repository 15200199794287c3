"""Taking a case out by hand, and what a case's card offers to whom: what is offered is what a click would do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core.case import Case, Submitter
from app.core.effects import CrmPatch, HelpdeskReply, PacketUpdate
from app.core.errors import Refused
from app.core.machine import decide
from app.core.messages import Approve, ClaimCase, FireTimer, RecordView, WithdrawByPerson
from app.core.offering import offered
from tests.make import NOW, a_draft
from tests.scenes import a_world, after, receive, received

MINE = {"draft": a_draft(author="human", author_id=""), "submitted_by": Submitter(slack_user="UAGENT1")}


def take_out(case: Case, user: str, reason: str = "Sent twice.") -> WithdrawByPerson:
    return WithdrawByPerson(case_id=case.id, user=user, reason=reason)


def refusal(case: Case, user: str, reason: str = "Sent twice.") -> str:
    with pytest.raises(Refused) as refused:
        after(case, take_out(case, user, reason))
    return refused.value.code


@pytest.mark.parametrize(("user", "role"), [("UAGENT1", ""), ("UAGENT1B", ""), ("ULEAD1", "support_lead")])
def test_who_submitted_it_or_a_lead_takes_it_out(user: str, role: str) -> None:
    outcome = decide(received(**MINE), take_out(received(**MINE), user), a_world())
    case = outcome.case
    assert case.verdict is not None
    assert (case.state, case.verdict.by, case.verdict.reason, case.timers) == ("withdrawn", user, "Sent twice.", ())
    event = next(e for e in outcome.events if e.type == "CaseWithdrawn")
    assert (event.actor, event.reason, event.data["role"]) == (f"slack:{user}", "Sent twice.", role)
    sent = [p.effect for p in outcome.effects]
    assert {u.packet for u in sent if isinstance(u, PacketUpdate)} == {p.key for p in case.packets}
    assert [c.properties["next_action"] != "" for c in sent if isinstance(c, CrmPatch)] == [True]
    assert not [r for r in sent if isinstance(r, HelpdeskReply)]


@pytest.mark.parametrize(
    ("user", "code"),
    [("UAGENT2", "not_yours"), ("UBILL1", "not_yours"), ("UGUEST", "not_allowed"), ("UNOBODY", "not_yours")],
)
def test_nobody_else_does(user: str, code: str) -> None:
    assert refusal(received(**MINE), user) == code


def test_a_reason_is_needed() -> None:
    assert refusal(received(**MINE), "UAGENT1", "  ") == "reason_missing"


def test_it_is_not_taken_back_once_it_is_on_its_way() -> None:
    case = received()
    approved = after(case, Approve(case_id=case.id, user="UAGENT2", seen=case.request_hash))
    assert after(approved, take_out(approved, "ULEAD1")).state == "withdrawn"
    key = next(t.key for t in approved.timers if t.kind == "send")
    sending = after(approved, FireTimer(case_id=case.id, key=key), world=a_world(now=NOW + timedelta(seconds=6)))
    assert sending.state == "sending"
    assert refusal(sending, "ULEAD1") == "already_decided"


def test_the_form_opens_only_for_who_may() -> None:
    case = received(**MINE)
    view = RecordView(case_id=case.id, user="UAGENT1", what="withdraw")
    assert [e.data["view"] for e in decide(case, view, a_world()).events] == ["withdraw"]
    with pytest.raises(Refused, match="not_yours"):
        decide(case, RecordView(case_id=case.id, user="UAGENT2", what="withdraw"), a_world())


# --- what the card offers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "offers"),
    [
        ("UAGENT1", {"claim", "reassess", "history", "withdraw"}),
        ("UAGENT2", {"claim", "reassess", "history"}),
        ("ULEAD1", {"reassess", "history", "withdraw"}),
        ("ULEGAL1", {"history"}),
        ("UNOBODY", {"history"}),
    ],
)
def test_each_person_is_offered_what_they_may_do(user: str, offers: set[str]) -> None:
    assert offered(received(submitted_by=MINE["submitted_by"]), user, a_world()) == offers


def test_an_own_reply_is_only_taken_back() -> None:
    assert offered(received(**MINE), "UAGENT1", a_world()) == {"history", "withdraw"}


def test_a_claimed_case_offers_release_to_who_has_it_and_to_a_lead() -> None:
    case = after(received(), ClaimCase(case_id=received().id, user="UAGENT1"))
    assert offered(case, "UAGENT1", a_world()) == {"claim", "release", "reassess", "history"}
    assert offered(case, "UAGENT2", a_world()) == {"history"}
    assert "release" in offered(case, "ULEAD1", a_world())


def test_an_expired_case_offers_reopen_unless_the_ticket_has_another() -> None:
    case = received()
    expired = after(case, FireTimer(case_id=case.id, key="expire"), world=a_world(now=NOW + timedelta(days=2)))
    assert offered(expired, "UAGENT1", a_world()) == {"reopen", "history"}
    assert offered(expired, "UAGENT1", a_world(standing="c_newer")) == {"history"}
    assert offered(expired, "ULEGAL1", a_world()) == {"history"}


def test_a_case_that_is_over_offers_its_history_and_one_that_is_read_still_nothing() -> None:
    over = after(received(), take_out(received(), "ULEAD1"))
    assert offered(over, "ULEAD1", a_world()) == {"history"}
    reading = receive(world=a_world(model=True)).case
    assert reading.state == "received"
    assert offered(reading, "ULEAD1", a_world()) == frozenset()
