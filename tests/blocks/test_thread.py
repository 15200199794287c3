"""Thread replies, direct messages, private notices, queues and App Home."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from app.core.effects import DirectMessage, ThreadReply
from app.core.findings import Finding
from app.core.parts import draft_parts
from blocks.card import case_card
from blocks.home import home_view
from blocks.notices import notice_blocks
from blocks.packet import packet_message
from blocks.queue import (
    HELP,
    QueueRow,
    age,
    help_message,
    mine_message,
    queue_detail,
    queue_message,
)
from blocks.thread import direct_message, thread_message
from tests.blocks.reading import AROUND, buttons, draft_shown, links, pings, refusals, seen, view_refusals, words_of
from tests.make import a_case, a_draft, a_high_case, an_approval

LONG = "".join(f"Sentence {i} of a very long reply.\n" for i in range(600))


def reply(kind, mentions=(), /, **data):
    return ThreadReply(packet="p1", kind=kind, mentions=mentions, data=data)


def test_reply_is_whole_over_packet_and_thread():
    case = a_case(drafts=(a_draft(LONG),))
    shown = [draft_shown(packet_message(case, case.packets[0], AROUND).blocks)]
    for part in range(1, len(draft_parts(LONG))):
        message = thread_message(case, reply("draft_part", part=part, version=1), AROUND)
        assert refusals(message.blocks) == []
        assert f"part {part + 1} of" in words_of(message)
        shown.append(draft_shown(message.blocks))
    assert "".join(shown) == LONG


def test_part_of_a_text_that_changed_or_is_withheld_is_not_shown():
    case = a_case(drafts=(a_draft(LONG),))
    newer = replace(case, drafts=(*case.drafts, a_draft("Short.", version=2, author="human")))
    paused = replace(AROUND, paused=True)
    leak = Finding(
        rule_id="pii",
        rule_version="1",
        type="pii",
        action="blocked",
        start=0,
        end=9,
        entity="US_SSN",
        sensitive=True,
        source="draft:1",
    )
    for changed, around in ((newer, AROUND), (case, paused), (replace(case, findings=(leak,)), AROUND)):
        message = thread_message(changed, reply("draft_part", part=1, version=1), around)
        assert "Sentence" not in words_of(message) + message.text
        assert "is not shown" in words_of(message)
    assert "is not shown" in words_of(thread_message(case, reply("draft_part", part=99, version=1), AROUND))


def test_reminder_pings_those_who_can_act_and_nobody_else():
    case = a_high_case()
    message = thread_message(case, reply("reminder", ("UBILL1", "UBILL2", "<!channel>")), AROUND)
    assert pings(message.text, []) == ["UBILL1", "UBILL2"]
    assert pings("", message.blocks) == ["UBILL1", "UBILL2"]
    assert "Support agent or Billing" in words_of(message)


ESCALATED = {"role": "billing_approver", "channel": "billing-approvals", "reason": "No decision."}
FAILED = {"error": "422 from the helpdesk", "remedy": "Look at field x", "reply": True}


@pytest.mark.parametrize(
    ("effect", "part"),
    [
        (reply("escalated", **ESCALATED), "Billing in #billing-approvals. No decision."),
        (reply("decided", by="UAGENT2", kind="approve", stage="review"), "Ben Okafor approved"),
        (reply("reopened", by="UAGENT2"), "Ben Okafor. It waits for a decision again."),
        (
            reply(
                "reassessed", by="UAGENT2", words="about a refund", role="billing_approver", channel="b", reason="No."
            ),
            "by Ben Okafor: about a refund. It is decided by Billing in #b. No.",
        ),
        (reply("voided", reason="The text was edited."), "void\n · The text was edited."),
        (reply("delivered"), "The customer has the reply"),
        (reply("delivered", late=True), "already superseded"),
        (reply("failed", **FAILED), "not delivered\n · 422 from the helpdesk Look at field x"),
        (reply("held", reason="AI replies are paused"), "Held back before sending\n · AI replies are paused"),
        (reply("holding"), "The draft was not sent"),
    ],
)
def test_each_reply_says_what_happened(effect, part):
    state = "superseded" if effect.data.get("late") else "pending"
    message = thread_message(replace(a_high_case(), state=state), effect, AROUND)
    assert refusals(message.blocks) == []
    assert part in words_of(message)
    assert pings(message.text, message.blocks) == []


def test_direct_messages_say_why_and_lead_to_the_packet():
    case = replace(a_high_case(), state="sent")
    case = replace(case, approvals=(an_approval(case, "UBILL2", kind="sign_off", role="billing_approver"),))
    receipt = direct_message(
        case, DirectMessage(user="UBILL2", kind="receipt", data={"request_hash": case.request_hash}), AROUND
    )
    assert case.request_hash in words_of(receipt)
    assert "you signed off a refund of 240 EUR" in words_of(receipt)
    assert buttons(receipt.blocks)["Open packet"]["url"].endswith("/archives/CBILLINGAPPROVALS/p1772442001000100")
    data = {"by": "UAGENT2", "category": "tone", "text": "Too curt", "then": "redraft"}
    feedback = direct_message(case, DirectMessage(user="UAGENT1", kind="feedback", data=data), AROUND)
    assert "Ben Okafor. tone: Too curt. The AI drafts again" in words_of(feedback)
    for kind in ("urgent", "submitter_decided", "cc_opened", "cc_closed"):
        message = direct_message(case, DirectMessage(user="UAGENT1", kind=kind), AROUND)
        assert refusals(message.blocks) == []
        assert case.id in words_of(message)


def test_notice_offers_undo_only_where_it_is_possible():
    case = a_case()
    with_undo = notice_blocks("done", "Approved.", case=case, packet=case.packets[0], around=AROUND, undo=True)
    assert json.loads(buttons(with_undo)["Undo"]["value"]) == {"c": case.id, "h": case.request_hash, "p": "p1"}
    assert buttons(notice_blocks("done", "Approved.", case=case)) == {}
    assert refusals(with_undo) == []


def test_refusal_says_how_it_is_now():
    case = a_case()
    said = seen(notice_blocks("refused", "You are not in Billing.", case=case, packet=case.packets[0], around=AROUND))
    assert "You are not in Billing." in said
    assert "Low: approve a reply about shipping status" in said
    over = seen(notice_blocks("refused", "Too late.", case=replace(case, state="expired"), around=AROUND))
    assert "Expired" in over
    assert refusals(notice_blocks("refused", "<!channel> " * 900)) == []


def test_queues_are_told_in_digits_with_the_next_ten():
    rows = [
        QueueRow(channel="support-review", pending=12, oldest=7_500, overdue=2),
        QueueRow(channel="legal-approvals", pending=0),
    ]
    message = queue_message(rows, [a_case()] * 14, AROUND, waiting=(12, 2))
    said = words_of(message)
    assert "12 pending · oldest 2 h 5 min · ⚠ 2 overdue" in said
    assert said.count("cs_4f9a1c02d7") == 10
    assert message.text == "12 cases pending, 2 overdue"
    assert refusals(message.blocks) == []
    assert len(links(message.text, message.blocks)) == 1
    detail = queue_detail(rows[0], [a_case()] * 14, AROUND)
    assert "and 4 more" in words_of(detail)
    assert refusals(detail.blocks) == []


@pytest.mark.parametrize(
    ("seconds", "words"), [(-5, "0 s"), (59, "59 s"), (3_599, "59 min"), (7_200, "2 h"), (190_000, "2 d 4 h")]
)
def test_ages_are_short(seconds, words):
    assert age(seconds) == words


def test_help_lists_every_form_once():
    said = words_of(help_message())
    assert all(command in said and what in said for command, what in HELP)
    assert said.count("/approvals") == len(HELP)
    assert refusals(help_message().blocks) == []


def test_what_was_not_understood_is_said_above_the_help():
    message = help_message("/approvals does not know “<!channel>”.")
    assert "<!channel>" in words_of(message)
    assert pings(message.text, message.blocks) == []


def test_mine_and_case_say_where_it_stands_with_links():
    case = a_high_case()
    mine = mine_message([case] * 12, AROUND)
    assert "12 cases waiting for you" in words_of(mine)
    assert "and 2 more" in words_of(mine)
    assert "0 cases waiting for you" in words_of(mine_message([], AROUND))
    one = case_card(case, AROUND, {"history"})
    assert "a refund of 240 EUR" in words_of(one)
    assert links(one.text, one.blocks) == {"https://acme.slack.example/archives/CBILLINGAPPROVALS/p1772442001000100"}
    over = case_card(replace(case, state="expired", timers=()), AROUND, {"reopen"})
    assert "Expired" in words_of(over)
    new = case_card(replace(case, assessment=None, state="received", packets=()), AROUND, frozenset())
    for message in (mine, one, over, new):
        assert refusals(message.blocks) == []


def test_home_shows_my_cases_with_working_buttons():
    cases = [a_case(), a_high_case()]
    view = home_view(
        "UAGENT1", cases, AROUND, delegations=("Dana decides for you until Friday",), figures=(("Pending", "2"),)
    )
    assert view_refusals(view) == []
    said = seen(view["blocks"])
    for part in ("2 cases waiting for you, Ana Ruiz", "48377", "Dana decides", "Pending: 2"):
        assert part in said
    rows = [[e["text"]["text"] for e in b["elements"]] for b in view["blocks"] if b["type"] == "actions"]
    assert [(row[0], row[-1]) for row in rows] == [("Open packet", "View history")] * 2
    many = home_view("UAGENT1", cases * 60, AROUND)
    assert view_refusals(many) == []
    assert "100 further cases" in seen(many["blocks"])
    assert "Nothing to decide" in seen(home_view("UAGENT1", [], AROUND)["blocks"])


def test_reminders_name_the_deadline():
    case = a_case()
    assert "2026-03-03 09:00 UTC" in words_of(thread_message(case, reply("reminder"), AROUND))
    assert "Due" not in words_of(thread_message(replace(case, timers=()), reply("reminder"), AROUND))
