"""A reply that a person hands in (SL14): others decide, a lead at least, and a short form is no way round anything."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.core.case import Action, Case, History, Submitter
from app.core.effects import Click, Outcome
from app.core.errors import Refused
from app.core.machine import MESSAGES, decide, expand
from app.core.messages import AddCustomerMessage, Approve, Edit, ReceiveCase, WriteReply
from app.core.stages import eligible
from app.core.submitting import join
from tests.core.test_reassessing import reassess
from tests.make import a_customer, a_draft, a_message, a_ticket, people, signals
from tests.scenes import a_world, after, received

OWN = "Hello Maria, your parcel is at the depot and comes tomorrow."


def handed_in(user: str = "UAGENT1", text: str = OWN, **changes: Any) -> ReceiveCase:
    known: dict[str, Any] = {
        "case_id": "c_own0000001",
        "by": f"slack:{user}",
        "ticket": a_ticket(url="", subject=""),
        "customer": a_customer(contract_value=None, industry="", email="", crm_ticket_id=""),
        "messages": (a_message(),),
        "draft": a_draft(text, author="human", author_id=""),
        "signals": signals(),
        "submitted_by": Submitter(slack_user=user),
    }
    return ReceiveCase(**{**known, **changes})


def submit(**given: Any) -> Outcome:
    return decide(None, handed_in(**given), a_world())


class TestWhoDecides:
    def test_a_lead_at_least_and_no_ai(self) -> None:
        outcome = submit()
        case = outcome.case
        assert case.assessed.route.role == "support_lead"
        assert case.assessed.required == "approve"
        assert not case.assessed.must_edit
        assert {p.user_id for p in eligible(case, people())} == {"ULEAD1", "ULEAD2"}
        assert {e.actor for e in outcome.events} == {"slack:UAGENT1"}

    @pytest.mark.parametrize("user", ["ULEAD1", "UBILL1"])
    def test_the_submitter_never(self, user: str) -> None:
        action = Action(type="refund", amount=Decimal(240), currency="EUR") if user == "UBILL1" else None
        case = submit(user=user, action=action).case
        assert user not in {p.user_id for p in eligible(case, people())}
        with pytest.raises(Refused, match="your own submission"):
            decide(case, Approve(case_id=case.id, user=user, seen=case.request_hash), a_world())
        for changed in (Edit, WriteReply):
            by_the_back_door = changed(case_id=case.id, user=user, seen=case.request_hash, text=f"{OWN} Yours, Ana")
            with pytest.raises(Refused, match="your own submission"):
                decide(case, by_the_back_door, a_world())

    def test_another_account_of_the_submitter_neither(self) -> None:
        who = people({"support_lead": ("UAGENT1B", "ULEAD2")})
        case = decide(None, handed_in(), a_world(people=who)).case
        assert {p.user_id for p in eligible(case, who)} == {"ULEAD2"}

    def test_money_goes_where_money_goes(self) -> None:
        case = submit(
            action=Action(type="refund", amount=Decimal(240), currency="EUR"), signals=signals("refund_request")
        )
        assert case.case.assessed.route.role == "billing_approver"
        assert len(case.case.assessed.stages) == 2

    def test_where_it_was_handed_in_is_on_record(self) -> None:
        click = Click(trigger="1.2.abc", channel="C1")
        assert {e.click for e in submit(click=click).events} == {click}


class TestWhatIsTaken:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("We have issued the refund.", "guardrail"),
            ("  \n", "empty_text"),
            ("x" * 20_001, "too_long"),
        ],
    )
    def test_a_text_is_refused_with_what_stands_at_its_field(self, text: str, code: str) -> None:
        with pytest.raises(Refused) as refusal:
            submit(text=text)
        assert refusal.value.code == code
        assert refusal.value.sentence

    def test_an_integration_may_hand_in_what_is_blocked(self) -> None:
        """Nobody sits at a form there: the packet shows what blocks it."""
        assert submit(by="api:helpdesk", text="We have issued the refund.").case.blocking

    @pytest.mark.parametrize("user", ["UGUEST", "UBOT", "UNKNOWN"])
    def test_guests_bots_and_strangers_hand_in_nothing(self, user: str) -> None:
        with pytest.raises(Refused) as refusal:
            submit(user=user)
        assert refusal.value.code in ("not_allowed", "not_known")


class TestAnOpenCaseOnTheTicket:
    def standing(self, **changes: Any) -> Case:
        return received(customer=a_customer(vip=True, segment="enterprise", regulated=True), **changes)

    def replaced(self, old: Case, **given: Any) -> tuple[Case, Case]:
        first, second = expand(handed_in(**given), None, old)
        return after(old, first), decide(None, second, a_world()).case

    def test_is_replaced_and_what_it_knows_of_the_customer_stays(self) -> None:
        old, new = self.replaced(self.standing())
        assert old.state == "superseded"
        assert old.superseded_by == new.id
        assert new.supersedes == old.id
        assert (new.customer.vip, new.customer.regulated, new.customer.segment) == (True, True, "enterprise")
        assert new.assessed.route.role == "vip_manager"
        assert new.ticket == old.ticket

    def test_what_it_was_taken_for_still_counts_beside_what_the_form_says(self) -> None:
        legal = self.standing(signals=signals("legal_question"))
        _, new = self.replaced(legal, signals=signals("shipping_status"))
        assert new.assessed.route.role == "legal_approver"
        harmless = received(customer=a_customer())
        _, raised = self.replaced(harmless, signals=signals("cancellation"))
        assert raised.assessed.tier == "high"
        assert raised.assessed.route.role == "billing_approver"

    def test_so_does_the_conversation_and_nothing_is_said_twice(self) -> None:
        threat = a_message("I will talk to my lawyer and sue you.")
        _, new = self.replaced(self.standing(messages=(threat, a_message("Sorry to hear.", author="agent"))))
        assert [m.text for m in new.messages] == [threat.text, "Sorry to hear.", a_message().text]
        assert new.assessed.tier == "high"
        _, again = self.replaced(self.standing())
        assert [m.text for m in again.messages] == [a_message().text]

    def test_a_long_conversation_keeps_its_end(self) -> None:
        old = self.standing(messages=tuple(a_message(f"Message {n}") for n in range(MESSAGES)))
        _, new = self.replaced(old)
        assert len(new.messages) == MESSAGES
        assert new.messages[-1].text == a_message().text

    def test_what_its_history_showed_still_counts(self) -> None:
        old = self.standing(sentiment_falling=True, repeated_intent=True)
        _, new = self.replaced(old)
        assert (new.history.sentiment_falling, new.history.repeated_intent) == (True, True)
        assert new.history != History()

    def test_of_another_customer_is_left_alone(self) -> None:
        with pytest.raises(Refused, match="another customer's"):
            expand(handed_in(customer=a_customer(id="cust-999")), None, self.standing())

    def test_the_ais_own_words_are_nobodys_submission(self) -> None:
        """Neither past a pause, nor past a policy that withholds them."""
        withheld = self.standing(signals=signals("legal_question"))
        assert withheld.withheld
        with pytest.raises(Refused) as refusal:
            expand(handed_in(text=f" {a_draft().text.upper()}!"), None, withheld)
        assert refusal.value.code == "ai_text"
        _, sent_in = expand(
            handed_in(by="api:helpdesk", text=a_draft().text, signals=signals("legal_question")), None, withheld
        )
        assert decide(None, sent_in, a_world()).case.withheld

    def test_what_a_person_said_of_the_risk_goes_on(self) -> None:
        raised = reassess(received(), tier="high").case
        _, new = self.replaced(raised)
        assert new.assessed.tier == "high"
        assert len(new.assessed.stages) == 2
        wrote = AddCustomerMessage(
            case_id=raised.id, by="api:x", new_case_id="c_next000001", message=a_message("Hello?")
        )
        _, fresh = expand(wrote, raised, raised)
        assert decide(None, fresh, a_world()).case.assessed.tier == "high"

    def test_a_topic_that_a_person_named_does_not(self) -> None:
        """The customer may want something else by now."""
        lowered = reassess(
            received(signals=signals("legal_question")), "ULEGAL1", intent="shipping_status", reason="No."
        )
        _, new = self.replaced(lowered.case, signals=signals("legal_question"))
        assert new.assessed.route.role == "legal_approver"

    def test_an_integration_says_itself_what_it_knows(self) -> None:
        command = handed_in(by="api:helpdesk")
        assert join(command, self.standing()) == command
