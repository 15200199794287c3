"""The switch for AI text between approval and send, over the running engine (OP1, DL3)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import Refused
from app.core.messages import WriteReply
from app.core.office import PauseAi, ResumeAi
from tests.dispatching import FakeFarEnds, Replica, fake_replica

Scene = tuple[Replica, FakeFarEnds]
OWN = "Thank you for asking. A colleague looks at your order today."


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    replica, far = fake_replica(tmp_path)
    yield replica, far
    replica.close()


def pause(replica: Replica, queue: str = "") -> None:
    replica.engine.switch(PauseAi(user="ULEAD1", queue=queue, reason="It quotes wrong prices."))


@pytest.mark.parametrize("queue", ["", "support-review"])
def test_what_was_released_and_has_not_left_stays(scene: Scene, queue: str) -> None:
    replica, far = scene
    case_id = replica.released()
    pause(replica, queue)
    replica.run()
    case = replica.case(case_id)
    assert "reply" not in far.kinds()
    assert (case.state, case.approvals, case.verdict) == ("pending", (), None)
    assert [e.content.reason for e in replica.events(case_id, "DeliveryHeld")] == ["AI text is paused for this queue."]

    write = WriteReply(case_id=case_id, user="UAGENT1", seen=case.request_hash, text=OWN)
    replica.engine.handle(write)
    replica.clock.advance(6)
    replica.run()
    assert replica.case(case_id).state == "sent"
    assert [d.effect.text for d in replica.deliveries(case_id, "HelpdeskReply") if d.status == "done"] == [OWN]


def test_a_person_s_released_reply_goes_all_the_same(scene: Scene) -> None:
    replica, far = scene
    case_id = replica.receive()
    replica.run()
    seen = replica.case(case_id).request_hash
    replica.engine.handle(WriteReply(case_id=case_id, user="UAGENT1", seen=seen, text=OWN))
    pause(replica)
    replica.clock.advance(6)
    replica.run()
    assert far.kinds().count("reply") == 1
    assert replica.case(case_id).state == "sent"


def test_who_throws_it_does_not_wait_for_every_case_that_waits(scene: Scene) -> None:
    """Slack gives them three seconds, and there may be thousands."""
    replica, _ = scene
    cases = [replica.receive(number) for number in range(1, 4)]
    may_go_on = threading.Event()

    def hold(_name: str) -> None:
        may_go_on.wait(5)

    replica.engine.point = hold
    replica.engine.start()
    try:
        pause(replica)
        told = [event for case_id in cases for event in replica.events(case_id, "AiTextPaused")]
        assert told == []
        assert replica.engine.pauses() == {""}
        may_go_on.set()
        assert all(
            replica.engine.wait_for(c, lambda case: bool(replica.events(case.id, "AiTextPaused")), 5) for c in cases
        )
    finally:
        may_go_on.set()
        replica.engine.stop()
    assert all(replica.events(case_id, "AiTextPaused") for case_id in cases)


def test_packets_show_it_and_show_when_it_is_over(scene: Scene) -> None:
    replica, _ = scene
    case_id = replica.receive()
    replica.run()
    before = replica.case(case_id).packets[0].shown
    pause(replica, "support-review")
    replica.run()
    paused = replica.case(case_id).packets[0].shown
    assert paused != before
    with pytest.raises(Refused):
        replica.approve(case_id)
    replica.engine.switch(ResumeAi(user="ULEAD2", queue="support-review"))
    replica.run()
    assert replica.case(case_id).packets[0].shown == before
    replica.approve(case_id)
    assert [e.type for e in replica.events(case_id, "AiTextPaused", "AiTextResumed")] == [
        "AiTextPaused",
        "AiTextResumed",
    ]


def test_another_replica_obeys_at_its_next_step(tmp_path: Path) -> None:
    first, _ = fake_replica(tmp_path)
    case_id = first.released()
    other = first.beside()
    pause(other)
    first.run()
    assert first.case(case_id).state == "pending"
    first.close()
    other.close()
