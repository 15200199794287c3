"""A burst of low-risk cases costs Slack few messages, and none of them is hidden by that (SL12)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.digest import LINES, Digest
from app.core.messages import UnfoldPacket
from app.core.policy import compile_policy
from app.ports.errors import Ambiguous, GiveUp
from tests.core.policies import with_risk
from tests.dispatching import Crash, put_in_force
from tests.scenes import SCENES
from tests.test_dispatch_office import NO_CHANNEL, Scene

REVIEW = "support-review"
GONE = GiveUp("Slack does not know the message (message_not_found)", "Look in /approvals.", code="message_not_found")
UNSURE = Ambiguous("Slack took the request but did not answer in time", "the channel")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.replica.close()


def burst(scene: Scene, count: int = 12, start: int = 1) -> list[str]:
    return [scene.replica.receive(number) for number in range(start, start + count)]


def settle(scene: Scene, seconds: float = 4) -> None:
    """Until Slack shows everything: what is put off for a moment too."""
    for _ in range(8):
        scene.replica.run(6)
        scene.clock.advance(seconds / 8)
    scene.replica.run(6)


def digests(scene: Scene) -> list[Digest]:
    with scene.replica.store.reading() as reader:
        return reader.live_digests()


def texts(scene: Scene) -> list[str]:
    return [said for said in scene.said(REVIEW) if "to review" in said]


def line(scene: Scene, case_id: str) -> str:
    """What the digest says of a case, up to the next line."""
    (said,) = [s for s in texts(scene) if f"case {case_id} ·" in s.split("to review", 2)[-1]]
    return said.rpartition(f"case {case_id} ·")[2].partition("case ")[0]


def unfold(scene: Scene, case_id: str, user: str = "UAGENT1") -> None:
    scene.engine.handle(UnfoldPacket(case_id=case_id, user=user, packet="p1"))


def test_two_hundred_cases_cost_twenty_messages_and_each_is_seen(scene: Scene) -> None:
    cases = burst(scene, 200)
    settle(scene)
    said = scene.said(REVIEW)
    folded = [c for c in cases if scene.replica.case(c).packets[0].folded]
    assert len(folded) == 191
    assert len(said) == 9 + -(-191 // LINES)
    assert scene.slack.updates == 0
    for case_id in cases:
        assert sum(f"case {case_id} ·" in text for text in said) == 1
    assert [len(d.cases) for d in digests(scene)].count(LINES) == 9


def test_what_comes_while_it_stands_is_added_and_many_changes_are_one_update(scene: Scene) -> None:
    burst(scene, 10)
    settle(scene)
    assert len(texts(scene)) == 1
    burst(scene, 8, start=20)
    settle(scene)
    assert (len(texts(scene)), scene.slack.updates) == (1, 1)
    assert "9 not opened yet" in texts(scene)[0]


def test_what_is_further_up_takes_no_more_lines(scene: Scene) -> None:
    burst(scene, 10)
    settle(scene)
    scene.clock.advance(61)
    burst(scene, 10, start=20)
    settle(scene)
    assert [len(d.cases) for d in digests(scene)] == [1, 1]


def test_high_risk_is_posted_whole_and_before_the_burst(scene: Scene) -> None:
    burst(scene, 15)
    high: dict[str, Any] = SCENES["refund"]
    urgent = scene.replica.receive(99, **high)
    settle(scene)
    there = {p.channel: p for p in scene.replica.case(urgent).packets}
    assert set(there) == {"billing-approvals", REVIEW}
    assert not any(p.folded or p.ts is None for p in there.values())
    assert urgent in scene.said(REVIEW)[0]


def test_open_posts_the_packet_and_the_line_follows_the_case_to_its_end(scene: Scene) -> None:
    case_id = burst(scene)[-1]
    settle(scene)
    assert "Opened" not in line(scene, case_id)

    unfold(scene, case_id)
    settle(scene)
    packet = scene.replica.case(case_id).packets[0]
    assert (packet.ts is None, packet.asked_by) == (False, ())
    assert "↗ Opened" in line(scene, case_id)
    assert [m.words for m in scene.slack.messages if m.channel == "UAGENT1" and "Opened" in m.words]

    scene.replica.approve(case_id)
    settle(scene, 10)
    assert "Sent, approved by Ana Ruiz" in line(scene, case_id)


def test_a_reminder_brings_the_packet_by_itself(scene: Scene) -> None:
    case_id = burst(scene)[-1]
    settle(scene)
    scene.clock.advance_to(scene.replica.case(case_id).timers[0].due_at)
    settle(scene)
    assert scene.replica.case(case_id).packets[0].ts
    assert scene.replica.events(case_id, "Reminded")


def test_a_channel_that_takes_no_digest_gets_every_packet(scene: Scene) -> None:
    burst(scene, 9)
    settle(scene)
    cases = burst(scene, 3, start=20)
    scene.slack.faults = [NO_CHANNEL]
    settle(scene)
    assert texts(scene) == []
    assert all(scene.replica.case(c).packets[0].ts for c in cases)
    assert [e.content.reason for e in scene.events("DigestLost")] == [str(NO_CHANNEL.error)]
    with scene.replica.store.reading() as reader:
        assert reader.deliveries("dead", "pending", "claimed") == []
    scene.replica.approve(cases[-1])
    settle(scene, 10)
    assert texts(scene) == []


def test_a_digest_that_was_deleted_is_posted_again_when_it_would_change(scene: Scene) -> None:
    cases = burst(scene)
    settle(scene)
    scene.slack.faults = [None, GONE]
    unfold(scene, cases[-1])
    settle(scene)
    first, second = texts(scene)
    assert "Opened" not in first
    assert "↗ Opened" in second


def test_a_post_of_unknown_outcome_is_looked_for_and_then_brought_up_to_date(scene: Scene) -> None:
    burst(scene, 9)
    settle(scene)
    burst(scene, 3, start=20)
    scene.slack.faults = [UNSURE]
    settle(scene, 40)
    settle(scene)
    assert scene.slack.faults == []
    assert len(texts(scene)) == 1
    assert digests(scene)[0].shown


@pytest.mark.parametrize("point", ["after claim", "before send", "after send", "before receipt"])
def test_a_crash_posts_no_digest_twice(scene: Scene, point: str) -> None:
    cases = burst(scene, 9)
    settle(scene)
    cases += burst(scene, 3, start=20)
    scene.points.at = point
    with pytest.raises(Crash):
        settle(scene)
    scene.clock.advance(61)
    settle(scene)
    assert len(texts(scene)) == 1
    assert all(f"case {c} ·" in texts(scene)[0] for c in cases[9:])
    assert digests(scene)[0].shown


def test_another_replica_takes_what_waits_and_posts_it_once(scene: Scene) -> None:
    burst(scene)
    beside = scene.replica.beside()
    beside.run()
    settle(scene)
    beside.close()
    assert len(texts(scene)) == 1


def test_without_a_rule_every_case_has_its_own_message(scene: Scene) -> None:
    put_in_force(scene.engine, compile_policy(with_risk(digests={"from": 0})))
    cases = burst(scene, 30)
    settle(scene)
    assert len(scene.said(REVIEW)) == len(cases)
