"""Slack delivers twice, late, and after a restart: repeats are harmless and never silent (DE2, SL3)."""

from __future__ import annotations

from pathlib import Path

from app.core.effects import DECISION_EVENTS
from app.sandbox.model import Content
from tests.e2e.running import Office
from tests.e2e.town import AGENTS, BILLING, DRAFT, MORE_BILLING, Town, high_body, low_body, wait_for


def test_a_click_delivered_twice_decides_once(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    packet = town.message_with(case_id, "cs:approve")
    before = len(town.private(AGENTS[0]))
    town.faults.set("duplicate_delivery", 1)
    assert town.click(AGENTS[0], packet, "cs:approve").ok
    wait_for(lambda: len(town.private(AGENTS[0])) == before + 2, "two answers")
    both = town.private(AGENTS[0])[before:]
    assert sorted("Your approval is recorded" in said for said in both) == [False, True]
    assert any("Already decided: approved by agent00" in said for said in both)
    assert len(town.events(case_id, *DECISION_EVENTS)) == 1
    office.send_delay_over()
    town.reaches(case_id, "sent")
    assert [d.text for d in town.replies(case_id)] == [DRAFT]


def test_a_form_submitted_twice_counts_once(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    town.approve(AGENTS[1], case_id, "cs:edit")
    view = town.form(AGENTS[1])
    state = town.people.open_state(view.id)
    block = next(b for b in state if b.startswith("text"))
    state[block]["value"]["value"] = f"{DRAFT} You will hear from us."
    town.faults.set("duplicate_delivery", 1)
    town.people.submit_view(AGENTS[1], view.id, state)
    assert len(town.events(case_id, "Edited")) == 1
    office.send_delay_over()
    town.reaches(case_id, "sent")
    assert [d.text for d in town.replies(case_id)] == [f"{DRAFT} You will hear from us."]


def test_a_click_that_slack_retries_decides_once(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    packet = town.message_with(case_id, "cs:approve")
    payload = town.click(AGENTS[2], packet, "cs:approve").payload
    for number in (1, 2, 3):
        assert town.people.send("interactive", payload, (number, "http_timeout")).status == 200
    assert len(town.events(case_id, *DECISION_EVENTS)) == 1
    office.send_delay_over()
    town.reaches(case_id, "sent")
    assert len(town.replies(case_id)) == 1


def test_a_thread_reply_delivered_twice_and_out_of_order_is_one_note(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    packet = town.message_with(case_id, "cs:approve")
    channel = town.workspace.channels[packet.channel]
    town.faults.set("duplicate_delivery", True)
    town.faults.set("out_of_order_delivery", True)
    for words in ("Carrier says Monday.", "I called them: Tuesday."):
        town.workspace.post(channel, AGENTS[3], Content(text=words), thread_ts=packet.ts)
    wait_for(lambda: len(town.events(case_id, "NoteAdded")) >= 2, "both notes")
    assert town.people.events.drain()
    notes = town.events(case_id, "NoteAdded")
    assert sorted(note["reason"] for note in notes) == ["Carrier says Monday.", "I called them: Tuesday."]
    assert town.case(case_id)["state"] == "pending"


def test_what_the_bot_writes_itself_is_no_note(town: Town, office: Office) -> None:
    """The workspace echoes the bot's own thread replies back to it."""
    case_id = town.submit(low_body(town.ticket()))
    town.approve(AGENTS[4], case_id)
    office.send_delay_over()
    town.reaches(case_id, "sent")
    root = next(m for m in town.messages() if case_id in m.text and not m.is_reply)
    wait_for(lambda: len(town.workspace.thread(root.channel, root.ts)) > 1, "the receipt in the thread")
    assert town.people.events.drain()
    assert town.events(case_id, "NoteAdded") == []


def test_after_a_restart_old_messages_still_answer(tmp_path: Path) -> None:
    town = Town(trigger_lifetime=60.0)
    url = f"sqlite:///{tmp_path / 'countersign.db'}"
    try:
        office = Office(town, url)
        decided, waiting = town.submit(low_body(town.ticket())), town.submit(high_body(town.ticket()))
        old = town.message_with(decided, "cs:approve")
        town.approve(AGENTS[0], decided)
        town.approve(BILLING, waiting)
        request = town.message_with(waiting, "cs:signoff")
        office.stop()

        office = Office(town, url)
        before = len(town.private(AGENTS[1]))
        assert town.click(AGENTS[1], old, "cs:approve").ok
        assert "Already decided: approved by agent00" in town.told(AGENTS[1], before)

        before = len(town.private(BILLING))
        assert town.click(BILLING, request, "cs:signoff").ok
        assert "a second person has to sign off" in town.told(BILLING, before)
        assert town.case(waiting)["state"] == "awaiting_signoff"
        town.approve(MORE_BILLING, waiting, "cs:signoff")

        office.send_delay_over()
        for case_id in (decided, waiting):
            town.reaches(case_id, "sent")
            assert len(town.replies(case_id)) == 1
        office.stop()
    finally:
        town.close()
