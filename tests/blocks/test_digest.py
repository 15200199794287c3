"""Digests: a line a case, one button each that opens and none that decides, true whatever became of the case."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.core.case import STATES, Action, Case, Claim, Verdict
from app.core.digest import LINES, Digest
from blocks.card import case_card
from blocks.digest import digest_message
from blocks.home import home_view
from blocks.queue import QueueRow, case_line, queue_line
from blocks.surface import SlackMessage
from tests.blocks.reading import AROUND, our_markup, pings, refusals, seen
from tests.blocks.test_hostile import HOSTILE, SENTINEL
from tests.make import NOW, a_case, a_customer, a_packet, a_ticket, an_approval, signals

KEY = "dg_c_first"


def folded(number: int = 1, **changes: Any) -> Case:
    packet = a_packet(ts=None, channel_id="", shown="", digest=KEY, folded=True)
    known = {"id": f"c_{number:08}", "ticket": a_ticket(id=f"t{number}"), "packets": (packet,)}
    return a_case(**{**known, **changes})


def shown(*cases: Case) -> SlackMessage:
    digest = Digest(key=KEY, channel="support-review", made_at=NOW, cases=tuple(c.id for c in cases))
    return digest_message(digest, cases, AROUND)


def lines(message: SlackMessage) -> list[dict[str, Any]]:
    return [block for block in message.blocks if block["type"] == "section"]


def test_each_line_names_case_and_ticket_and_has_one_button_that_opens() -> None:
    message = shown(*(folded(n) for n in range(1, LINES + 1)))
    assert refusals(message.blocks) == []
    assert len(lines(message)) == LINES
    for number, line in enumerate(lines(message), start=1):
        assert f"case c_{number:08} · ticket t{number}" in line["text"]["text"]
        button = line["accessory"]
        assert (button["text"]["text"], button["action_id"]) == ("Open", "cs:unfold")
        assert json.loads(button["value"])["c"] == f"c_{number:08}"
    assert not [b for b in message.blocks if b["type"] == "actions"]
    assert "20 not opened yet" in message.text
    assert "case c_00000001" in message.text


@pytest.mark.parametrize("state", STATES)
def test_a_line_says_what_became_of_its_case(state: Any) -> None:
    case = folded(state=state)
    if state in ("approved", "sending", "sent"):
        verdict = Verdict(
            outcome="approved", by="UAGENT2", role="r", at=NOW, resolution_code="answered", next_action="none"
        )
        case = replace(case, verdict=verdict, approvals=(an_approval(case),))
    message = shown(case)
    assert refusals(message.blocks) == []
    (line,) = lines(message)
    assert ("accessory" in line) is not case.is_final
    if case.is_final:
        assert "All are opened or over" in seen(message.blocks)
    words = {"sent": "Sent, approved by Ben Okafor", "superseded": "Superseded", "expired": "Expired", "pending": "due"}
    assert words.get(state, "") in line["text"]["text"]


def test_an_opened_line_leads_to_the_packet() -> None:
    (line,) = lines(shown(folded(packets=(a_packet(digest=KEY),))))
    assert "↗ Opened" in line["text"]["text"]
    assert line["accessory"]["action_id"] == "cs:open"
    assert line["accessory"]["url"].startswith("https://acme.slack.example/archives/")


def test_a_line_says_who_has_claimed_it() -> None:
    claim = Claim(user="UAGENT3", person="p", at=NOW, until=NOW)
    assert "claimed by Chloé Martin" in lines(shown(folded(claim=claim)))[0]["text"]["text"]


@given(text=st.one_of(st.sampled_from(HOSTILE), st.text(max_size=300)))
def test_nothing_in_a_line_comes_alive(text: str) -> None:
    case = folded(
        ticket=a_ticket(id=text or "t"),
        customer=a_customer(id=text or "c", name=text),
        action=Action(type=text or "x", amount_text=text),
        signals=signals(text or "x"),
    )
    message = shown(*(replace(case, id=f"c_{number:08}") for number in range(LINES)))
    assert refusals(message.blocks) == []
    assert pings(message.text, message.blocks) == []
    assert SENTINEL not in our_markup(message.blocks)


# --- where else a folded case is listed --------------------------------------------------------------------------


def test_lists_lead_to_the_digest_and_home_and_card_open_it() -> None:
    case = folded()
    around = replace(AROUND, digests={KEY: ("C1", "17.000001")})
    (link,) = [e for e in case_line(case, around) if e["type"] == "link"]
    assert link["url"].endswith("/archives/C1/p17000001")
    assert "in a digest" in seen(case_line(case, AROUND))
    home = [b for b in home_view("UAGENT1", [case], AROUND)["blocks"] if b["type"] == "actions"]
    assert [e["action_id"] for row in home for e in row["elements"]] == ["cs:unfold"]
    card = [b for b in case_card(case, AROUND, frozenset({"history"})).blocks if b["type"] == "actions"]
    assert [e["action_id"] for row in card for e in row["elements"]] == ["cs:unfold", "cs:history"]


def test_a_queue_says_how_far_behind_posting_is() -> None:
    assert "posting is 2 min behind" in seen(queue_line(QueueRow(channel="q", pending=130, unposted=125)))
    assert "behind" not in seen(queue_line(QueueRow(channel="q", pending=3, unposted=2)))
