"""Packets that Slack lost, shows wrongly or will not take (SL2)."""

from __future__ import annotations

from typing import Any, cast

import pytest
from msgspec.structs import replace

from app.core.case import Case, Packet
from app.core.effects import DirectMessage, Event, Outcome, PacketPost, PacketUpdate, ThreadReply
from app.core.errors import Refused
from app.core.machine import decide
from app.core.messages import Approve, PacketShown, RecordView, Reject, RepairPacket, SurfaceLost, WriteReply
from app.core.parts import draft_parts
from tests.make import a_draft, people
from tests.scenes import SHIPPED, a_world, after, receive, received

CALM = "Thank you for the photos. A colleague checks your order and writes to you today."


def shown(case: Case, *, ts: str = "1.000001", packet: str = "p1") -> Case:
    """The case once Slack took this packet."""
    receipt = PacketShown(case_id=case.id, delivery=f"{case.id}-1", packet=packet, channel_id="C1", ts=ts, digest="d")
    return after(case, receipt)


def lost(case: Case, *, packet: str = "p1", what: str = "channel", **changes: Any) -> SurfaceLost:
    """Slack's refusal of the packet where it stands now."""
    at = cast(Packet, case.packet(packet))
    known = {"channel": at.channel, "ts": at.ts or "", "error": "is_archived", "lost": what}
    return SurfaceLost(case_id=case.id, delivery=f"{case.id}-1", packet=packet, **{**known, **changes})


def repaired(case: Case, found: str, *, ts: str | None = None, packet: str = "p1") -> Outcome:
    at = cast(Packet, case.packet(packet))
    seen = (at.ts or "") if ts is None else ts
    command = RepairPacket(case_id=case.id, by="system:reconciler", packet=packet, ts=seen, found=cast(Any, found))
    return decide(case, command, a_world())


def effects(outcome: Outcome, kind: type[Any]) -> list[Any]:
    return [p.effect for p in outcome.effects if isinstance(p.effect, kind)]


def event(outcome: Outcome, kind: str) -> Event:
    return next(e for e in outcome.events if e.type == kind)


# --- the channel is lost -----------------------------------------------------------------------------------------


def test_a_packet_whose_channel_is_archived_goes_to_the_fallback_roles_channel() -> None:
    case = shown(received())
    moved = decide(case, lost(case), a_world())

    (packet,) = moved.case.packets
    assert (packet.channel, packet.home, packet.ts) == ("support-escalations", "support-review", None)
    assert packet.queue == "support-review"  # it is still that queue's case
    assert effects(moved, PacketPost) == [PacketPost(packet="p1")]
    assert event(moved, "PacketMoved").reason == "is_archived"
    assert event(moved, "PacketMoved").data["role"] == "support_agent"
    (said,) = [r for r in effects(moved, ThreadReply) if r.kind == "moved"]
    assert said.data == {"channel": "support-review", "reason": "is_archived"}


def test_those_who_can_act_are_told_where_it_stands_once_it_stands_there() -> None:
    case = shown(received())
    moved = after(case, lost(case))
    receipt = PacketShown(case_id=case.id, delivery="x-1", packet="p1", channel_id="C2", ts="2.1", digest="d")
    there = decide(moved, receipt, a_world())

    told = [d.user for d in effects(there, DirectMessage) if d.kind == "moved"]
    assert sorted(told) == ["UAGENT1", "UAGENT2", "UAGENT3"]
    again = decide(there.case, replace(receipt, digest="e"), a_world())
    assert effects(again, DirectMessage) == []


def test_it_is_never_sent_by_that_and_decided_where_it_stands() -> None:
    case = shown(received())
    moved = after(case, lost(case))
    assert moved.state == "pending"
    approved = after(moved, Approve(case_id=case.id, user="UAGENT1", seen=moved.request_hash))
    assert approved.state == "approved"


def test_every_packet_of_the_case_in_that_channel_moves_and_none_elsewhere() -> None:
    case = shown(shown(received("refund")), packet="p2")
    assert [p.channel for p in case.packets] == ["billing-approvals", "support-review"]
    moved = after(case, lost(case))
    assert [(p.channel, p.ts) for p in moved.packets] == [("support-escalations", None), ("support-review", "1.000001")]


