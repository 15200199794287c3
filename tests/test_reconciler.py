"""What Slack shows is compared with the store: bounded, idempotent, and the same by any number of replicas (SL2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from app.core.people import People
from app.courier import Ports
from app.main import role_sources
from app.ports.directory import SlackDirectory
from app.ports.helpdesk.webhook import WebhookHelpdesk
from app.ports.slack import SlackPort, slack_client
from app.ports.slack_reading import SlackReader
from app.reconciler import REPAIRS, REQUESTS, Reconciler
from app.sandbox import seed
from app.sandbox.model import Content, Message
from app.sandbox.server import Sandbox, SandboxConfig
from app.sandbox.serving import run
from tests.core.policies import shipped
from tests.dispatching import HandClock, Replica, migrated

SECRET = "whsec_ZGlzcGF0Y2gtaGVscGRlc2stc2VjcmV0LTMyLWJ5dGVz"
READS = ("conversations.info", "conversations.history", "conversations.replies")


@dataclass
class Scene:
    sandbox: Sandbox
    replica: Replica
    directory: SlackDirectory
    reader: SlackReader

    def reconciler(self, replica: Replica | None = None) -> Reconciler:
        one = replica or self.replica
        return Reconciler(one.engine, one.dispatcher.courier, self.reader, self.directory, one.clock)

    def posted(self, *numbers: int) -> list[Message]:
        """The packets of new cases, once they stand in Slack; no burst, so that each is a message."""
        found = []
        for number in numbers:
            self.replica.clock.advance(7)
            found.append(self.replica.receive(number))
            self.catch_up()
        return [self.packet(case_id) for case_id in found]

    def catch_up(self) -> None:
        for _ in range(300):
            self.replica.clock.advance(1.1)
            self.replica.step("slack")
            with self.replica.store.reading() as reader:
                if "slack" not in reader.delivery_backlog():
                    return
        raise AssertionError("Slack's deliveries come to no end")

    def packet(self, case_id: str) -> Message:
        packet = self.replica.case(case_id).packets[0]
        found = self.sandbox.workspace.find(packet.channel_id, packet.ts or "")
        assert found is not None
        return found

    def reads(self) -> int:
        return sum(name in READS for name, _, _ in self.sandbox.api.log)

    def round(self, reconciler: Reconciler) -> int:
        """Ticks until everything has been looked at once."""
        found = reconciler.tick()
        for _ in range(100):
            if not reconciler._walks:
                return found
            found += reconciler.tick()
        raise AssertionError("the round comes to no end")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    sandbox = Sandbox(SandboxConfig(helpdesk_secret=SECRET, echo_own_messages=False, events=()))
    sandbox.faults.set("slack_rate_limit", "off")
    server = run(sandbox.app)
    client = slack_client(sandbox.config.bot_token, f"{server.url}/api/")
    directory = SlackDirectory(client, role_sources(shipped()))
    people: People = directory.load()
    clock = HandClock()
    ports = Ports(
        slack=SlackPort(client, monotonic=clock.monotonic),
        helpdesk=WebhookHelpdesk(f"{server.url}/helpdesk/webhook", SECRET),
    )
    replica = Replica(migrated(tmp_path), clock, ports, who=people)
    yield Scene(sandbox, replica, directory, SlackReader(client))
    replica.close()
    server.stop()


def test_where_all_is_well_nothing_happens_and_few_requests_are_made(scene: Scene) -> None:
    scene.posted(*range(1, 8))
    before = scene.reads()
    reconciler = scene.reconciler()
    reconciler.tick()
    assert scene.reads() - before <= REQUESTS
    while reconciler._walks:
        assert reconciler.tick() == 0
    channels = {spec.channel for spec in shipped().roles.values()}
    assert scene.reads() - before <= 2 * len(channels), "two for a channel, however many packets stand in it"


def test_two_replicas_that_see_one_deletion_post_once(scene: Scene) -> None:
    (message,) = scene.posted(1)
    beside = scene.replica.beside()
    beside.who = scene.replica.who
    scene.sandbox.workspace.delete(message)
    first, second = scene.reconciler(), scene.reconciler(beside)
    assert (scene.round(first), scene.round(second)) == (1, 0)
    scene.catch_up()
    assert (scene.round(first), scene.round(second)) == (0, 0)
    assert len(scene.replica.events("c_dispatch0001", "PacketLost")) == 1
    beside.close()


def test_a_wave_of_deletions_is_repaired_a_few_at_a_time(scene: Scene) -> None:
    messages = scene.posted(*range(1, REPAIRS + 16))
    for message in messages:
        scene.sandbox.workspace.delete(message)
    reconciler = scene.reconciler()
    counts = []
    while sum(counts) < len(messages):
        counts.append(reconciler.tick())
        assert len(counts) < 20
    assert max(counts) == REPAIRS
    scene.catch_up()
    assert scene.round(scene.reconciler()) == 0


def test_a_tombstone_with_replies_is_no_packet(scene: Scene) -> None:
    (message,) = scene.posted(1)
    channel = scene.sandbox.workspace.channels[message.channel]
    reply = Content(text="I called them.", blocks=[], attachments=[], metadata=None)
    scene.sandbox.workspace.post(channel, seed.people()[0].id, reply, thread_ts=message.ts)
    scene.sandbox.workspace.delete(message)
    assert scene.round(scene.reconciler()) == 1


def test_a_busy_channel_is_read_page_by_page(scene: Scene) -> None:
    (message,) = scene.posted(1)
    channel = scene.sandbox.workspace.channels[message.channel]
    for number in range(450):
        chat = Content(text=f"chat {number}", blocks=[], attachments=[], metadata=None)
        scene.sandbox.workspace.post(channel, seed.people()[0].id, chat)
    assert scene.round(scene.reconciler()) == 0
    scene.sandbox.workspace.delete(message)
    assert scene.round(scene.reconciler()) == 1


def test_what_is_on_its_way_to_slack_is_left_to_it(scene: Scene) -> None:
    (message,) = scene.posted(1)
    scene.replica.approve("c_dispatch0001")  # its update waits in the outbox
    assert "cs:approve" in str(message.blocks)
    assert scene.round(scene.reconciler()) == 0


def test_a_person_who_changed_their_name_changes_what_packets_say(scene: Scene) -> None:
    (message,) = scene.posted(1)
    scene.replica.approve("c_dispatch0001")
    scene.catch_up()
    agent = scene.replica.who.members("support_agent")[0]
    renamed = replace(agent, name="Somebody Else")
    scene.replica.who = replace(scene.replica.who, persons={**scene.replica.who.persons, renamed.user_id: renamed})
    assert scene.round(scene.reconciler()) == 1
    scene.catch_up()
    assert "Somebody Else" in str(scene.packet("c_dispatch0001").blocks)
    assert message.ts == scene.packet("c_dispatch0001").ts


def test_while_slack_cannot_be_read_nothing_is_taken_for_lost(scene: Scene) -> None:
    scene.posted(1)
    scene.sandbox.faults.set("slack_down", True)
    assert scene.reconciler().tick() == 0
    scene.sandbox.faults.set("slack_down", False)
    scene.sandbox.faults.set("slack_rate_limit", "always")
    assert scene.reconciler().tick() == 0
    assert scene.replica.events("c_dispatch0001", "PacketLost", "PacketMoved", "PacketDrifted") == []


def test_names_of_channels_are_kept_with_what_they_meant(scene: Scene) -> None:
    scene.reconciler().tick()
    kept: dict[str, Any] = dict(scene.replica.engine.office().channels)
    assert kept["support-review"] == scene.sandbox.workspace.channel_named("support-review").id
    scene.reconciler().tick()
    with scene.replica.store.reading() as reader:
        assert sum(e.type == "ChannelsBound" for e in reader.all_events()) == 1
