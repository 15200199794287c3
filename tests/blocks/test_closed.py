"""What packets say once a case is decided, and what a sign-off request says at each moment."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from app.core.case import STATES, Note, Verdict
from blocks.packet import packet_message
from tests.blocks.reading import AROUND, buttons, draft_shown, refusals, words_of
from tests.make import NOW, a_case, a_draft, a_high_case, a_packet, an_approval

FIRST = "UAGENT2"


def verdict(outcome: str, **changes) -> Verdict:
    return Verdict(
        **{"outcome": outcome, "by": FIRST, "role": "support_agent", "at": NOW, "next_action": "none", **changes}
    )


def waiting():
    """Approved once, sign-off asked; returns the case and its sign-off packet."""
    case = a_high_case()
    packet = a_packet(
        key="s3",
        kind="signoff",
        role="billing_approver",
        channel="billing-approvals",
        parent="p1",
        request_hash=case.request_hash,
    )
    case = replace(case, state="awaiting_signoff", stage=1, approvals=(an_approval(case),))
    return replace(case, packets=(*case.packets, packet)), packet


def ended(state, **changes):
    return replace(a_case(), state=state, timers=(), **changes)


def shown(case, key="p1"):
    return packet_message(case, case.packet(key), AROUND)


@pytest.mark.parametrize(
    "state", sorted(set(STATES) - {"pending", "awaiting_signoff", "blocked", "indeterminate", "expired"})
)
@pytest.mark.parametrize("kind", ["packet", "write_reply", "escalation", "signoff"])
def test_nobody_can_decide_any_more(state, kind):
    case = ended(state, verdict=verdict("approved"), packets=(a_packet(kind=kind, request_hash="0" * 64),))
    message = shown(case)
    assert list(buttons(message.blocks)) == ["View history"]
    assert refusals(message.blocks) == []


@pytest.mark.parametrize("kind", ["packet", "write_reply", "escalation"])
def test_an_expired_case_can_only_be_reopened(kind):
    case = ended("expired", verdict=verdict("expired", by="system:timers"), packets=(a_packet(kind=kind),))
    row = buttons(shown(case).blocks)
    assert {label: b["action_id"] for label, b in row.items()} == {
        "Reopen": "cs:reopen",
        "View history": "cs:history",
    }
    assert json.loads(row["Reopen"]["value"])["h"] == case.request_hash
    told = replace(case.packets[0], can_decide=False)
    assert list(buttons(packet_message(case, told, AROUND).blocks)) == ["View history"]


def test_an_expired_sign_off_request_stays_closed():
    case = ended("expired", packets=(a_packet(kind="signoff", request_hash="0" * 64),))
    assert list(buttons(shown(case).blocks)) == ["View history"]


def test_sent_packet_names_the_people_without_pinging_them():
    case, _ = waiting()
    second = an_approval(case, "UBILL2", stage="signoff", role="billing_approver", kind="sign_off")
    case = replace(
        case, state="sent", stage=2, approvals=(*case.approvals, second), timers=(), verdict=verdict("edited")
    )
    message = shown(case)
    assert "approved by Ben Okafor (Support agent), signed off by Ivo Brandt (Billing)" in words_of(message)
    assert "<@" not in words_of(message) + message.text
    assert "Reply as sent" in words_of(message)
    assert draft_shown(message.blocks) == case.draft.text
    assert message.blocks[0]["text"]["text"] == "High: sent, a refund of 240 EUR, Acme Tools"


def test_rejection_says_who_why_and_what_next():
    reason = "The parcel has not left"
    end = verdict("rejected", reason=reason, category="wrong_facts", next_action="agent_follow_up")
    message = shown(ended("rejected", verdict=end))
    for part in ("Rejected", "Ben Okafor", "wrong facts: The parcel has not left", "Next: agent follow up"):
        assert part in words_of(message)


@pytest.mark.parametrize(
    ("state", "changes", "part"),
    [
        ("superseded", {"superseded_by": "cs_next"}, "Continues as case cs_next"),
        ("expired", {"holding_sent": True}, "The customer got the holding message."),
        ("expired", {}, "The draft was not sent."),
        ("withdrawn", {"verdict": verdict("withdrawn", reason="answered_elsewhere")}, "answered elsewhere"),
        ("failed", {}, "did not take the reply"),
        ("blocked", {}, "nobody can approve"),
        ("approved", {}, "then it is sent"),
        ("sent", {"verdict": verdict("auto", by="system:policy")}, "by policy, without a person"),
    ],
)
def test_each_end_says_what_it_means(state, changes, part):
    assert part in words_of(shown(ended(state, **changes)))


def test_follower_names_the_case_it_replaces():
    assert "follows case cs_old" in words_of(shown(a_case(supersedes="cs_old")))


def test_unclear_delivery_is_settled_by_a_person_who_confirms():
    case = ended("indeterminate", indeterminate="Look at ticket 48213 around 10:04", pending_reply="cs_4f9a1c02d7-3")
    message = shown(case)
    row = buttons(message.blocks)
    assert list(row) == ["It arrived", "Send again", "View history"]
    assert [row[label]["action_id"] for label in row] == ["cs:settle_sent", "cs:settle_resend", "cs:history"]
    assert all("confirm" in row[label] for label in ("It arrived", "Send again"))
    assert json.loads(row["Send again"]["value"])["d"] == "cs_4f9a1c02d7-3"
    assert "Look at ticket 48213 around 10:04" in words_of(message)


def test_signoff_request_freezes_the_whole_text():
    case, packet = waiting()
    message = packet_message(case, packet, AROUND)
    row = buttons(message.blocks)
    assert list(row) == ["Sign off", "Decline", "View history"]
    assert draft_shown(message.blocks) == case.draft.text
    assert json.loads(row["Sign off"]["value"])["h"] == packet.request_hash
    assert packet.request_hash[:12] in row["Sign off"]["confirm"]["text"]["text"]
    assert packet.request_hash[:12] in words_of(message)
    assert "Approved so far by Ben Okafor (Support agent)" in words_of(message)


def test_signoff_closes_when_the_text_changes_and_keeps_the_frozen_text():
    case, packet = waiting()
    newer = a_draft("Something else.", version=2, author="human", author_id="UAGENT3")
    case = replace(case, state="pending", stage=0, approvals=(), drafts=(*case.drafts, newer))
    message = packet_message(case, packet, AROUND)
    assert list(buttons(message.blocks)) == ["View history"]
    assert "the text was changed" in words_of(message)
    assert "Something else." not in words_of(message) + message.text
    assert message.metadata["event_payload"]["draft_version"] == 1
    assert message.metadata["event_payload"]["request_hash"] == packet.request_hash


def test_signed_declined_and_older_requests_are_closed_with_the_reason():
    case, packet = waiting()
    second = an_approval(case, "UBILL2", stage="signoff", role="billing_approver", kind="sign_off")
    signed = replace(case, state="sent", stage=2, approvals=(*case.approvals, second))
    assert "by Ivo Brandt" in words_of(packet_message(signed, packet, AROUND))

    note = Note(user="UBILL1", text="Refund the right invoice", at=NOW, kind="decline")
    declined = replace(case, state="pending", stage=0, approvals=(), notes=(note,))
    message = packet_message(declined, replace(packet, can_decide=False), AROUND)
    assert "by Hana Sato: Refund the right invoice" in words_of(message)
    assert list(buttons(message.blocks)) == ["View history"]

    older = packet_message(case, replace(packet, can_decide=False), AROUND)
    assert list(buttons(older.blocks)) == ["View history"]
    assert "sign-off closed" in older.blocks[0]["text"]["text"]