def test_a_later_request_in_a_lost_channel_stands_beside_its_packet() -> None:
    case = shown(shown(received("refund")), packet="p2")
    moved = shown(after(case, lost(case)), ts="2.000001")
    written = after(moved, WriteReply(case_id=case.id, user="UAGENT1", seen=moved.request_hash, text=CALM))
    request = next(p for p in written.packets if p.kind == "signoff")
    assert (request.channel, request.parent, request.home) == ("support-escalations", "p1", "billing-approvals")
    assert written.state == "awaiting_signoff"


def test_a_request_waits_behind_its_packet_while_that_is_on_its_way() -> None:
    case = shown(shown(received("refund")), packet="p2")
    written = after(case, WriteReply(case_id=case.id, user="UAGENT1", seen=case.request_hash, text=CALM))
    request = next(p for p in written.packets if p.kind == "signoff")
    assert request.ts is None
    gone = repaired(written, "missing", packet=request.parent).case
    tried = PacketPost(packet=request.key)
    later = decide(gone, lost(gone, packet=request.key, what="moving", effect=tried), a_world())
    assert effects(later, PacketPost) == [tried]


def test_where_the_fallback_is_lost_too_the_roles_people_get_it_one_by_one() -> None:
    case = shown(received())
    moved = shown(after(case, lost(case)), ts="2.000001")
    spread = decide(moved, lost(moved), a_world())

    assert [p.person for p in spread.case.packets] == ["UAGENT1", "UAGENT2", "UAGENT3"]
    assert {p.queue for p in spread.case.packets} == {"support-review"}
    assert len(effects(spread, PacketPost)) == 3


def test_where_nobody_is_left_it_is_a_dead_letter_that_people_are_alarmed_of() -> None:
    nobody = people(dict.fromkeys(people().roles, ()))
    case = shown(received())
    moved = shown(after(case, lost(case)), ts="2.000001")
    gone = decide(moved, lost(moved), a_world(people=nobody))

    assert gone.case.packets[0].lost
    assert [s.status for s in gone.settled] == ["dead"]
    assert gone.case.state == "pending"


def test_a_person_who_cannot_be_written_to_loses_only_their_own_packet() -> None:
    case = shown(received())
    moved = shown(after(case, lost(case)), ts="2.000001")
    spread = after(moved, lost(moved))
    outcome = decide(spread, lost(spread, packet="p1.1"), a_world())
    assert [p.lost for p in outcome.case.packets] == [False, True, False]
    assert [s.status for s in outcome.settled] == ["dead"]


def test_a_second_refusal_from_the_old_place_moves_nothing() -> None:
    case = shown(received())
    late = lost(case)
    moved = after(case, late)
    again = decide(moved, late, a_world())
    assert again.case.packets == moved.packets
    assert effects(again, PacketPost) == []


def test_a_reply_refused_with_its_channel_follows_its_packet_once() -> None:
    case = shown(received())
    reply = ThreadReply(packet="p1", kind="reminder", mentions=("UAGENT1",))
    moved = decide(case, lost(case, effect=reply), a_world())
    (sent,) = [r for r in effects(moved, ThreadReply) if r.kind == "reminder"]
    assert sent.data == {"again": True}
    later = decide(moved.case, lost(moved.case, what="moving", effect=sent), a_world())
    assert [r for r in effects(later, ThreadReply) if r.kind == "reminder"] == []


def test_a_long_text_is_shown_whole_in_the_new_place() -> None:
    words = "Your parcel is on its way and we watch it for you. " * 150
    case = shown(received(draft=a_draft(words)))
    assert case.draft is not None
    moved = decide(case, lost(case), a_world())
    parts = [r.data["part"] for r in effects(moved, ThreadReply) if r.kind == "draft_part"]
    assert parts == list(range(1, len(draft_parts(case.draft.text))))


# --- the message is lost -----------------------------------------------------------------------------------------


