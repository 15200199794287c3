"""A blocked text: who may say that the guardrail is wrong, what they read first, and how it stands (GU3)."""

from __future__ import annotations

import json

from msgspec.structs import replace

from app.core.case import Case, Override
from app.core.messages import OverrideGuardrail
from blocks.buttons import packet_buttons
from blocks.modals import override_view
from blocks.packet import packet_message
from blocks.surface import surroundings_of
from tests.blocks.reading import inputs, seen, view_refusals
from tests.make import NOW, a_draft, people
from tests.scenes import SHIPPED, after, receive

AROUND = surroundings_of(SHIPPED, people())
MONEY = "We have issued a refund of 240 EUR to your card."
MEDICINE = "You should stop taking the tablets and take ibuprofen."


def blocked_case(text: str = MONEY) -> Case:
    case = receive(draft=a_draft(text, author="human")).case
    assert case.blocking
    return case


def labels(case: Case, packet: int = 0) -> list[str]:
    return [b["text"]["text"] for b in packet_buttons(case, case.packets[packet], AROUND)]


def test_a_block_that_may_be_lifted_offers_to_and_says_by_whom() -> None:
    case = blocked_case()
    assert labels(case) == ["Edit", "Reject", "Override", "Claim", "View history"]
    text = seen(packet_message(case, case.packets[0], AROUND).blocks)
    title = SHIPPED.roles["billing_approver"].title
    assert f"two people of {title} override it, each with a reason" in text


def test_a_block_that_nobody_may_lift_does_not() -> None:
    case = blocked_case(MEDICINE)
    assert "Override" not in labels(case)
    assert "override" not in seen(packet_message(case, case.packets[0], AROUND).blocks)


def test_the_second_person_reads_what_the_first_wrote() -> None:
    case = blocked_case()
    why = "Finance confirmed it <!channel> *now*."
    once = after(case, OverrideGuardrail(case_id=case.id, user="UBILL1", seen=case.request_hash, reason=why))
    message = packet_message(once, once.packets[0], AROUND)
    assert f"Hana Sato did: {why}" in seen(message.blocks)
    assert "<!channel>" not in message.text
    assert "Override" in labels(once)


def test_once_lifted_the_usual_buttons_are_back() -> None:
    case = blocked_case()
    rules = tuple({(f.rule_id, f.rule_version) for f in case.blocking})
    known = {"rules": rules, "reason": "It did.", "request_hash": case.request_hash, "at": NOW}
    lifted = replace(case, overrides=tuple(Override(user=u, person=u, **known) for u in ("UBILL1", "UBILL2")))
    assert labels(lifted)[:3] == ["Approve", "Edit", "Reject"]


def test_the_form_shows_the_text_the_reason_for_the_block_and_asks_why() -> None:
    case = blocked_case()
    view = override_view(case, case.packets[0], {"ch": "C1"}, AROUND)
    assert view_refusals(view) == []
    assert view["callback_id"] == "cs:override"
    assert list(inputs(view)) == ["reason"]
    assert MONEY in seen(view["blocks"])
    assert json.loads(view["private_metadata"])["h"] == case.request_hash
