"""Slack refuses a packet for good: what dispatch makes of each refusal (SL2)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.effects import DirectMessage
from app.core.messages import AddNote, WriteReply
from app.core.people import People
from app.edges.metrics import Metrics
from app.ports.errors import GiveUp, SendResult
from app.ports.slack_errors import CHANNEL_LOST, MESSAGE_LOST, SHAPE_REFUSED
from tests.dispatching import FakeFarEnds, HandClock, Replica, fake_ports, migrated
from tests.make import a_draft, channel_id, people
from tests.scenes import SCENES

REVIEW, FALLBACK = channel_id("support-review"), channel_id("support-escalations")


class PickySlack(FakeFarEnds):
    """Takes messages and updates but where it was told to refuse; `said` is what stands where."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.refuse: dict[str, str] = {}  # channel or user -> Slack's code
        self.updates_refused = ""
        self.said: list[tuple[str, str]] = []
        self.posted: list[tuple[str, str]] = []  # channel and ts, in order

    def post(self, delivery_id: str, channel: str, *message: Any) -> SendResult:
        if code := self.refuse.get(channel):
            raise GiveUp(f"Slack refuses with {code}", "mend it", code=code)
        self.said.append((channel, message[0]))
        result = super().post(delivery_id, channel, *message)
        self.posted.append((channel, result.ts))
        return result

    def direct(self, delivery_id: str, user: str, *message: Any) -> SendResult:
        return self.post(delivery_id, user, *message)

    def update(self, *given: Any) -> SendResult:
        if isinstance(given[1], str) and self.updates_refused:
            code, self.updates_refused = self.updates_refused, ""
            raise GiveUp(f"Slack refuses with {code}", "mend it", code=code)
        return super().update(*given)


Scene = tuple[Replica, PickySlack]


def a_scene(directory: Path, who: People | None = None) -> Scene:
    clock = HandClock()
    far = PickySlack(clock)
    return Replica(migrated(directory), clock, fake_ports(far), who=who), far


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    replica, far = a_scene(tmp_path)
    yield replica, far
    replica.close()


@pytest.mark.parametrize("code", sorted(CHANNEL_LOST))
def test_a_lost_channel_moves_the_packet_and_tells_who_can_act(scene: Scene, code: str) -> None:
    replica, far = scene
    far.refuse[REVIEW] = code
    case_id = replica.receive()
    replica.run()
    (packet,) = replica.case(case_id).packets
    assert (packet.channel_id, packet.home) == (FALLBACK, "support-review")
    assert packet.ts
    assert {d.status for d in replica.deliveries(case_id) if d.destination == "slack"} == {"done", "cancelled"}
    told = {d.effect.user for d in replica.deliveries(case_id, "DirectMessage") if isinstance(d.effect, DirectMessage)}
    assert told == {"UAGENT1", "UAGENT2", "UAGENT3"}
    assert replica.case(case_id).state == "pending", "moved, never sent"
    moved = [said for channel, said in far.said if channel == FALLBACK]
    assert any("Moved here" in said for said in moved)


def test_a_request_comes_after_the_packet_in_whose_thread_it_belongs(scene: Scene) -> None:
    replica, far = scene
    far.refuse[channel_id("billing-approvals")] = "is_archived"
    case_id = replica.receive(**SCENES["refund"])
    seen = replica.case(case_id).request_hash
    replica.engine.handle(WriteReply(case_id=case_id, user="UAGENT1", seen=seen, text="We look into it and write."))
    replica.run()
    packet, request = (next(p for p in replica.case(case_id).packets if p.kind == k) for k in ("packet", "signoff"))
    assert request.parent == packet.key
    assert packet.ts
    assert request.ts
    there = [ts for channel, ts in far.posted if channel == FALLBACK]
    assert there.index(packet.ts) < there.index(request.ts)


@pytest.mark.parametrize("code", sorted(MESSAGE_LOST))
def test_a_lost_message_is_posted_again_in_its_place(scene: Scene, code: str) -> None:
    replica, far = scene
    case_id = replica.receive()
    replica.run()
    first = replica.case(case_id).packets[0].ts
    far.updates_refused = code
    replica.engine.handle(AddNote(case_id=case_id, user="UAGENT1", text="Called the carrier."))
    replica.run()
    (packet,) = replica.case(case_id).packets
    assert (packet.channel_id, packet.gone) == (REVIEW, (first,))
    assert packet.ts not in (None, first)
    assert sum("Posted again" in said for _, said in far.said) == 1


@pytest.mark.parametrize("code", sorted(SHAPE_REFUSED))
def test_a_packet_too_much_for_slack_is_shortened_and_its_reply_shown_in_the_thread(scene: Scene, code: str) -> None:
    replica, far = scene
    far.refuse[REVIEW] = code
    words = "Your parcel left our warehouse today, and we watch it for you. "
    case_id = replica.receive(draft=a_draft(words * 200))
    replica.step("slack")
    far.refuse.clear()
    replica.run()
    assert replica.case(case_id).packets[0].brief
    parts = [said for _, said in far.said if "Reply to be sent, part" in said]
    assert len(parts) == len(set(parts)) >= 2
    assert any("part 1 of" in said for said in parts)


def test_where_nothing_is_left_it_is_a_dead_letter_and_an_alarm(tmp_path: Path) -> None:
    nobody = people(dict.fromkeys(people().roles, ()))
    replica, far = a_scene(tmp_path, nobody)
    far.refuse = dict.fromkeys(people().channels.values(), "is_archived")
    case_id = replica.receive()
    replica.run(30)
    case = replica.case(case_id)
    assert all(p.lost for p in case.packets)
    assert "dead" in {d.status for d in replica.deliveries(case_id)}
    assert not case.is_final
    dead = 'countersign_outbox_stuck{status="dead"} '
    line = next(x for x in Metrics(replica.engine).text().decode().splitlines() if x.startswith(dead))
    assert float(line.removeprefix(dead)) >= 1
    replica.close()


def test_what_says_nothing_of_the_place_is_a_dead_letter_as_ever(scene: Scene) -> None:
    replica, far = scene
    far.refuse[REVIEW] = "missing_scope"
    case_id = replica.receive()
    replica.run()
    assert [d.status for d in replica.deliveries(case_id, "PacketPost")] == ["dead"]
    assert replica.case(case_id).packets[0].channel == "support-review"