def test_a_deleted_packet_is_posted_again_once() -> None:
    case = shown(received())
    outcome = repaired(case, "missing")
    (packet,) = outcome.case.packets
    assert (packet.channel, packet.ts, packet.gone) == ("support-review", None, ("1.000001",))
    assert effects(outcome, PacketPost) == [PacketPost(packet="p1")]
    (said,) = effects(outcome, ThreadReply)
    assert said.kind == "reposted"
    assert event(outcome, "PacketLost").data["ts"] == "1.000001"
    with pytest.raises(Refused) as refused:
        repaired(outcome.case, "missing", ts="1.000001")  # the other replica saw it too
    assert refused.value.code == "repaired"


def test_an_update_that_was_on_its_way_does_not_bring_a_deleted_message_back() -> None:
    case = repaired(shown(received()), "missing").case
    late = PacketShown(case_id=case.id, delivery="x-1", packet="p1", channel_id="C1", ts="1.000001", digest="e")
    assert after(case, late).packets[0].ts is None


def test_who_deletes_it_again_and_again_has_it_elsewhere() -> None:
    case = shown(received(), ts="1.000001")
    for number in range(2, 5):
        case = shown(repaired(case, "missing").case, ts=f"1.00000{number}")
    moved = repaired(case, "missing").case
    assert moved.packets[0].channel == "support-escalations"
    assert len(moved.packets[0].gone) == 4


def test_an_update_that_finds_no_message_posts_it_anew() -> None:
    case = shown(received())
    outcome = decide(case, lost(case, what="message", error="message_not_found"), a_world())
    assert effects(outcome, PacketPost) == [PacketPost(packet="p1")]
    assert outcome.settled[0].status == "cancelled"


def test_a_closed_case_is_shown_again_as_closed() -> None:
    case = shown(received())
    closed = after(
        case,
        Reject(case_id=case.id, user="UAGENT1", seen=case.request_hash, category="x", text="No.", then="hand_back"),
    )
    assert closed.is_final
    outcome = repaired(closed, "missing")
    assert effects(outcome, PacketPost) == [PacketPost(packet="p1")]


# --- it shows something else -------------------------------------------------------------------------------------


def test_a_packet_that_shows_something_else_is_updated() -> None:
    outcome = repaired(shown(received()), "drifted")
    assert outcome.case.packets[0].shown == ""
    assert effects(outcome, PacketUpdate) == [PacketUpdate(packet="p1")]
    assert event(outcome, "PacketDrifted").data["packet"] == "p1"


def test_a_packet_that_never_came_is_not_taken_for_a_deleted_one() -> None:
    with pytest.raises(Refused):
        repaired(received(), "missing", ts="")


# --- Slack takes no such message ---------------------------------------------------------------------------------


def test_a_packet_too_much_for_slack_becomes_short_and_its_reply_goes_to_the_thread_whole() -> None:
    case = received()
    outcome = decide(case, lost(case, what="shape", error="invalid_blocks"), a_world())
    assert outcome.case.packets[0].brief
    assert effects(outcome, PacketPost) == [PacketPost(packet="p1")]
    assert [r.data["part"] for r in effects(outcome, ThreadReply) if r.kind == "draft_part"] == [0]
    worse = decide(outcome.case, lost(outcome.case, what="shape", error="invalid_blocks"), a_world())
    assert worse.case.packets[0].lost
    assert worse.settled[0].status == "dead"


# --- who may see what is masked ----------------------------------------------------------------------------------


def test_personal_data_is_shown_to_roles_that_may_see_it_and_the_look_is_recorded() -> None:
    case = received()
    outcome = decide(case, RecordView(case_id=case.id, user="ULEAD1", what="pii"), a_world())
    assert event(outcome, "ViewOpened").data == {"view": "pii"}
    assert outcome.events[0].actor == "slack:ULEAD1"
    with pytest.raises(Refused) as refused:
        decide(case, RecordView(case_id=case.id, user="UAGENT1", what="pii"), a_world())
    assert refused.value.code == "no_pii"
    assert "@support-leads" in refused.value.sentence
    assert "@support-agents" not in refused.value.sentence


def test_where_policy_lets_nobody_see_it_nobody_does() -> None:
    blind = replace(SHIPPED, roles={name: replace(spec, sees_pii=False) for name, spec in SHIPPED.roles.items()})
    case = receive().case
    with pytest.raises(Refused):
        decide(case, RecordView(case_id=case.id, user="ULEAD1", what="pii"), a_world(active=blind))
