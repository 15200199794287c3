"""Low-risk bursts are lines in a digest until somebody, or something, needs the packet itself (SL12)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from app.core.case import Case
from app.core.effects import DirectMessage, Outcome, PacketPost, PacketUpdate, ThreadReply
from app.core.errors import PolicyError, Refused
from app.core.folding import foldable
from app.core.machine import decide
from app.core.messages import (
    Approve,
    FireTimer,
    PacketShown,
    Reassess,
    RecordView,
    Reopen,
    RepairPacket,
    SubmitDraft,
    Supersede,
    SurfaceLost,
    UnfoldPacket,
)
from app.core.policy import Policy, compile_policy
from app.core.world import Crowd
from tests.core.policies import with_risk
from tests.make import NOW, a_customer, a_draft, a_message, a_ticket, people
from tests.scenes import a_world, after, receive, received

REVIEW = "support-review"
BURST = a_world(crowds={REVIEW: Crowd(low=9)})  # this one is the tenth


def folded(**changes: Any) -> Case:
    case = received(world=BURST, **changes)
    assert case.packets[0].folded
    return case


def opened(case: Case, user: str = "UAGENT1") -> Outcome:
    return decide(case, UnfoldPacket(case_id=case.id, user=user, packet="p1"), a_world())


def shown(case: Case) -> Outcome:
    known = {"case_id": case.id, "delivery": f"{case.id}-1", "packet": "p1"}
    return decide(case, PacketShown(**known, channel_id="C1", ts="1.000001", digest="d"), a_world())


def effects(outcome: Outcome, *kinds: type[Any]) -> list[Any]:
    return [p.effect for p in outcome.effects if isinstance(p.effect, kinds)]


# --- what is folded ----------------------------------------------------------------------------------------------


def test_from_the_tenth_on_a_low_case_is_a_line_and_no_message() -> None:
    before = receive(world=a_world(crowds={REVIEW: Crowd(low=8)}))
    assert (before.case.packets[0].folded, len(effects(before, PacketPost))) == (False, 1)

    tenth = receive(world=BURST)
    (packet,) = tenth.case.packets
    assert (packet.folded, packet.digest, packet.ts) == (True, f"dg_{tenth.case.id}", None)
    assert effects(tenth, PacketPost, PacketUpdate, ThreadReply) == []
    (event,) = [e for e in tenth.events if e.type == "PacketFolded"]
    assert event.data == {"packet": "p1", "channel": REVIEW, "digest": packet.digest}
    assert (tenth.case.state, [t.kind for t in tenth.case.timers]) == (
        before.case.state,
        [t.kind for t in before.case.timers],
    )


def test_it_goes_into_the_digest_that_has_room() -> None:
    case = received(world=a_world(crowds={REVIEW: Crowd(low=40, digest="dg_first")}))
    assert case.packets[0].digest == "dg_first"


def test_another_channels_burst_folds_nothing_here() -> None:
    assert not received(world=a_world(crowds={"billing-approvals": Crowd(low=99)})).packets[0].folded


@pytest.mark.parametrize("scene", ["discount", "refund", "refund by an agent"])
def test_medium_and_high_tier_are_never_folded(scene: str) -> None:
    everywhere = {spec.channel: Crowd(low=999) for spec in a_world().policy.roles.values()}
    made = receive(scene, world=a_world(crowds=everywhere))
    assert made.case.assessed.tier != "low"
    assert not any(p.folded for p in made.case.packets)
    assert len(effects(made, PacketPost)) == len(made.case.packets)


@pytest.mark.parametrize(
    "changes",
    [
        {"customer": a_customer(vip=True)},
        {"messages": (a_message("My card is 4111 1111 1111 1111. Where is my parcel?"),)},
        {"messages": (a_message("Let me talk to a human being, please. Where is my parcel?"),)},
        {"draft": a_draft("We have issued a refund of 240 EUR to your card.")},
        {"draft": a_draft("Your parcel is on its way. " * 300)},
        {"deadline": NOW + timedelta(hours=1)},
    ],
    ids=["vip", "card number", "asks for a person", "blocked draft", "long draft", "deadline"],
)
def test_what_somebody_has_to_see_at_once_or_whole_is_posted(changes: dict[str, Any]) -> None:
    made = receive(world=BURST, **changes)
    assert not made.case.packets[0].folded
    assert effects(made, PacketPost)


def test_where_nobody_could_decide_it_is_posted() -> None:
    empty = people({"support_agent": ()})
    made = receive(world=replace(BURST, people=empty))
    assert not any(p.folded for p in made.case.packets)


@pytest.mark.parametrize("digests", [None, {"from": 0, "within": "1m"}])
def test_policy_may_leave_it_out(digests: object) -> None:
    policy = policy_with(digests)
    assert not received(world=a_world(policy=policy, crowds={REVIEW: Crowd(low=999)})).packets[0].folded


def test_policy_says_how_many_are_a_burst() -> None:
    policy = policy_with({"from": 3, "within": "2m"})
    assert policy.digest_within == timedelta(minutes=2)
    assert not received(world=a_world(policy=policy, crowds={REVIEW: Crowd(low=1)})).packets[0].folded
    assert received(world=a_world(policy=policy, crowds={REVIEW: Crowd(low=2)})).packets[0].folded


@pytest.mark.parametrize("digests", [{"from": -1}, {"from": 10, "within": "2h"}, {"from": 10, "within": "0s"}, {}])
def test_a_burst_that_is_none_is_a_mistake(digests: object) -> None:
    with pytest.raises(PolicyError, match="digests"):
        policy_with(digests)


def policy_with(digests: object) -> Policy:
    documents = with_risk(digests=digests)
    if digests is None:
        documents = replace(documents, risk={k: v for k, v in documents.risk.items() if k != "digests"})
    return compile_policy(documents)


# --- opening it --------------------------------------------------------------------------------------------------


def test_open_posts_the_packet_once_and_tells_each_who_asked_when_it_stands() -> None:
    once = opened(folded())
    assert effects(once, PacketPost) == [PacketPost(packet="p1")]
    assert [e.type for e in once.events] == ["ViewOpened", "PacketUnfolded"]
    assert once.case.packets[0].digest

    with pytest.raises(Refused, match="on its way") as again:
        opened(once.case)
    assert again.value.code == "unfolding"
    other = opened(once.case, "UAGENT2")
    assert effects(other, PacketPost) == []

    stands = shown(other.case)
    told = [d for d in effects(stands, DirectMessage) if d.kind == "opened"]
    assert [d.user for d in told] == ["UAGENT1", "UAGENT2"]
    assert effects(shown(stands.case), DirectMessage) == []
    with pytest.raises(Refused, match="stands in #support-review"):
        opened(stands.case)


def test_open_is_refused_with_the_reason_when_the_case_is_over() -> None:
    case = folded()
    over = after(case, Supersede(case_id=case.id, by="api:t", successor="c_new", reason="newer"))
    assert over.packets[0].folded
    with pytest.raises(Refused, match="c_new"):
        opened(over)


def test_an_ordinary_packet_has_nothing_to_open() -> None:
    with pytest.raises(Refused) as refused:
        opened(received())
    assert refused.value.code == "not_folded"


def test_it_is_decided_like_any_other_once_it_stands() -> None:
    case = shown(opened(folded()).case).case
    approved = decide(case, Approve(case_id=case.id, user="UAGENT2", seen=case.request_hash), a_world())
    assert approved.case.state == "approved"
    assert PacketUpdate(packet="p1") in effects(approved, PacketUpdate)


# --- what needs the packet opens it ------------------------------------------------------------------------------


def test_a_reminder_posts_the_packet_before_it() -> None:
    case = folded()
    timer = next(t for t in case.timers if t.kind == "rung")
    reminded = decide(case, FireTimer(case_id=case.id, key=timer.key), a_world(now=timer.due_at))
    sent = effects(reminded, PacketPost, ThreadReply)
    assert [type(e) for e in sent] == [PacketPost, ThreadReply]
    assert not reminded.case.packets[0].folded
    lanes = {p.lane for p in reminded.effects if isinstance(p.effect, PacketPost | ThreadReply)}
    assert lanes == {f"{case.id}:p1"}


def test_nothing_gets_stuck_every_timer_fires_and_the_case_expires() -> None:
    case = folded()
    for timer in sorted(case.timers, key=lambda t: t.due_at):
        case = after(case, FireTimer(case_id=case.id, key=timer.key), world=a_world(now=timer.due_at))
    assert case.state == "expired"
    assert [p.kind for p in case.packets] == ["packet", "escalation"]


def test_a_folded_case_that_expired_comes_back_with_a_packet() -> None:
    case = folded(ticket=a_ticket(channel="web"))  # no holding message goes there
    case = replace(case, timers=tuple(t for t in case.timers if t.kind == "expire"))
    late = a_world(now=case.timers[0].due_at)
    expired = after(case, FireTimer(case_id=case.id, key="expire"), world=late)
    assert (expired.state, expired.packets[0].folded) == ("expired", True)
    back = decide(expired, Reopen(case_id=case.id, user="ULEAD1", seen=expired.request_hash), late)
    assert effects(back, PacketPost) == [PacketPost(packet="p1")]
    assert not back.case.packets[0].folded


def test_what_becomes_riskier_is_posted() -> None:
    case = folded()
    again = a_draft("We have issued a refund of 240 EUR to your card.", version=2)
    blocked = decide(case, SubmitDraft(case_id=case.id, by="api:t", draft=again), a_world())
    assert not blocked.case.packets[0].folded
    assert effects(blocked, PacketPost)

    reassess = Reassess(case_id=case.id, user="UAGENT1", seen=case.request_hash, tier="high", reason="A threat.")
    raised = decide(case, reassess, a_world()).case
    assert not any(p.folded for p in raised.packets)


def test_deciding_from_elsewhere_needs_no_message() -> None:
    case = folded()
    click = {"case_id": case.id, "user": "UAGENT1", "seen": case.request_hash}
    looked = decide(case, RecordView(**click, what="edit"), a_world())
    approved = decide(looked.case, Approve(**click), a_world())
    assert (approved.case.state, approved.case.packets[0].folded) == ("approved", True)
    assert effects(approved, PacketPost, PacketUpdate) == []


def test_a_digest_that_cannot_be_shown_leaves_packets() -> None:
    case = folded()
    broken = RepairPacket(case_id=case.id, by="system:dispatch", packet="p1", ts="", found="missing", reason="gone")
    posted = decide(case, broken, a_world())
    assert effects(posted, PacketPost) == [PacketPost(packet="p1")]
    with pytest.raises(Refused):
        decide(posted.case, broken, a_world())


def test_a_lost_channel_moves_it_out_of_the_digest() -> None:
    known = {"case_id": folded().id, "delivery": "x-1", "packet": "p1", "channel": REVIEW, "ts": "", "error": "gone"}
    moved = decide(folded(), SurfaceLost(**known, lost="channel"), a_world())
    (packet,) = moved.case.packets
    assert (packet.folded, packet.channel, packet.home) == (False, "support-escalations", REVIEW)
    assert effects(moved, PacketPost) == [PacketPost(packet="p1")]


def test_a_line_stands_only_for_what_one_agent_decides() -> None:
    case = folded()
    assert foldable(case)
    for changes in ({"ladder": "urgent"}, {"confirm": True}, {"required": "auto"}, {"tier": "medium"}):
        assert not foldable(replace(case, assessment=replace(case.assessed, **changes)))
