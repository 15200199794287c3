"""Boards about policy changes and what is announced: valid, dead, and true in every standing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.effects import ChannelNotice, PersonalNotice
from app.core.office import AlarmKind, Board, Candidate, Office, Proposal, Signature
from blocks.announcements import ALARMS, ANNOUNCEMENTS, announcement
from blocks.board import board_message
from blocks.policy import policy_message
from blocks.surface import SlackMessage
from tests.blocks.reading import AROUND, buttons, links, our_markup, pings, refusals, words_of
from tests.blocks.test_hostile import HOSTILE, SENTINEL
from tests.make import NOW

OLD, NEW, LATER = "1" * 64, "2" * 64, "3" * 64
PROPOSAL = Proposal(
    differences=("risk.yaml: expire_after: 24h → 25h",), figures=("3 of 40 cases would go another way",)
)
SIGNED = Signature(user="UOPS1", person="p", roles=("support_ops_owner",), at=NOW)
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=300))


def a_board(*signatures: Signature, **changes: Any) -> Board:
    candidate = Candidate(snapshot=NEW, files=("risk.yaml",), seen_at=NOW, signatures=signatures)
    known: dict[str, Any] = {"key": "b1", "channel": "policy-changes", "candidate": candidate, "was": OLD}
    if changes:
        known["at"] = NOW + timedelta(hours=1)
    return Board(**{**known, **changes})


def shown(board: Board, *missing: str, **options: Any) -> SlackMessage:
    return board_message(board, PROPOSAL, missing, AROUND, **options)


def test_a_board_says_what_changes_what_it_would_do_and_who_signs() -> None:
    message = shown(a_board(SIGNED), "billing_approver")
    words = words_of(message)
    assert "Waits for sign-off" in words
    assert "expire_after: 24h → 25h" in words
    assert "3 of 40 cases would go another way" in words
    assert f"{AROUND.name('UOPS1')} (support ops owner)" in words
    assert "Still needed: Billing." in words
    assert pings(message.text, message.blocks) == ["UBILL1", "UBILL2"]
    assert list(buttons(message.blocks)) == ["Sign off", "Decline"]
    assert {b["value"] for b in buttons(message.blocks).values()} == {f'{{"s": "{NEW}"}}'}
    assert refusals(message.blocks) == []


def test_a_second_person_is_anybody_so_nobody_is_pinged() -> None:
    message = shown(a_board(SIGNED), "a second person")
    assert "Still needed: a second person." in words_of(message)
    assert pings(message.text, message.blocks) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ended": "active", "by": "UPOL1"}, ["✔ In force", "For new cases, since"]),
        ({"ended": "active", "by": "UOPS1", "reason": "Too lax"}, ["In force again", "{UOPS1} took back", "Too lax."]),
        ({"ended": "superseded", "then": LATER}, ["Superseded", "Policy 333333333333 is in force"]),
        ({"ended": "replaced", "then": LATER}, ["Superseded", "policy 333333333333 took its place"]),
        ({"ended": "replaced", "by": "UOPS1", "reason": "Too lax."}, ["Set aside", "{UOPS1}", "Too lax."]),
        ({"ended": "rolled_back", "by": "UOPS1", "reason": "Lax.", "then": OLD}, ["{UOPS1}", "111111111111: Lax."]),
        ({"ended": "declined", "by": "UPOL1", "reason": "Upside down"}, ["✖ Declined", "{UPOL1}", "Upside down."]),
        ({"ended": "taken_back"}, ["Taken back"]),
    ],
)  # fmt: skip
def test_what_became_of_it_is_said_and_nobody_can_sign_any_more(changes: dict[str, Any], said: list[str]) -> None:
    message = shown(a_board(SIGNED, **changes))
    words = words_of(message)
    for part in said:
        assert part.format(UOPS1=AROUND.name("UOPS1"), UPOL1=AROUND.name("UPOL1")) in words
    assert "Still needed" not in words
    assert buttons(message.blocks) == {}
    assert pings(message.text, message.blocks) == []


def test_only_what_is_in_force_can_be_rolled_back() -> None:
    active = shown(a_board(SIGNED, ended="active"), can_roll_back=True)
    assert list(buttons(active.blocks)) == ["Roll back"]
    assert buttons(shown(a_board(SIGNED, ended="rolled_back"), can_roll_back=True).blocks) == {}


def test_the_longest_difference_fits_and_says_what_it_leaves_out() -> None:
    long = Proposal(differences=("x" * 5_000,) * 60, figures=("y" * 5_000,) * 60)
    message = board_message(a_board(SIGNED), long, ("billing_approver",), AROUND)
    assert refusals(message.blocks) == []
    assert len(message.blocks) <= 50
    assert all(
        len(words_of(SlackMessage(text="", blocks=[b], metadata=None, digest=""))) <= 3_000 for b in message.blocks
    )
    assert "48 more changes" in words_of(message)
    office = Office(active=OLD, candidate=a_board(SIGNED).candidate)
    assert refusals(policy_message(office, long, ("billing_approver",), AROUND).blocks) == []


# --- announcements -----------------------------------------------------------------------------------------------

SWITCH = {
    "queue": "billing-approvals",
    "by": "ULEAD1",
    "first": "",
    "reason": "It quotes wrong prices.",
    "second": ["billing_approver", "legal_approver"],
    "at": NOW.isoformat(),
}


def say(kind: str, **data: Any) -> SlackMessage:
    alarm = {"alarm": "queue_full", "where": "support-review", "count": 21, "cases": []}
    effect = ChannelNotice(channel="support-escalations", kind=kind, data={**SWITCH, **alarm, **data})  # type: ignore[arg-type]
    return announcement(effect, AROUND)


def test_every_kind_of_notice_and_alarm_has_its_words() -> None:
    kinds = [kind for notice in (ChannelNotice, PersonalNotice) for kind in get_args(get_type_hints(notice)["kind"])]
    assert set(kinds) == set(ANNOUNCEMENTS)
    assert set(ALARMS) == set(get_args(AlarmKind))


def test_a_pause_says_who_why_where_and_how_to_resume() -> None:
    words = words_of(say("paused"))
    assert "AI text is paused in #billing-approvals" in words
    assert f"{AROUND.name('ULEAD1')} paused it: It quotes wrong prices." in words
    assert "/approvals resume #billing-approvals; it takes two people, each of Billing or Legal." in words
    everyday = words_of(say("paused", queue="", second=[]))
    assert "in all queues" in everyday
    assert "To resume: /approvals resume." in everyday


def test_who_asked_to_resume_and_who_must_be_second_are_named() -> None:
    words = words_of(say("resume_asked"))
    assert f"{AROUND.name('ULEAD1')} asks to let AI text go on" in words
    assert "Somebody else of Billing or Legal says /approvals resume #billing-approvals." in words
    both = words_of(say("resumed", first="UOPS1"))
    assert f"{AROUND.name('UOPS1')} and {AROUND.name('ULEAD1')} resumed it" in both


def test_an_alarm_says_what_is_wrong_and_what_to_do() -> None:
    full = words_of(say("alarm"))
    assert "The queue #support-review is long" in full
    assert "21 cases wait there." in full
    assert "/approvals #support-review" in full
    assert "no longer too long" in words_of(say("alarm_over"))
    lost = words_of(say("alarm", alarm="timers_missing", where="", count=12, cases=[f"cs_{n}" for n in range(10)]))
    assert "12 cases wait with no timer: cs_0, cs_1" in lost
    assert "cs_9 and 2 others." in lost
    one = words_of(say("alarm", alarm="dead_letters", where="crm", count=1, cases=[]))
    assert "1 delivery was not accepted." in one


@settings(max_examples=40, deadline=None)
@given(texts, texts, st.sampled_from(sorted(ANNOUNCEMENTS)))
def test_nothing_that_people_write_acts(written: str, other: str, kind: str) -> None:
    proposal = Proposal(differences=(written, other) * 8, figures=(other,))
    messages = [
        board_message(a_board(SIGNED, ended=ended, by="UOPS1", reason=written), proposal, (), AROUND)
        for ended in ("declined", "rolled_back", "active", "replaced")
    ]
    messages.append(board_message(a_board(SIGNED), proposal, ("a second person",), AROUND))
    if kind in get_args(get_type_hints(ChannelNotice)["kind"]):
        messages.append(say(kind, reason=written, queue=other[:80], where=other, cases=[written]))
    for message in messages:
        assert refusals(message.blocks) == []
        assert pings(message.text, message.blocks) == []
        assert links(message.text, message.blocks) == set()
        assert SENTINEL not in our_markup(message.blocks)
