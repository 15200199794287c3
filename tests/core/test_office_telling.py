"""What the whole workspace is told: boards about policy changes that stay true, notices, alarms (RI9, OP1, TI4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from app.core.effects import BoardPost, BoardUpdate, ChannelNotice, Settlement
from app.core.errors import Refused
from app.core.office import (
    Alarm,
    Board,
    BoardShown,
    DecidePolicy,
    LoadPolicy,
    NoticeDelivered,
    NoticeLost,
    Office,
    OfficeCommand,
    OfficeOutcome,
    OfficeWorld,
    PauseAi,
    RedriveNotice,
    ReportAlarms,
    ResumeAi,
    decide_office,
)
from app.core.office.boards import KEPT
from tests.make import NOW, people

WORLD = OfficeWorld(
    now=NOW,
    people=people(),
    owners={"risk": "support_ops_owner", "guardrails": "policy_owner"},
    leads=frozenset({"support_lead"}),
    queues=frozenset({"support-review", "billing-approvals"}),
    careful=frozenset({"billing-approvals"}),
    policy_channel="policy-changes",
    alarm_channel="support-escalations",
)
FIRST, SECOND, THIRD = "1" * 64, "2" * 64, "3" * 64


def outcome(office: Office, command: OfficeCommand, world: OfficeWorld = WORLD) -> OfficeOutcome:
    return decide_office(office, command, world)


def after(office: Office, *commands: OfficeCommand) -> Office:
    for command in commands:
        office = outcome(office, command).office
    return office


def load(snapshot: str, *files: str) -> LoadPolicy:
    return LoadPolicy(by="system:policy-files", snapshot=snapshot, files=files)


def say(user: str, do: str, snapshot: str, reason: str = "") -> DecidePolicy:
    return DecidePolicy(user=user, snapshot=snapshot, do=do, reason=reason)  # type: ignore[arg-type]


def signed(snapshot: str) -> tuple[DecidePolicy, DecidePolicy]:
    return say("UOPS1", "sign", snapshot), say("UPOL1", "sign", snapshot)


def standing(office: Office) -> list[tuple[str, str]]:
    """(first digit of the policy, how its post ended), oldest first."""
    return [(board.candidate.snapshot[:1], board.ended) for board in office.boards]


def effects(done: OfficeOutcome) -> list[Any]:
    return [pending.effect for pending in done.effects]


RUNNING = after(Office(), load(FIRST))
OFFERED = after(RUNNING, load(SECOND, "risk.yaml"))
SECOND_ACTIVE = after(OFFERED, *signed(SECOND))


# --- boards ------------------------------------------------------------------------------------------------------


def test_the_first_policy_is_not_announced_a_changed_one_is() -> None:
    assert RUNNING.boards == ()
    done = outcome(RUNNING, load(SECOND, "risk.yaml"))
    (board,) = done.office.boards
    assert (board.channel, board.was, board.candidate.snapshot, board.ended) == ("policy-changes", FIRST, SECOND, "")
    (pending,) = done.effects
    assert (pending.effect, pending.pace, pending.destination) == (
        BoardPost(board=board.key),
        "policy-changes",
        "slack",
    )


def test_without_a_channel_nothing_is_posted() -> None:
    done = outcome(RUNNING, load(SECOND, "risk.yaml"), replace(WORLD, policy_channel=""))
    assert (done.effects, done.office.boards) == ((), ())
    assert done.office.candidate is not None


def test_each_signature_and_the_end_are_shown() -> None:
    once = outcome(OFFERED, say("UOPS1", "sign", SECOND))
    (board,) = once.office.boards
    assert effects(once) == [BoardUpdate(board=board.key)]
    assert [s.user for s in board.candidate.signatures] == ["UOPS1"]
    twice = outcome(once.office, say("UPOL1", "sign", SECOND))
    (board,) = twice.office.boards
    assert effects(twice) == [BoardUpdate(board=board.key)]
    assert (board.ended, board.by, board.at) == ("active", "UPOL1", NOW)
    assert [s.user for s in board.candidate.signatures] == ["UOPS1", "UPOL1"]


def test_posts_of_one_board_go_one_after_the_other() -> None:
    posted = outcome(RUNNING, load(SECOND, "risk.yaml"))
    once = outcome(posted.office, say("UOPS1", "sign", SECOND))
    (post,), (update,) = posted.effects, once.effects
    assert post.lane == update.lane
    assert (post.id, update.id) == ("office-1", "office-2")


@pytest.mark.parametrize(
    ("command", "ended"),
    [
        (say("UOPS1", "reject", SECOND, "No."), "declined"),
        (load(FIRST), "taken_back"),
        (load(THIRD, "risk.yaml"), "replaced"),
    ],
)
def test_a_change_that_comes_to_nothing_says_so(command: OfficeCommand, ended: str) -> None:
    done = outcome(after(OFFERED, say("UPOL1", "sign", SECOND)), command)
    board = done.office.boards[0]
    assert board.ended == ended
    assert [s.user for s in board.candidate.signatures] == ["UPOL1"]
    assert effects(done)[0] == BoardUpdate(board=board.key)


def test_the_next_policy_in_force_takes_the_place_of_the_last() -> None:
    done = after(SECOND_ACTIVE, load(THIRD, "guardrails.yaml"), *signed(THIRD))
    assert standing(done) == [("2", "superseded"), ("3", "active")]
    assert done.boards[0].then == THIRD


def test_a_rollback_is_told_at_both_posts() -> None:
    third = after(SECOND_ACTIVE, load(THIRD, "guardrails.yaml"), *signed(THIRD))
    done = outcome(third, say("UOPS1", "roll_back", THIRD, "It let refunds through."))
    assert standing(done.office) == [("2", "active"), ("3", "rolled_back")]
    assert [b.reason for b in done.office.boards] == ["It let refunds through."] * 2
    assert effects(done) == [BoardUpdate(board=done.office.boards[1].key), BoardUpdate(board=done.office.boards[0].key)]


def test_a_rollback_sets_aside_what_waits() -> None:
    waiting = after(SECOND_ACTIVE, load(THIRD, "guardrails.yaml"))
    done = after(waiting, say("UOPS1", "roll_back", SECOND, "Too many refunds."))
    assert standing(done) == [("2", "rolled_back"), ("3", "replaced")]
    assert done.boards[1].by == "UOPS1"


def test_a_policy_that_nobody_signed_takes_over_a_signed_one() -> None:
    done = outcome(SECOND_ACTIVE, load(THIRD, "risk.yaml"), replace(WORLD, autoload=True))
    assert standing(done.office) == [("2", "superseded")]
    assert done.office.active == THIRD


def test_old_posts_are_forgotten_but_not_what_may_still_change() -> None:
    office = SECOND_ACTIVE
    for number in range(2 * KEPT):
        office = after(office, load(f"{number:064}", "risk.yaml"), say("UOPS1", "reject", f"{number:064}", "No."))
    assert len(office.boards) == KEPT + 1
    assert standing(office)[0] == ("2", "active")
    taken = after(office, load(THIRD, "risk.yaml"), *signed(THIRD))
    assert ("2", "superseded") in standing(taken)


def test_the_receipt_says_where_a_post_stands() -> None:
    board = OFFERED.boards[0]
    shown = BoardShown(delivery="office-1", board=board.key, channel_id="C9", ts="17.1", digest="d1")
    first = outcome(OFFERED, shown)
    assert (first.office.boards[0].channel_id, first.office.boards[0].ts) == ("C9", "17.1")
    assert [(e.type, e.actor, e.policy_snapshot) for e in first.events] == [("PolicyPosted", "system:dispatch", SECOND)]
    assert first.settled == (Settlement(delivery="office-1", status="done"),)
    again = outcome(first.office, shown)
    assert [e.type for e in again.events] == ["PolicyPostUpdated"]
    with pytest.raises(Refused) as refused:
        outcome(RUNNING, shown)
    assert refused.value.code == "no_board"


# --- what became of a notice --------------------------------------------------------------------------------------


def test_a_notice_arrives_or_becomes_a_dead_letter_that_can_be_redriven() -> None:
    arrived = outcome(RUNNING, NoticeDelivered(delivery="office-1", remote_id="17.1"))
    assert [e.type for e in arrived.events] == ["DeliverySucceeded"]
    assert arrived.settled == (Settlement(delivery="office-1", status="done"),)
    lost = outcome(RUNNING, NoticeLost(delivery="office-1", error="channel_not_found", remedy="Invite the bot."))
    (event,) = lost.events
    assert (event.type, event.reason, event.data) == (
        "DeliveryFailed",
        "channel_not_found",
        {"delivery": "office-1", "remedy": "Invite the bot."},
    )
    assert lost.settled == (Settlement(delivery="office-1", status="dead", error="channel_not_found"),)
    again = outcome(lost.office, RedriveNotice(delivery="office-1", by="system:cli"))
    assert [(e.type, e.actor) for e in again.events] == [("DeliveryRedriven", "system:cli")]
    assert again.settled == (Settlement(delivery="office-1", status="redrive"),)


# --- the switch --------------------------------------------------------------------------------------------------


def test_a_pause_is_told_where_leads_are_with_who_and_why() -> None:
    (notice,) = effects(outcome(RUNNING, PauseAi(user="ULEAD1", queue="support-review", reason="Wrong prices.")))
    assert (notice.channel, notice.kind) == ("support-escalations", "paused")
    assert {k: notice.data[k] for k in ("queue", "by", "reason", "second")} == {
        "queue": "support-review",
        "by": "ULEAD1",
        "reason": "Wrong prices.",
        "second": [],
    }


@pytest.mark.parametrize("queue", ["billing-approvals", ""])
def test_of_a_careful_queue_the_second_person_is_named_until_both_resumed(queue: str) -> None:
    paused = outcome(RUNNING, PauseAi(user="ULEAD1", queue=queue, reason="Wrong prices."))
    (notice,) = effects(paused)
    assert notice.data["second"] == ["policy_owner", "support_lead", "support_ops_owner"]
    asked = outcome(paused.office, ResumeAi(user="ULEAD2", queue=queue))
    (notice,) = effects(asked)
    assert (notice.kind, notice.data["by"], notice.data["reason"]) == ("resume_asked", "ULEAD2", "Wrong prices.")
    assert notice.data["second"] == ["policy_owner", "support_lead", "support_ops_owner"]
    resumed = outcome(asked.office, ResumeAi(user="UOPS1", queue=queue))
    (notice,) = effects(resumed)
    assert (notice.kind, notice.data["first"], notice.data["by"]) == ("resumed", "ULEAD2", "UOPS1")


# --- alarms ------------------------------------------------------------------------------------------------------

FULL = Alarm(kind="queue_full", where="billing-approvals", count=21)
DEAD = Alarm(kind="dead_letters", where="crm", count=2, cases=("cs_1", "cs_2"))


def told(done: OfficeOutcome) -> list[tuple[str, str, str]]:
    notices = [effect for effect in effects(done) if isinstance(effect, ChannelNotice)]
    return [(notice.channel, notice.kind, notice.data["alarm"]) for notice in notices]


def test_an_alarm_is_told_once_and_once_when_it_is_over() -> None:
    begun = outcome(RUNNING, ReportAlarms(found=(FULL,)))
    assert told(begun) == [("support-escalations", "alarm", "queue_full")]
    assert [(e.type, e.actor, e.data["where"]) for e in begun.events] == [
        ("AlarmRaised", "system:auditor", "billing-approvals")
    ]
    assert begun.office.alarms == (replace(FULL, at=NOW),)
    with pytest.raises(Refused) as refused:
        outcome(begun.office, ReportAlarms(found=(replace(FULL, count=35),)))
    assert refused.value.code == "unchanged"
    over = outcome(begun.office, ReportAlarms(found=()))
    assert told(over) == [("support-escalations", "alarm_over", "queue_full")]
    assert [e.type for e in over.events] == ["AlarmCleared"]
    assert over.office.alarms == ()


def test_alarms_stand_beside_each_other() -> None:
    begun = outcome(RUNNING, ReportAlarms(found=(FULL,)))
    other = replace(FULL, where="support-review")
    both = outcome(begun.office, ReportAlarms(found=(other, FULL)), replace(WORLD, now=NOW + timedelta(minutes=1)))
    assert [e.data["where"] for e in both.events] == ["support-review"]
    assert {alarm.where: alarm.at for alarm in both.office.alarms} == {
        "billing-approvals": NOW,
        "support-review": NOW + timedelta(minutes=1),
    }
    one = outcome(both.office, ReportAlarms(found=(other,)))
    assert [(e.type, e.data["where"]) for e in one.events] == [("AlarmCleared", "billing-approvals")]


def test_dead_letters_are_told_to_who_runs_the_automation_too() -> None:
    assert told(outcome(RUNNING, ReportAlarms(found=(DEAD,)))) == [
        ("support-escalations", "alarm", "dead_letters"),
        ("policy-changes", "alarm", "dead_letters"),
    ]


def test_boards_are_found_by_their_key() -> None:
    assert isinstance(OFFERED.board(OFFERED.boards[0].key), Board)
    assert OFFERED.board("b999") is None
