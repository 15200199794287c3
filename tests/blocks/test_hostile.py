"""Whatever customers, agents and integrators write: every surface is valid, dead, and shows the whole reply."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.core.assessment import Reason
from app.core.case import STATES, Action, Attachment, Extracted, Fact, Gist, Note, Source, Submitter, Verdict
from app.core.effects import DirectKind, DirectMessage, ThreadKind, ThreadReply
from app.core.figures import Figures
from app.core.findings import Finding
from app.core.offering import Offer
from app.core.parts import draft_parts
from app.courier import with_digest
from app.sandbox.validation import MAX_BLOCK_TEXT, block_text_size
from blocks.card import case_card
from blocks.figures import stats_message
from blocks.history import history_view
from blocks.home import home_view
from blocks.modals import (
    approve_view,
    decline_view,
    edit_view,
    message_view,
    reassess_view,
    reject_view,
    withdraw_view,
    withheld_view,
    write_view,
)
from blocks.notices import notice_blocks
from blocks.packet import packet_message
from blocks.personal import personal_view
from blocks.queue import QueueRow, queue_message
from blocks.stuck import StuckRow, stuck_message
from blocks.thread import direct_message, thread_message
from tests.blocks.reading import AROUND, draft_shown, links, our_markup, pings, refusals, view_refusals
from tests.make import NOW, a_case, a_draft, a_high_assessment, a_message, a_packet, an_approval, an_assessment

SENTINEL = "Zqx"  # stands in every foreign text, so that one that strays into our markup is seen
HOSTILE = (
    "<!channel> Zqx <!here|now>",
    "<@U1> <@UBILL1|Zqx> <!subteam^S1>",
    "<https://evil.example|Zqx Approve>",
    "https://evil.example/Zqx",
    "*Zqx* `code` ```block``` > quote\n• item :tada:",
    "\u202eZqx\u2066 right to left שלום مرحبا",
    "👩‍👩‍👧‍👦🇩🇪 Zqx é́́",
    "Z\u200bq\u200dx\ufeff\U000e0041",
    "\n\n\n\n",
    "",
    " ",
    "{0} %s ${x} Zqx \\ \" '",
    "Zqx " * 5_000,
    "<!everyone>" * 1_800,
    "&lt;!channel&gt; Zqx",
)
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=300)).map(lambda t: t[:20_000])
# The only links there are: the ticket's, the policy owner's, and the draft's source, which says where it leads.
KNOWN_LINKS = {
    "https://helpdesk.example/tickets/48213",
    "https://kb.example/shipping",
    "https://kb.example/refunds",
    "https://docs.example/a",
    "https://acme.slack.example/archives/CSUPPORTREVIEW/p1772442000000100",  # the packet, in direct messages
}


@st.composite
def cases(draw):
    """A case whose every foreign text is hostile, in any state."""
    t = lambda: draw(texts)  # noqa: E731
    base = a_case()
    high = draw(st.booleans())
    drafts = [
        a_draft(
            t(), reasoning=t(), summary=t(), internal_note=t(), sources=(Source(title=t(), url="https://docs.example/a"),),
            suggested_macros=(t(), t()), next_questions=(t(),), author=draw(st.sampled_from(["ai", "human"])),
        )
        if draw(st.booleans())
        else a_draft(t())
    ]  # fmt: skip
    if draw(st.booleans()):
        drafts.append(a_draft(t(), version=2, author="human", author_id="UAGENT2"))
    finding = Finding(
        rule_id=t(), rule_version="1", type="policy", action=draw(st.sampled_from(["allowed", "blocked"])),
        start=0, end=2, reason=t(), guidance="Read https://kb.example/refunds",
        source=draw(st.sampled_from(["draft:1", "message:0", "summary", "context:0", "subject"])),
        entity=draw(st.sampled_from([None, "EMAIL"])),
    )  # fmt: skip
    assess = a_high_assessment if high else an_assessment
    reasons = (Reason(rule_id="r", text=t(), guidance=t(), link="https://kb.example/refunds", facts={"x": t()}),)
    return replace(
        base,
        state=draw(st.sampled_from(STATES)),
        ticket=replace(base.ticket, id=t()[:200], subject=t()),
        customer=replace(base.customer, id=t()[:200], name=t(), segment=t()[:50], industry=t(), regulated=True),
        messages=(
            a_message(t()),
            a_message(t(), author="agent"),
            a_message(t(), attachments=(Attachment(name=t()),)),
        ),
        drafts=tuple(drafts) if draw(st.integers(0, 5)) else (),
        action=Action(type=t(), amount_text=t(), currency=t(), amount=Decimal(240), reference=t()) if high else None,
        context=(Fact(label=t(), value=t()),),
        submitted_by=Submitter(agent=t()),
        metadata={"k": t()},
        findings=(finding,),
        gist=Gist(summary=t(), fields=(Extracted(field="order_id", value=t(), quote=t()),)),
        notes=(Note(user=t(), text=t(), at=NOW, kind=draw(st.sampled_from(["reviewer", "decline", "feedback"]))),),
        verdict=Verdict(outcome="rejected", by=t(), role=t(), at=NOW, reason=t(), category=t(), next_action=t()),
        indeterminate=t(),
        assessment=assess(reasons=reasons, checklist=(t() or "item", "second " * 30)),
    )


def check(text, blocks):
    assert refusals(blocks) == []
    assert pings(text, blocks) == []
    assert links(text, blocks) <= KNOWN_LINKS
    assert SENTINEL not in our_markup(blocks)


def check_message(message):
    check(message.text, message.blocks)
    assert "://" not in message.text


def within_slacks_limits(message):
    """Of one message, as the sandbox enforces them: blocks, their text together, and the text of an update."""
    assert len(message.blocks) <= 50
    assert block_text_size(message.blocks) <= MAX_BLOCK_TEXT
    assert len(message.text) <= 4_000
    assert len(json.dumps(with_digest(message))) <= 8_000


@settings(max_examples=80, deadline=None)
@given(cases(), st.booleans())
def test_packets_are_valid_dead_and_whole(case, paused):
    around = replace(AROUND, paused=paused)
    kinds = ("packet", "write_reply", "escalation", "signoff")
    packets = tuple(a_packet(key=k, kind=k, request_hash=case.request_hash if k == "signoff" else "") for k in kinds)
    packets += (a_packet(key="moved", home="support-review", channel="x"), a_packet(key="p.1", person="UAGENT1"))
    case = replace(case, packets=packets, approvals=(an_approval(case),))
    for packet in packets:
        message = packet_message(case, packet, around)
        check_message(message)
        assert case.id in message.text
        shown = draft_shown(message.blocks)
        held_back = "The AI's draft is withheld" in str(message.blocks)
        assert shown == ("" if held_back or not case.draft else draft_parts(case.draft.text)[0])
        within_slacks_limits(message)
        brief = packet_message(case, replace(packet, brief=True), around)
        check_message(brief)
        assert draft_shown(brief.blocks) == ""
        assert block_text_size(brief.blocks) < 3_000


@settings(max_examples=40, deadline=None)
@given(cases(), texts)
def test_thread_and_direct_messages_are_dead(case, foreign):
    keys = ("reason", "role", "channel", "error", "remedy", "by", "category", "text", "then", "words")
    data = dict.fromkeys(keys, foreign)
    shown = []
    for kind in get_args(ThreadKind):
        if kind == "draft_part":
            continue
        message = thread_message(case, ThreadReply(packet="p1", kind=kind, data=data), AROUND)
        check_message(message)
        within_slacks_limits(message)
    for kind in get_args(DirectKind):
        message = direct_message(case, DirectMessage(user="UAGENT1", kind=kind, data=data), AROUND)
        check_message(replace(message, blocks=[b for b in message.blocks if b["type"] != "actions"]))
    draft = case.sendable_draft
    parts = draft_parts(draft.text) if draft else ("",)
    for part in range(1, len(parts)):
        message = thread_message(case, ThreadReply(packet="p1", kind="draft_part", data={"part": part}), AROUND)
        check_message(message)
        within_slacks_limits(message)
        shown.append(draft_shown(message.blocks))
    assert "".join(shown) == "".join(parts[1:])


@settings(max_examples=40, deadline=None)
@given(cases(), texts)
def test_modals_notices_and_home_are_valid_and_dead(case, foreign):
    packet = case.packets[0]
    meta = {"ch": "C1", "ts": "1.2", "ru": "https://hooks.slack.example/x"}
    forms = (edit_view, approve_view, write_view, reject_view, decline_view, reassess_view, withdraw_view)
    views = [make(case, packet, meta, replace(AROUND, intents=(("topic", foreign, "low"),))) for make in forms]
    event = {"type": foreign, "actor": foreign, "at": NOW, "reason": foreign, "data": {"role": foreign}}
    views += [
        withheld_view(case),
        personal_view(case),
        message_view(foreign, foreign, foreign),
        history_view(case, [event], AROUND),
    ]
    views.append(home_view("UAGENT1", [case], replace(AROUND, workspace_url=""), delegations=(foreign,)))
    views.append(home_view("UAGENT1", [], AROUND, submitted=[case], figures=((foreign, foreign),), may_submit=True))
    for view in views:
        assert view_refusals(view) == []
        check_blocks = [b for b in view["blocks"] if b["type"] != "input"]
        check("", check_blocks)
    check_message(case_card(case, replace(AROUND, workspace_url=""), frozenset(get_args(Offer))))
    check("", notice_blocks("refused", foreign, case=case, packet=packet, around=AROUND))
    bare = replace(AROUND, workspace_url="")
    message = queue_message([QueueRow(channel=foreign, pending=1)], [case], bare, waiting=(1, 0))
    check_message(message)
    row = StuckRow(delivery=f"{case.id}-7", effect="HelpdeskReply", dead=True, error=foreign, age=9.0, case=case)
    stuck = stuck_message([row], replace(AROUND, workspace_url=""), may=True, more=True)
    check_message(replace(stuck, blocks=[b for b in stuck.blocks if b["type"] != "actions"]))
    assert refusals(stuck.blocks) == []
    check_message(stats_message([QueueRow(channel=foreign, pending=1)], Figures(), {"high": 1}))
