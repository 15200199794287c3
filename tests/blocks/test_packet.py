"""What a packet shows while people are asked."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from msgspec.structs import replace

from app.core.assessment import Reason
from app.core.case import Attachment, Customer, Escalation, Fact, Note
from app.core.findings import Finding
from blocks.packet import MAX_CHARACTERS, characters, packet_message
from tests.blocks.reading import AROUND, buttons, draft_shown, links, pings, refusals, seen, strings, words_of
from tests.make import (
    CHECKLIST,
    NOW,
    a_case,
    a_draft,
    a_high_case,
    a_message,
    a_packet,
    an_approval,
    an_assessment,
)

BLOCKED = Finding(
    rule_id="refunds.commit",
    rule_version="3",
    type="refunds",
    action="blocked",
    start=0,
    end=5,
    reason="Promises a refund that nobody verified",
    source="draft:1",
    side="output",
)


def shown(case, key="p1", around=AROUND):
    return packet_message(case, case.packet(key), around)


def header(message) -> str:
    return message.blocks[0]["text"]["text"]


def position(message, part: str) -> int:
    return next(i for i, b in enumerate(message.blocks) if part in "\n".join(strings(b)))


def test_header_says_tier_and_what_is_asked():
    assert header(shown(a_case())) == "Low: approve a reply about shipping status, Acme Tools"
    assert header(shown(a_high_case())) == "High: approval 1 of 2 for a refund of 240 EUR, Acme Tools"
    withheld = a_high_case(drafts=(a_draft(),))
    assert header(shown(withheld)) == "High: write a reply about a refund of 240 EUR, Acme Tools"
    asked = a_case(packets=(a_packet(kind="write_reply"),))
    assert header(shown(asked)) == "Low: write a reply about shipping status, Acme Tools"
    must_edit = a_case(assessment=an_assessment(tier="medium", must_edit=True))
    assert header(shown(must_edit)) == "Medium: edit and approve a reply about shipping status, Acme Tools"


def test_a_packet_is_called_escalated_only_where_the_case_was():
    packet = a_packet(kind="escalation", role="legal_approver", channel="legal-approvals")
    case = a_high_case(state="awaiting_signoff", stage=1, packets=(packet,))
    assert header(shown(case)) == "High: waiting for sign-off on a refund of 240 EUR, Acme Tools"
    late = Escalation(reason="Nobody answered.", trigger_type="rule", to_role="legal_approver", at=NOW)
    assert header(shown(replace(case, escalations=(late,)))).startswith("High: escalated, waiting for sign-off")


def test_signoff_header_is_the_one_of_the_specification():
    case = a_high_case()
    case = replace(case, state="awaiting_signoff", stage=1, approvals=(an_approval(case),))
    packet = a_packet(key="s3", kind="signoff", role="billing_approver", request_hash=case.request_hash)
    message = packet_message(replace(case, packets=(*case.packets, packet)), packet, AROUND)
    assert header(message) == "High: sign-off for a refund of 240 EUR, Acme Tools"


def test_reader_meets_ask_deadline_and_reason_before_anything_else():
    message = shown(a_case())
    order = ["Low: approve", "*Due*", "Why you see this", "my parcel was due", "Hello Maria", "View history", "Segment"]
    places = [position(message, part) for part in order]
    assert places == sorted(places)
    assert places[:3] == [0, 1, 2]


def test_packet_names_case_ticket_queue_and_submitter_visibly_and_in_metadata():
    case = a_case()
    message = shown(case)
    for part in (case.id, "48213", "#support-review", "support-ai"):
        assert part in words_of(message)
    assert case.id in message.text
    assert "48213" in message.text
    assert message.metadata == {
        "event_type": "countersign_case",
        "event_payload": {"case_id": case.id, "draft_version": 1, "request_hash": case.request_hash},
    }


def test_times_are_date_tokens_with_a_utc_fallback():
    message = shown(a_case())
    assert "<!date^1772528400^{date_short_pretty} {time}|2026-03-03 09:00 UTC>" in words_of(message)
    far = a_case(deadline=NOW.replace(year=9998), timers=())
    assert "9998-03-02 09:00 UTC" in words_of(shown(far))
    assert refusals(shown(far).blocks) == []


def test_buttons_carry_case_hash_and_packet():
    case = a_case()
    row = buttons(shown(case).blocks)
    assert list(row) == ["Approve", "Edit", "Reject", "Claim", "View history"]
    assert row["Approve"]["style"] == "primary"
    assert row["Reject"]["style"] == "danger"
    assert row["Approve"]["action_id"] == "cs:approve"
    assert json.loads(row["Approve"]["value"]) == {"c": case.id, "h": case.request_hash, "p": "p1"}
    assert "confirm" not in row["Approve"]


def test_high_tier_confirms_exactly_what_is_approved():
    case = a_high_case()
    confirm = buttons(shown(case).blocks)["Approve"]["confirm"]["text"]["text"]
    for part in ("refund of 240 EUR", "version 1", "Acme Tools", "by e-mail", case.request_hash[:12]):
        assert part in confirm


def test_withheld_draft_is_nowhere_in_the_packet():
    secret = "We have issued the refund already"
    case = a_high_case(drafts=(a_draft(secret, reasoning="because refunds are fine", summary="Charged twice."),))
    for key in ("p1", "p2"):
        message = shown(case, key)
        row = buttons(message.blocks)
        assert "The AI's draft is withheld: policy allows a summary only" in words_of(message).replace("\n", "")
        assert "Charged twice." in words_of(message)
        assert secret not in words_of(message) + message.text
        assert "Approve" not in row
        assert {"Write reply", "View withheld draft"} <= set(row)
    assert "Reject" not in buttons(shown(case, "p2").blocks)


def test_withheld_ai_text_does_not_come_out_as_a_comparison():
    secret = "We have issued the refund already"
    written = a_draft("We are looking into it.", version=2, author="human", author_id="UAGENT1")
    case = a_high_case(drafts=(a_draft(secret), written))
    assert "issued" not in words_of(shown(case))


def test_pause_withholds_ai_text_but_not_a_persons():
    paused = replace(AROUND, paused=True)
    ai = a_case()
    assert "Write reply" in buttons(shown(ai, around=paused).blocks)
    assert ai.draft.text not in words_of(shown(ai, around=paused))
    human = a_case(drafts=(a_draft("My own words.", author="human", author_id="UAGENT2"),))
    assert "Approve" in buttons(shown(human, around=paused).blocks)


def test_blocked_draft_cannot_be_approved_and_says_why():
    message = shown(a_case(findings=(BLOCKED,)))
    assert list(buttons(message.blocks)) == ["Edit", "Reject", "Claim", "View history"]
    assert "Cannot be approved as it is" in words_of(message)
    assert "Promises a refund that nobody verified" in words_of(message)


def test_blocked_draft_that_echoes_sensitive_data_is_masked():
    text = "Your card 4111 1111 1111 1111 is on file."
    echo = replace(BLOCKED, type="pii", entity="CREDIT_CARD", sensitive=True, start=10, end=29)
    message = shown(a_case(drafts=(a_draft(text),), findings=(echo,)))
    assert "4111 1111" not in words_of(message) + message.text


def test_customers_sensitive_data_is_masked_and_the_name_stays():
    text = "I am Maria, SSN 078-05-1120, mail maria@acme.example"
    at = {word: text.index(word) for word in ("Maria", "078", "maria@")}
    base = {"rule_version": "1", "type": "pii", "action": "masked", "source": "message:0"}
    found = (
        Finding(rule_id="n", start=at["Maria"], end=at["Maria"] + 5, entity="PERSON", **base),
        Finding(rule_id="s", start=at["078"], end=at["078"] + 11, entity="US_SSN", sensitive=True, **base),
        Finding(rule_id="e", start=at["maria@"], end=len(text), entity="EMAIL", **base),
    )
    message = shown(a_case(messages=(a_message(text),), findings=found))
    everything = words_of(message) + message.text
    assert "I am Maria" in words_of(message)
    assert "078-05" not in everything
    assert "maria@acme" not in everything
    assert "Masked: us ssn in the customer's message" in words_of(message).replace("\n", "")


def test_newest_customer_message_is_quoted_and_the_rest_is_counted():
    newest = a_message("And now?", attachments=(Attachment(name="photo.jpg"), Attachment(name="bill.pdf")))
    messages = (a_message("First."), a_message("A reply.", author="agent"), a_message("Second."), newest)
    said = words_of(shown(a_case(messages=messages)))
    assert "And now?" in said
    assert "First." not in said
    assert "2 earlier messages" in said
    assert "2 attachments: photo.jpg, bill.pdf" in said


def test_reasons_are_one_line_each_and_the_others_follow_below():
    reasons = tuple(Reason(rule_id=f"r{i}", text=f"Because of {i}") for i in range(6))
    message = shown(a_case(assessment=an_assessment(reasons=reasons)))
    assert position(message, "Because of 2") < position(message, "View history")
    assert "and 3 more below" in words_of(message)
    assert position(message, "Because of 5") > position(message, "View history")


def test_long_reply_says_that_it_goes_on_in_the_thread():
    text = "One more line of the reply.\n" * 700
    message = shown(a_case(drafts=(a_draft(text),)))
    assert text.startswith(draft_shown(message.blocks))
    assert 5_000 < len(draft_shown(message.blocks)) <= 6_000
    assert "more characters follow in this thread" in words_of(message)


def test_invisible_characters_in_the_reply_are_pointed_out():
    message = shown(a_case(drafts=(a_draft("Pay \u202e021\u202c EUR\u200b now"),)))
    assert "3 characters that nobody can see" in words_of(message)
    assert "nobody can see" not in words_of(shown(a_case(drafts=(a_draft("Fine 👩‍🚀 ❤️"),))))


def test_hidden_characters_in_a_name_do_not_reach_the_header():
    case = a_case(customer=Customer(id="c-1", name="\u202eevil\u2066\n\nName\u200b"))
    assert header(shown(case)).endswith(", evil Name")
    nameless = a_case(customer=Customer(id="c-1", name="\u200b\n"))
    assert header(shown(nameless)).endswith(", c-1")


def test_edit_shows_what_changed():
    second = a_draft(
        "Hello Maria, your parcel left our warehouse yesterday and should be with you tomorrow.",
        version=2,
        author="human",
        author_id="UAGENT2",
    )
    message = shown(a_case(drafts=(a_draft(), second)))
    parts = [
        e
        for b in message.blocks
        if b["type"] == "rich_text"
        for s in b["elements"]
        for e in s["elements"]
        if e["type"] == "text"
    ]
    assert [e["text"].strip() for e in parts if e.get("style") == {"strike": True}] == ["today"]
    assert "yesterday" in [e["text"].strip() for e in parts if e.get("style") == {"bold": True}]
    assert "written by Ben Okafor" in words_of(message)


def test_progress_names_who_is_missing():
    case = a_high_case()
    assert "0 of 2, waiting for Support agent or Billing" in words_of(shown(case))
    waiting = replace(case, state="awaiting_signoff", stage=1, approvals=(an_approval(case),))
    said = words_of(shown(waiting))
    assert "1 of 2, waiting for Billing" in said
    assert "Ben Okafor (Support agent)" in said
    assert list(buttons(shown(waiting).blocks)) == ["Edit", "Reject", "Claim", "View history"]


def test_decline_and_notes_are_shown_to_the_next_reviewer():
    note = Note(user="UBILL1", text="Amount is wrong", at=NOW, kind="decline")
    message = shown(a_case(notes=(note,)))
    assert position(message, "Amount is wrong") < position(message, "View history")
    assert "Hana Sato" in words_of(message)


def test_rejected_version_is_shown_but_cannot_be_approved():
    case = replace(a_case(), rejected_versions=(1,))
    message = shown(case)
    assert "Rejected reply, will not be sent" in words_of(message)
    assert list(buttons(message.blocks)) == ["Write reply", "Reject", "Claim", "View history"]


def test_packet_for_information_has_no_decision_buttons():
    packet = a_packet(key="p3", kind="escalation", role="support_lead", channel="support-escalations", can_decide=False)
    case = a_case(packets=(a_packet(), packet))
    assert list(buttons(shown(case, "p3").blocks)) == ["View history"]
    assert "for your information" in header(shown(case, "p3"))
    deciding = replace(packet, can_decide=True)
    assert "Approve" in buttons(shown(replace(case, packets=(a_packet(), deciding)), "p3").blocks)


def test_facts_and_context_are_short_fields():
    case = a_case(
        customer=replace(a_case().customer, vip=True, regulated=True, industry="health_care"),
        context=(Fact(label="Plan", value="Pro " * 500),),
    )
    said = words_of(shown(case))
    for part in ("Segment: standard", "Contract: 12,000 EUR", "VIP: yes", "Intent: shipping status, 93 %"):
        assert part in said
    assert max(map(len, [line for line in said.splitlines() if line.startswith("Plan:")])) < 280


def test_long_case_stays_within_slacks_limits():
    case = a_case(
        messages=tuple(a_message(f"message {i} " + "long " * 3_000) for i in range(200)),
        drafts=(
            a_draft("wort " * 4_000, reasoning="r" * 9_000, summary="s" * 9_000, internal_note="n" * 9_000),
            a_draft("word " * 4_000, version=2, author="human", author_id="UAGENT1"),
        ),
        context=tuple(Fact(label=f"Label {i} " * 20, value="v" * 20_000) for i in range(10)),
        assessment=an_assessment(
            reasons=tuple(Reason(rule_id=f"r{i}", text=f"reason {i} " * 60, guidance="g " * 900) for i in range(40)),
            checklist=CHECKLIST,
        ),
        notes=tuple(Note(user="UAGENT1", text="n " * 3_000, at=NOW) for _ in range(40)),
        findings=tuple(replace(BLOCKED, rule_id=f"rule{i}", reason="why " * 500) for i in range(60)),
    )
    message = shown(case)
    assert refusals(message.blocks) == []
    assert len(message.blocks) <= 50
    assert characters(message.blocks) <= MAX_CHARACTERS + 200
    assert len(message.text) < 4_000
    assert {"Edit", "Reject"} <= set(buttons(message.blocks))


def test_same_case_gives_the_same_digest_and_a_change_another():
    case = a_case()
    assert shown(case).digest == shown(a_case()).digest
    assert shown(case).digest != shown(replace(case, state="expired", timers=())).digest


def test_only_known_links_are_live():
    message = shown(a_case())
    assert links(message.text, message.blocks) == {
        "https://helpdesk.example/tickets/48213",
        "https://kb.example/shipping",
    }
    evil = a_case(ticket=replace(a_case().ticket, url="https://x.example/|<!channel>"))
    assert "x.example" not in seen(shown(evil).blocks)
    script = a_case(ticket=replace(a_case().ticket, url="javascript:alert(1)"))
    assert "javascript" not in seen(shown(script).blocks)


@pytest.mark.parametrize("hours", [0, 30])
def test_next_rung_is_named(hours):
    case = a_high_case()
    case = replace(case, timers=tuple(replace(t, due_at=t.due_at + timedelta(hours=hours)) for t in case.timers))
    assert "goes to specialist" in words_of(shown(case))
    assert pings(shown(case).text, shown(case).blocks) == []


def test_the_switch_changes_nothing_about_a_case_that_is_over():
    """Nobody shows its packets anew when the switch is thrown, so they must say what stays true."""
    paused = replace(AROUND, paused=True)
    withheld = a_high_case(drafts=(a_draft(),), state="expired")
    edited = a_case(drafts=(a_draft(), a_draft("Another text.", version=2, author="human")), state="sent")
    for case in (withheld, edited):
        assert shown(case, around=paused).digest == shown(case).digest
