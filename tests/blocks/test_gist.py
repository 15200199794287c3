"""A packet whose AI may only summarise: the summary, the extracted fields, what is withheld and why, the buttons."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from app.core.case import Case, Extracted, Gist
from blocks.modals import write_view
from blocks.packet import MAX_BLOCKS, MAX_CHARACTERS, characters, packet_message
from tests.blocks.reading import AROUND, buttons, links, pings, refusals, seen, words_of
from tests.make import a_case, a_draft, a_high_assessment, a_high_case, a_packet, an_assessment, signals

GIST = Gist(
    summary="Acme Tools asks for a refund.\nRef. 48213 · 240 EUR · 2 messages · unhappy\n“It arrived broken.”",
    fields=(
        Extracted(field="asked_action", value="refund", quote="I want a refund."),
        Extracted(field="order_id", value="48213", quote="48213"),
        Extracted(field="order_id", value="48214", quote="48214"),
        Extracted(field="amount", value="240 EUR", quote="240 EUR"),
        Extracted(field="date", value="2026-11-03", quote="3 November"),
        Extracted(field="asked_action", value="address_change", quote="Send it elsewhere."),
    ),
)
SECRET = "We have issued the refund already"


def withheld_case(**changes: Any) -> Case:
    """AI text that policy withholds."""
    known: dict[str, Any] = {"drafts": (a_draft(SECRET, summary=""),), "gist": GIST}
    return a_high_case(**{**known, **changes})


def shown(case: Case, key: str = "p1", around=AROUND):
    return packet_message(case, case.packet(key), around)


def place(message, part: str) -> int:
    return next(i for i, block in enumerate(message.blocks) if part in seen([block]))


@pytest.mark.parametrize("key", ["p1", "p2"])
def test_summary_and_fields_stand_before_the_customers_words_and_the_buttons(key):
    message = shown(withheld_case(), key)
    order = ["Why you see this", "Acme Tools asks for a refund.", "Reference: 48213, 48214", "wrote", "is withheld"]
    places = [place(message, part) for part in [*order, "View history"]]
    assert places == sorted(places)
    said = words_of(message)
    for part in ("“It arrived broken.”", "Amount: 240 EUR", "Date: 2026-11-03", "Asked for: refund, address change"):
        assert part in said
    assert "Acme Tools asks for a refund." in message.text
    assert refusals(message.blocks) == []


def test_withheld_text_is_said_to_be_withheld_and_is_a_click_away():
    message = shown(withheld_case())
    said = words_of(message).replace("\n", "")
    assert "The AI's draft is withheld: policy allows a summary only" in said
    assert "The AI's draft is withheld" in message.text
    assert SECRET not in said + message.text
    assert list(buttons(message.blocks)) == ["Write reply", "Reject", "Claim", "View history", "View withheld draft"]


def test_the_ais_own_summary_is_marked_as_the_ais():
    case = withheld_case(drafts=(a_draft(SECRET, summary="Charged twice."),))
    said = words_of(shown(case)).replace("\n", "")
    assert "AI's summary · Charged twice." in said
    assert said.count("Charged twice.") == 1
    by_llm = words_of(shown(withheld_case(gist=replace(GIST, source="llm"))))
    assert "Summary by the AI" in by_llm
    assert "Summary by the AI" not in said


@pytest.mark.parametrize("gist", [None, Gist(summary=" \n")])
def test_a_case_without_a_gist_says_nothing_about_it(gist):
    said = words_of(shown(withheld_case(gist=gist)))
    assert "Summary" not in said
    assert "The AI's draft is withheld" in said


def test_an_unsure_topic_is_given_as_the_reason():
    unsure = a_high_assessment(band="low")
    case = withheld_case(assessment=unsure, signals=signals("refund_request", intent_confidence=0.41))
    assert "The topic is not sure (0.41), so the AI only summarises." in words_of(shown(case))
    unknown = replace(case, signals=replace(case.signals, intent=None))
    assert "Nobody could tell the topic, so the AI only summarises." in words_of(shown(unknown))
    assert "so the AI only summarises" not in words_of(shown(withheld_case()))


def test_where_the_ai_may_draft_there_is_no_summary_until_replies_are_paused():
    case = a_case(gist=GIST)
    assert "asks for a refund" not in words_of(shown(case))
    paused = shown(case, around=replace(AROUND, paused=True))
    assert place(paused, "asks for a refund") < place(paused, "View history")
    assert "The AI's draft is withheld: AI replies are paused" in words_of(paused).replace("\n", "")


def test_once_a_person_wrote_the_reply_comes_first_and_the_summary_below():
    message = shown(a_high_case(gist=GIST))
    assert place(message, "we are looking at the second charge") < place(message, "asks for a refund")
    assert place(message, "View history") < place(message, "asks for a refund")
    assert "asks for a refund" not in message.text


def test_who_writes_has_the_summary_in_the_modal():
    case = withheld_case()
    view = write_view(case, case.packets[0], {"ch": "C1", "ts": "1.2", "ru": ""}, AROUND)
    assert "asks for a refund" in seen(view["blocks"])
    assert SECRET not in str(view)


def test_customers_words_in_a_summary_are_dead_and_bounded():
    evil = "<!channel> <@UBILL1> *bold* https://evil.example/x <https://evil.example|Approve> "
    fields = tuple(
        Extracted(field=field, value=f"{evil}{i}", quote=evil)
        for i in range(5)
        for field in ("order_id", "amount", "date", "asked_action")
    )
    message = shown(withheld_case(gist=Gist(summary="\n".join([evil * 40] * 9), fields=fields)))
    assert pings(message.text, message.blocks) == []
    assert not any("evil" in url for url in links(message.text, message.blocks))
    assert refusals(message.blocks) == []
    assert len(message.blocks) <= MAX_BLOCKS
    assert characters(message.blocks) <= MAX_CHARACTERS
    assert "and 2 more" in words_of(message)
    above = message.blocks[: place(message, "wrote")]
    assert characters(above) < 2_600


def test_a_packet_without_a_reply_stays_short_on_a_phone():
    """About 45 characters a line at 375 px; a screen holds some 25 of them (SL1)."""
    message = shown(withheld_case())
    until_buttons = message.blocks[: place(message, "View history")]
    assert sum(1 + len(line) // 45 for line in seen(until_buttons).split("\n")) <= 50


def blocked_case(**changes: Any) -> Case:
    return replace(a_case(timers=()), state="blocked", **changes)


def test_a_blocked_case_can_be_written_or_rejected_but_not_approved():
    for case in (blocked_case(), blocked_case(drafts=())):
        assert list(buttons(shown(case).blocks)) == ["Write reply", "Reject", "Claim", "View history"]
    helper = blocked_case(packets=(a_packet(kind="write_reply"),))
    assert list(buttons(shown(helper).blocks)) == ["Write reply", "Claim", "View history"]
    informed = blocked_case(packets=(a_packet(kind="escalation", can_decide=False),))
    assert list(buttons(shown(informed).blocks)) == ["View history"]
    asked = blocked_case(packets=(a_packet(kind="signoff"),))
    assert list(buttons(shown(asked).blocks)) == ["View history"]


def test_a_blocked_case_keeps_withheld_text_a_click_away_and_shows_its_summary():
    assessment = an_assessment(ai_mode="summarize_only")
    message = shown(blocked_case(assessment=assessment, drafts=(a_draft(SECRET),), gist=GIST))
    assert list(buttons(message.blocks)) == ["Write reply", "Reject", "Claim", "View history", "View withheld draft"]
    assert SECRET not in words_of(message)
    assert place(message, "asks for a refund") < place(message, "View history")


@pytest.mark.parametrize("state", ["pending", "awaiting_signoff", "blocked"])
def test_the_helper_packet_is_for_writing_even_when_there_is_a_text(state):
    case = replace(a_high_case(), state=state)
    assert case.sendable_draft is not None
    assert list(buttons(shown(case, "p2").blocks)) == ["Write reply", "Claim", "View history"]
    assert "Write reply" not in buttons(shown(replace(case, state="pending")).blocks)
