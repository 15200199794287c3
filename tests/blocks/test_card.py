"""The private card of one case, and the forms it opens: what a person may say of a case, or why it goes away."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from msgspec.structs import replace

from app.core.case import Case, Note, Submitter
from app.core.effects import Event
from app.core.messages import Reassess
from app.core.offering import Offer
from blocks.card import case_card
from blocks.history import history_view
from blocks.modals import reassess_view, withdraw_view
from blocks.packet import packet_message
from blocks.surface import surroundings_of
from tests.blocks.reading import buttons, inputs, links, our_markup, pings, refusals, seen, view_refusals, words_of
from tests.make import NOW, a_case, a_high_case, a_person, people
from tests.scenes import SHIPPED, after, received

AROUND = replace(surroundings_of(SHIPPED, people()), workspace_url="https://acme.slack.example")
ALL = frozenset(get_args(Offer))
HOSTILE = "<!channel> <https://evil.example|Approve> *Zqx* <@U1>"


def test_it_has_a_button_for_each_thing_that_is_offered_and_no_other() -> None:
    case = a_case()
    shown = {label: b["action_id"] for label, b in buttons(case_card(case, AROUND, ALL).blocks).items()}
    assert shown == {
        "Open packet": "cs:open",
        "Reopen": "cs:reopen",
        "Claim": "cs:claim",
        "Release": "cs:release",
        "Reassess": "cs:reassess",
        "View history": "cs:history",
        "Withdraw": "cs:withdraw",
    }
    for offer in ALL - {"history"}:
        row = buttons(case_card(case, AROUND, frozenset({offer})).blocks)
        assert list(row) == ["Open packet", offer.capitalize()]
    assert list(buttons(case_card(case, AROUND, frozenset()).blocks)) == ["Open packet"]


def test_it_carries_what_the_person_saw() -> None:
    case = a_case()
    row = buttons(case_card(case, AROUND, ALL).blocks)
    for label in ("Reopen", "Reassess", "Withdraw"):
        assert json.loads(row[label]["value"]) == {"c": case.id, "h": case.request_hash, "p": "p1"}
    assert row["Open packet"]["url"].endswith(f"/archives/{case.packets[0].channel_id}/p1772442000000100")
    assert row["Withdraw"]["confirm"]["style"] == "danger"


def test_a_case_without_packets_has_a_card_without_an_empty_row() -> None:
    case = a_case(state="received", assessment=None, packets=())
    message = case_card(case, AROUND, frozenset())
    assert [b["type"] for b in message.blocks if b["type"] == "actions"] == []
    assert refusals(message.blocks) == []
    assert json.loads(buttons(case_card(case, AROUND, ALL).blocks)["Withdraw"]["value"])["p"] == ""


@pytest.mark.parametrize("state", ["expired", "sent", "withdrawn", "pending", "blocked"])
def test_it_says_where_the_case_stands_and_slack_takes_it(state: str) -> None:
    message = case_card(a_case(state=state), AROUND, ALL)
    assert refusals(message.blocks) == []
    assert message.text == f"Case cs_4f9a1c02d7: {state}"


def hostile(case: Case) -> Case:
    return replace(
        case,
        ticket=replace(case.ticket, id=HOSTILE, subject=HOSTILE),
        customer=replace(case.customer, name=HOSTILE),
        signals=replace(case.signals, intent=replace(case.signals.intent, label=HOSTILE)),
        submitted_by=Submitter(slack_user=HOSTILE),
        notes=(Note(user="UAGENT1", text=HOSTILE, at=NOW, kind="reassess"),),
    )


def test_nothing_anybody_wrote_acts_on_it() -> None:
    around = replace(AROUND, people=people(None, a_person("UAGENT1", name=HOSTILE)))
    case = hostile(a_case())
    for message in (case_card(case, around, ALL), packet_message(case, case.packets[0], around)):
        assert pings(message.text, message.blocks) == []
        assert not any("evil.example" in url for url in links(message.text, message.blocks))
        assert "Zqx" not in our_markup(message.blocks)
        assert refusals(message.blocks) == []
    for view in (reassess_view(case, None, {}, around), withdraw_view(case, case.packets[0], {}, around)):
        assert pings("", view["blocks"]) == []
        assert "Zqx" not in our_markup(view["blocks"])
        assert view_refusals(view) == []


# --- the forms ---------------------------------------------------------------------------------------------------


def test_the_form_offers_every_topic_of_the_policy_by_its_tier() -> None:
    case = a_high_case()
    view = reassess_view(case, case.packets[0], {"ch": "C1"}, AROUND)
    assert view_refusals(view) == []
    fields = inputs(view)
    assert list(fields) == ["intent", "tier", "reason"]
    assert all(block["optional"] for block in fields.values())
    groups = fields["intent"]["element"]["option_groups"]
    offered = {o["value"]: g["label"]["text"] for g in groups for o in g["options"]}
    assert set(offered) == set(SHIPPED.risk.intents)
    assert (offered["legal_question"], offered["shipping_status"]) == ("High risk", "Low risk")
    assert [o["value"] for o in fields["tier"]["element"]["options"]] == ["low", "medium", "high"]


def test_the_form_says_how_the_case_is_seen_now() -> None:
    case = a_high_case()
    assert "Now: high risk, refund request." in seen(reassess_view(case, None, {}, AROUND)["blocks"])
    unknown = replace(case, signals=replace(case.signals, intent=None))
    assert "nobody could tell" in seen(reassess_view(unknown, None, {}, AROUND)["blocks"])


def test_a_policy_with_more_topics_than_a_group_takes_still_opens() -> None:
    many = replace(AROUND, intents=tuple((f"topic_{n}", f"topic {n}", "low") for n in range(250)))
    view = reassess_view(a_case(), None, {}, many)
    groups = inputs(view)["intent"]["element"]["option_groups"]
    assert [len(g["options"]) for g in groups] == [100, 100, 50]
    assert view_refusals(view) == []
    none = reassess_view(a_case(), None, {}, replace(AROUND, intents=()))
    assert list(inputs(none)) == ["tier", "reason"]


def test_withdrawing_asks_why_and_says_who_submitted_it() -> None:
    case = a_case(submitted_by=Submitter(slack_user="UAGENT2"))
    view = withdraw_view(case, case.packets[0], {}, AROUND)
    assert view_refusals(view) == []
    assert list(inputs(view)) == ["reason"]
    assert "Submitted by Ben Okafor." in seen(view["blocks"])
    assert "Submitted by a program." in seen(withdraw_view(a_case(), None, {}, AROUND)["blocks"])


# --- afterwards --------------------------------------------------------------------------------------------------


def test_the_packet_says_whose_word_the_topic_is() -> None:
    case = received()
    said = Reassess(
        case_id=case.id, user="UAGENT1", seen=case.request_hash, intent="legal_question", reason="They sue."
    )
    case = after(case, said)
    text = words_of(packet_message(case, case.packets[0], AROUND))
    assert "legal question, as a person says" in text
    assert "reassessed, They sue." in text
    assert "as a person says" in words_of(packet_message(case, case.packets[1], AROUND))


def test_the_history_shows_what_was_said() -> None:
    data = {"intent": "legal_question", "tier": "high", "lowered": False, "before": {"tier": "low"}}
    event = Event(type="Reassessed", actor="slack:UAGENT1", reason="They sue.", data=data)
    entry = {"type": event.type, "actor": event.actor, "at": NOW, "reason": event.reason, "data": event.data}
    view = history_view(a_case(), [entry], AROUND)
    assert "legal question" in seen(view["blocks"])
    assert "tier high" in seen(view["blocks"])
    assert "They sue." in seen(view["blocks"])
    assert view_refusals(view) == []
