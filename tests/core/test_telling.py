"""People in cc hear of the start and the end, who submitted a case of its end, each once (DE7, SL14)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.core.case import Case, Submitter
from app.core.effects import DirectMessage, Outcome
from app.core.errors import Refused
from app.core.machine import decide, expand
from app.core.messages import (
    AddCustomerMessage,
    AnyCommand,
    Approve,
    Delivered,
    FireTimer,
    GaveUp,
    ReceiveCase,
    RedriveDelivery,
    Reject,
    Reopen,
    Withdraw,
    WithdrawByPerson,
)
from tests.make import NOW, a_draft, a_message, a_person, people, signals
from tests.scenes import a_world, after, receive, received

CC = ("UCRM1", "uops1@countersign.example", "nobody@elsewhere.example", "UBOT", "UGUEST")
LATER = NOW + timedelta(hours=25)


def told(outcome: Outcome, *kinds: str) -> list[tuple[str, str]]:
    direct = [p.effect for p in outcome.effects if isinstance(p.effect, DirectMessage)]
    return [(d.kind, d.user) for d in direct if d.kind in kinds or not kinds]


def sent(case: Case) -> Outcome:
    """Approved by an agent, past the send delay, and delivered."""
    case = after(case, Approve(case_id=case.id, user="UAGENT2", seen=case.request_hash))
    (timer,) = case.timers
    case = after(case, FireTimer(case_id=case.id, key=timer.key), world=a_world(now=timer.due_at))
    assert case.state == "sending"
    return decide(case, Delivered(case_id=case.id, delivery=case.pending_reply), a_world())


def expired(case: Case) -> Outcome:
    return decide(case, FireTimer(case_id=case.id, key="expire"), a_world(now=LATER))


class TestCc:
    def test_who_is_in_the_directory_hears_of_the_start_and_of_the_end(self) -> None:
        start = receive(cc=CC)
        assert told(start) == [("cc_opened", "UCRM1"), ("cc_opened", "UOPS1")]
        assert told(sent(start.case)) == [("cc_closed", "UCRM1"), ("cc_closed", "UOPS1")]

    def test_whom_nobody_finds_is_recorded_by_place(self) -> None:
        (event,) = [e for e in receive(cc=CC).events if e.type == "CcTold"]
        assert event.data == {"what": "start", "people": ["UCRM1", "UOPS1"], "not_told": ["cc[2]", "cc[3]", "cc[4]"]}
        assert "elsewhere" not in event.reason

    def test_nobody_twice_and_never_more_than_ten(self) -> None:
        many = [a_person(f"UMORE{n:02}") for n in range(12)]
        world = a_world(people=people(None, *many))
        start = receive(cc=("UAGENT1", "UAGENT1B", "<@UAGENT1>", *(p.user_id for p in many)), world=world)
        assert [user for _, user in told(start)] == ["UAGENT1", *(p.user_id for p in many[:9])]
        (event,) = [e for e in start.events if e.type == "CcTold"]
        assert len(event.data["not_told"]) == 3

    def test_a_fresh_case_on_the_ticket_tells_only_who_does_not_know_yet(self) -> None:
        old = received(cc=("UCRM1",))
        newer = ReceiveCase(
            case_id="c_newer00001", by="api:t", ticket=old.ticket, customer=old.customer, messages=(a_message(),),
            draft=a_draft(), signals=signals(), cc=("UOPS1",),
        )  # fmt: skip
        first, second = expand(newer, None, old)
        assert told(decide(old, first, a_world())) == []
        fresh = decide(None, second, a_world())
        assert told(fresh) == [("cc_opened", "UOPS1")]
        assert {user for _, user in told(sent(fresh.case))} == {"UCRM1", "UOPS1"}

    def test_a_further_message_tells_nobody_of_the_start_again(self) -> None:
        old = received(cc=("UCRM1",))
        more = AddCustomerMessage(
            case_id=old.id, by="api:t", message=a_message("Hello?"), new_case_id="c_newer00001", signals=signals()
        )
        _, second = expand(more, old, old)
        fresh = decide(None, second, a_world())
        assert told(fresh) == []
        assert fresh.case.cc_told == ("UCRM1",)

    def test_a_reopened_case_has_another_end_and_no_other_start(self) -> None:
        over = expired(received(cc=("UCRM1",)))
        assert told(over) == [("cc_closed", "UCRM1")]
        again = decide(
            over.case, Reopen(case_id=over.case.id, user="ULEAD1", seen=over.case.request_hash), a_world(now=LATER)
        )
        assert told(again) == []

    def test_without_cc_nothing_is_said(self) -> None:
        start = receive()
        assert told(start) == []
        assert "CcTold" not in [e.type for e in start.events]


class TestWhoSubmitted:
    @pytest.mark.parametrize(
        "by", [Submitter(slack_user="UAGENT1"), Submitter(email="UAgent1@countersign.example")], ids=["slack", "email"]
    )
    def test_hears_once_that_it_was_sent(self, by: Submitter) -> None:
        ((kind, user),) = told(sent(received(submitted_by=by)))
        assert kind == "submitter_decided"
        assert user in ("UAGENT1", "UAGENT1B")

    @pytest.mark.parametrize("by", [None, Submitter(agent="support-ai"), Submitter(slack_user="UBOT")])
    def test_agents_and_bots_hear_nothing(self, by: Submitter | None) -> None:
        assert told(sent(received(submitted_by=by))) == []

    def test_hears_that_it_expired(self) -> None:
        assert told(expired(received(submitted_by=Submitter(slack_user="UAGENT1")))) == [
            ("submitter_decided", "UAGENT1")
        ]

    def test_a_rejection_comes_with_the_feedback_alone(self) -> None:
        case = received(submitted_by=Submitter(slack_user="UAGENT1"))
        no = Reject(
            case_id=case.id, user="UAGENT2", seen=case.request_hash, category="tone", text="Curt.", then="hand_back"
        )
        assert told(decide(case, no, a_world())) == [("feedback", "UAGENT1")]

    def test_who_took_it_back_is_not_told_so(self) -> None:
        case = received(submitted_by=Submitter(slack_user="UAGENT1"))
        for account in ("UAGENT1", "UAGENT1B"):
            own = WithdrawByPerson(case_id=case.id, user=account, seen=case.request_hash, reason="Solved by phone.")
            assert told(decide(case, own, a_world())) == []
        assert told(decide(case, Withdraw(case_id=case.id, by="api:t"), a_world())) == [
            ("submitter_decided", "UAGENT1")
        ]


class TestTryingAgain:
    def failed(self) -> Case:
        case = after(received(), Approve(case_id="c_test000001", user="UAGENT2", seen=received().request_hash))
        (timer,) = case.timers
        case = after(case, FireTimer(case_id=case.id, key=timer.key), world=a_world(now=timer.due_at))
        return after(case, GaveUp(case_id=case.id, delivery=case.pending_reply, error="410 gone"))

    def again(self, case: Case, by: str, **more: Any) -> AnyCommand:
        return RedriveDelivery(case_id=case.id, by=by, delivery=case.pending_reply, **more)

    @pytest.mark.parametrize("by", ["slack:ULEAD1", "slack:UAUTO1", "system:cli"])
    def test_leads_automation_owners_and_the_command_line_may(self, by: str) -> None:
        case = self.failed()
        outcome = decide(case, self.again(case, by), a_world())
        assert outcome.case.state == "sending"
        assert [e.actor for e in outcome.events] == [by]

    @pytest.mark.parametrize("by", ["slack:UAGENT1", "slack:UGUEST", "slack:UNKNOWN"])
    def test_others_may_not(self, by: str) -> None:
        case = self.failed()
        with pytest.raises(Refused, match="support lead or an automation owner"):
            decide(case, self.again(case, by), a_world())
