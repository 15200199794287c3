"""What is about the whole workspace goes out by the same rules as what a case releases (DL1, DL2, RI9, OP1, TI4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from typer.testing import CliRunner

from app.auditor import Auditor
from app.cli import app
from app.core.office import Board, DecidePolicy, Delegate, PauseAi, ResumeAi
from app.core.policy import Policy, compile_policy
from app.courier import Ports
from app.ports.errors import Ambiguous, Found, GiveUp, RetryLater, SendResult
from app.ports.slack import SlackPort
from db.outbox import Delivery
from tests.core.policies import with_risk
from tests.dispatching import Crash, FakeFarEnds, HandClock, Points, Replica, fake_ports, migrated

BUSY = RetryLater("Slack has a fault (503)", code="503")
LOST = Ambiguous("Slack took the request but did not answer in time", "the channel")
NO_CHANNEL = GiveUp("Slack does not know the channel (channel_not_found)", "Invite the bot.", code="channel_not_found")
ESCALATIONS = "support-escalations"


class Said(msgspec.Struct):
    """One message as Slack shows it now."""

    channel: str
    ts: str
    delivery: str
    words: str


class FakeSlack:
    """Shows messages; `faults` are raised by the next attempts, once sent if Ambiguous and `happens`."""

    def __init__(self) -> None:
        self.messages: list[Said] = []
        self.faults: list[Exception | None] = []
        self.happens = True
        self.updates = 0

    def ready_at(self, channel: str) -> float:
        return 0.0

    def post(
        self,
        delivery_id: str,
        channel: str,
        text: str,
        blocks: Sequence[Any],
        metadata: Mapping[str, Any] | None,
        *_: Any,
    ) -> SendResult:
        fault = self.faults.pop(0) if self.faults else None
        ts = f"17.{len(self.messages) + 1:06}"
        if fault is None or (isinstance(fault, Ambiguous) and self.happens):
            self.messages.append(Said(channel, ts, delivery_id, text + words_in(blocks)))
        if fault is not None:
            raise fault
        return SendResult(remote_id=ts, channel_id=channel, ts=ts)

    direct = post

    def update(self, channel: str, ts: str, text: str, blocks: Sequence[Any], metadata: Any) -> SendResult:
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        self.updates += 1
        (message,) = (m for m in self.messages if (m.channel, m.ts) == (channel, ts))
        message.words = text + words_in(blocks)
        return SendResult(remote_id=ts, channel_id=channel, ts=ts)

    def find_posted(self, delivery_id: str, channel_id: str, thread: Any, oldest: datetime) -> tuple[Found, str]:
        found = next((m.ts for m in self.messages if m.delivery == delivery_id), "")
        return (Found.YES, found) if found else (Found.NO, "")


def words_in(node: Any) -> str:
    if isinstance(node, dict):
        return "".join(f" {v}" if k == "text" and isinstance(v, str) else words_in(v) for k, v in node.items())
    return "".join(map(words_in, node)) if isinstance(node, list) else ""


class Scene:
    def __init__(self, directory: Path) -> None:
        self.clock = HandClock()
        self.slack = FakeSlack()
        self.points = Points()
        far = fake_ports(FakeFarEnds(self.clock))
        ports = Ports(slack=cast(SlackPort, self.slack), helpdesk=far.helpdesk, crm=far.crm)
        self.url = migrated(directory)
        self.replica = Replica(self.url, self.clock, ports, point=self.points)
        self.engine = self.replica.engine
        self.auditor = Auditor(self.engine)

    def said(self, channel: str) -> list[str]:
        """What stands in a channel, oldest first."""
        known = self.engine.people().channels.get(channel, channel)
        return [m.words for m in self.slack.messages if m.channel == known]

    def offer(self, policy: Policy) -> Policy:
        self.engine.offer(policy, by="system:test")
        return policy

    def sign(self, user: str, policy: Policy, do: str = "sign", reason: str = "") -> None:
        command = DecidePolicy(user=user, snapshot=policy.snapshot, do=do, reason=reason)  # type: ignore[arg-type]
        self.engine.decide_policy(command)

    def board(self) -> Board:
        return self.engine.office().boards[-1]

    def delivery(self, number: int) -> Delivery:
        with self.replica.store.reading() as reader:
            found = reader.delivery(f"office-{number}")
        assert found is not None
        return found

    def events(self, *types: str) -> list[Any]:
        with self.replica.store.reading() as reader:
            return [e for e in reader.all_events() if e.type in types]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.replica.close()


def changed(expire_after: str = "25h") -> Policy:
    return compile_policy(with_risk(expire_after=expire_after))


# --- policy changes ----------------------------------------------------------------------------------------------


def test_a_candidate_is_posted_and_its_post_follows_what_becomes_of_it(scene: Scene) -> None:
    policy = scene.offer(changed())
    scene.replica.run(2)
    (post,) = scene.said("policy-changes")
    assert "Waits for sign-off" in post
    assert "expire_after" in post
    assert "no cases of the last 30 days" in post
    scene.sign("UOPS1", policy)
    scene.replica.run(2)
    (post,) = scene.said("policy-changes")
    assert "a second person" in post
    scene.sign("UPOL1", policy)
    scene.replica.run(2)
    (post,) = scene.said("policy-changes")
    assert "✔ In force" in post
    assert "Still needed" not in post
    scene.sign("UCRM1", policy, "roll_back", "Cases wait too long.")
    scene.replica.run(2)
    (post,) = scene.said("policy-changes")
    assert "Rolled back" in post
    assert "Cases wait too long." in post
    assert [e.type for e in scene.events("PolicyPosted", "PolicyPostUpdated")] == [
        "PolicyPosted",
        *["PolicyPostUpdated"] * 3,
    ]


def test_a_post_that_comes_late_shows_how_things_stand_then(scene: Scene) -> None:
    scene.slack.faults = [BUSY]
    policy = scene.offer(changed())
    scene.replica.run(1)
    scene.sign("UOPS1", policy)
    scene.sign("UPOL1", policy)
    scene.clock.advance(60)
    scene.replica.run(4)
    (post,) = scene.said("policy-changes")
    assert "✔ In force" in post
    assert scene.slack.updates == 0
    assert scene.board().shown


def test_a_post_whose_answer_was_lost_is_found_by_its_marker(scene: Scene) -> None:
    scene.slack.faults = [LOST]
    scene.offer(changed())
    scene.replica.run(2)
    assert len(scene.said("policy-changes")) == 1
    assert (scene.board().ts, scene.delivery(1).status) == ("17.000001", "done")


def test_a_process_that_dies_with_a_post_in_hand_posts_it_once(scene: Scene) -> None:
    policy = scene.offer(changed())
    scene.points.at = "after send"
    with pytest.raises(Crash):
        scene.replica.step("slack")
    scene.clock.advance(61)
    scene.replica.run(2)
    assert len(scene.said("policy-changes")) == 1
    scene.sign("UOPS1", policy)
    scene.replica.run(2)
    assert "a second person" in scene.said("policy-changes")[0]


def test_a_board_is_not_given_up_while_slack_is_away(scene: Scene) -> None:
    scene.slack.faults = [BUSY] * 30
    scene.offer(changed())
    for _ in range(29):
        scene.replica.run(1)
        scene.clock.advance(timedelta(hours=1).total_seconds())
    assert scene.delivery(1).status == "pending"
    scene.slack.faults = []
    scene.replica.run(2)
    assert len(scene.said("policy-changes")) == 1


# --- notices -----------------------------------------------------------------------------------------------------


def test_a_pause_and_its_end_are_announced_where_the_leads_are(scene: Scene) -> None:
    scene.engine.switch(PauseAi(user="ULEAD1", queue="", reason="It quotes wrong prices."))
    scene.engine.switch(ResumeAi(user="ULEAD1", queue=""))
    scene.engine.switch(ResumeAi(user="UOPS1", queue=""))
    scene.replica.run(6)
    paused, asked, resumed = scene.said(ESCALATIONS)
    assert "AI text is paused in all queues" in paused
    assert "It quotes wrong prices." in paused
    assert "waits for a second person" in asked
    assert "AI text goes on in all queues" in resumed
    assert len(scene.events("DeliverySucceeded")) == 3


def test_the_end_is_not_announced_before_the_beginning(scene: Scene) -> None:
    scene.slack.faults = [BUSY]
    scene.engine.switch(PauseAi(user="ULEAD1", queue="support-review", reason="Wrong prices."))
    scene.engine.switch(ResumeAi(user="ULEAD1", queue="support-review"))
    scene.replica.run(2)
    assert scene.said(ESCALATIONS) == []
    scene.clock.advance(5)
    scene.replica.run(4)
    paused, resumed = scene.said(ESCALATIONS)
    assert "is paused" in paused
    assert "goes on" in resumed


def test_a_deputy_is_told_by_direct_message(scene: Scene) -> None:
    until = scene.clock.now() + timedelta(days=1)
    scene.engine.delegate(Delegate(user="UBILL1", to="ULEAD1", until=until))
    scene.replica.run(2)
    assert any(m.channel == "ULEAD1" and "You act for" in m.words for m in scene.slack.messages)


@pytest.mark.parametrize("happened", [True, False])
def test_a_notice_whose_answer_was_lost_stands_there_once(scene: Scene, happened: bool) -> None:
    scene.slack.faults, scene.slack.happens = [LOST], happened
    scene.engine.switch(PauseAi(user="ULEAD1", queue="", reason="Wrong prices."))
    scene.replica.run(1)
    scene.clock.advance(120)
    scene.replica.run(2)
    assert len(scene.said(ESCALATIONS)) == 1
    assert scene.delivery(1).status == "done"


def test_a_refused_notice_is_a_dead_letter_an_alarm_and_can_be_redriven(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.slack.faults = [NO_CHANNEL]
    scene.engine.switch(PauseAi(user="ULEAD1", queue="", reason="Wrong prices."))
    scene.replica.run(2)
    assert (scene.delivery(1).status, scene.delivery(1).error) == ("dead", NO_CHANNEL.error)
    (lost,) = scene.events("DeliveryFailed")
    assert lost.content.data["remedy"] == "Invite the bot."
    scene.auditor.look()
    scene.replica.run(4)
    for channel in (ESCALATIONS, "policy-changes"):
        (alarm,) = scene.said(channel)
        assert "Deliveries to slack gave up" in alarm

    monkeypatch.chdir(tmp_path)
    environment = {
        "DATABASE_URL": scene.url,
        "COUNTERSIGN_POLICY_DIR": str(Path(__file__).resolve().parents[1] / "policies"),
    }
    assert "office-1" in CliRunner().invoke(app, ["deliveries", "list"], env=environment).output
    driven = CliRunner().invoke(app, ["deliveries", "redrive", "office-1"], env=environment)
    assert driven.exit_code == 0, driven.output
    scene.replica.run(2)
    assert "is paused" in scene.said(ESCALATIONS)[-1]
    assert [e.actor for e in scene.events("DeliveryRedriven")] == ["system:cli"]
    scene.auditor.look()
    scene.replica.run(4)
    assert "Nothing to slack is given up" in scene.said(ESCALATIONS)[-1]


# --- alarms ------------------------------------------------------------------------------------------------------


def test_a_long_queue_is_told_once_and_once_when_it_is_short_again(scene: Scene) -> None:
    for number in range(1, 22):
        scene.replica.receive(number)
    scene.auditor.look()
    scene.auditor.look()
    scene.replica.run(3)
    (alarm,) = scene.said(ESCALATIONS)
    assert "The queue #support-review is long" in alarm
    assert "21 cases wait there." in alarm
    scene.replica.approve("c_dispatch0001")
    scene.auditor.look()
    scene.auditor.look()
    scene.replica.run(3)
    alarm, over = scene.said(ESCALATIONS)
    assert "no longer too long" in over
    assert [e.type for e in scene.events("AlarmRaised", "AlarmCleared")] == ["AlarmRaised", "AlarmCleared"]


def test_twenty_cases_are_not_too_many(scene: Scene) -> None:
    for number in range(1, 21):
        scene.replica.receive(number)
    scene.auditor.look()
    assert scene.engine.office().alarms == ()


def test_what_another_replica_told_is_not_told_again(scene: Scene) -> None:
    for number in range(1, 22):
        scene.replica.receive(number)
    other = scene.replica.beside()
    scene.auditor.look()
    Auditor(other.engine).look()
    other.run(3)
    assert len(scene.said(ESCALATIONS)) == 1
    other.close()
