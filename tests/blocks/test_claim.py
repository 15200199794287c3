"""A claim on a packet: the button that fits, and who has the case until when (DE8)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from msgspec.structs import replace

from app.core.case import Case, Claim
from blocks.history import history_view
from blocks.notices import notice_blocks
from blocks.packet import packet_message
from blocks.queue import mine_message
from tests.blocks.reading import AROUND, buttons, our_markup, pings, refusals, seen, words_of
from tests.make import NOW, a_case, a_high_case, a_packet, a_person, an_approval, people

UNTIL = NOW + timedelta(minutes=15)


def claimed(case: Case, user: str = "UAGENT1") -> Case:
    return replace(case, claim=Claim(user=user, person=a_person(user).key, at=NOW, until=UNTIL))


@pytest.mark.parametrize("state", ["pending", "awaiting_signoff", "blocked"])
def test_claim_stands_before_view_history_and_release_in_its_place(state: str) -> None:
    case = a_case(state=state)
    free = list(buttons(packet_message(case, case.packets[0], AROUND).blocks))
    taken = buttons(packet_message(claimed(case), case.packets[0], AROUND).blocks)
    assert free[-2:] == ["Claim", "View history"]
    assert list(taken) == [*free[:-2], "Release", "View history"]
    assert taken["Release"]["action_id"] == "cs:release"


@pytest.mark.parametrize("state", ["sent", "rejected", "expired", "approved", "indeterminate"])
def test_neither_stands_where_nobody_is_asked(state: str) -> None:
    case = a_case(state=state)
    assert not {"Claim", "Release"} & set(buttons(packet_message(case, case.packets[0], AROUND).blocks))


def test_who_is_only_told_of_a_case_cannot_claim_it() -> None:
    case = a_case(packets=(a_packet(kind="escalation", can_decide=False),))
    assert list(buttons(packet_message(case, case.packets[0], AROUND).blocks)) == ["View history"]


def test_the_packet_says_who_has_it_until_when_in_the_readers_own_time() -> None:
    case = claimed(a_case())
    message = packet_message(case, case.packets[0], AROUND)
    assert "Claimed\n by Ana Ruiz until " in words_of(message)
    dates = [
        element
        for block in message.blocks
        if block["type"] == "rich_text"
        for line in block["elements"]
        for element in line["elements"]
        if element["type"] == "date"
    ]
    assert [d["timestamp"] for d in dates] == [int(UNTIL.timestamp())]
    assert "Claimed by Ana Ruiz until 2026-03-02 09:15 UTC" in message.text
    assert refusals(message.blocks) == []
    assert message.digest != packet_message(replace(case, claim=None), case.packets[0], AROUND).digest


def test_a_name_is_no_markup() -> None:
    around = replace(AROUND, people=people(None, a_person("UAGENT1", name="<!channel> *Ana*")))
    case = claimed(a_case())
    message = packet_message(case, case.packets[0], around)
    assert pings(message.text, message.blocks) == []
    assert "Ana" not in our_markup(message.blocks)


def test_an_open_sign_off_request_says_it_too_and_a_closed_one_does_not() -> None:
    case = a_high_case()
    case = claimed(replace(case, state="awaiting_signoff", stage=1, approvals=(an_approval(case),)), "UBILL1")
    request = a_packet(key="s3", kind="signoff", role="billing_approver", request_hash=case.request_hash)
    assert "by Hana Sato until" in words_of(packet_message(case, request, AROUND))
    assert "Hana Sato until" not in words_of(packet_message(case, replace(request, can_decide=False), AROUND))


def test_the_claimers_private_notice_offers_more_time() -> None:
    case = claimed(a_case())
    blocks = notice_blocks("done", "You have it.", case=case, packet=case.packets[0], again=True)
    assert json.loads(buttons(blocks)["Claim"]["value"]) == {"c": case.id, "h": case.request_hash, "p": "p1"}
    assert refusals(blocks) == []
    assert buttons(notice_blocks("done", "Released.", case=case, packet=case.packets[0])) == {}


def test_the_list_says_who_has_a_case() -> None:
    assert "claimed by Ana Ruiz" in seen(mine_message([claimed(a_case())], AROUND).blocks)


def test_history_tells_of_a_claim_that_was_taken_over() -> None:
    event = {"type": "CaseClaimed", "actor": "slack:ULEAD1", "at": NOW, "data": {"taken_from": "UAGENT1"}}
    told = seen(history_view(a_case(), [event], AROUND)["blocks"])
    assert "Case claimed · Dana Weiss · taken over from Ana Ruiz" in told
