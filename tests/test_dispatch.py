"""Crashes at every point of a delivery: it happens once, or people are asked; it is never lost and never doubled (DL2).

The far ends are the sandbox's and a callback receiver on real sockets; the clock is ours.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.core.audit import verify_log
from app.core.messages import Approve, SettleDelivery
from app.core.people import People
from app.courier import Ports
from app.main import role_sources
from app.ports.callbacks import CallbackPort
from app.ports.crm.hubspot import HubSpotCrm
from app.ports.directory import SlackDirectory
from app.ports.helpdesk.webhook import WebhookHelpdesk
from app.ports.slack import SlackPort, slack_client
from app.sandbox.server import Sandbox, SandboxConfig
from app.sandbox.serving import run
from app.timers import Sweeper
from tests.core.policies import shipped
from tests.dispatching import DRAFT, Crash, HandClock, Points, Replica
from tests.ports.far_end import FarEnd, Reply, far_end

SECRET = "whsec_ZGlzcGF0Y2gtaGVscGRlc2stc2VjcmV0LTMyLWJ5dGVz"
LEASE = 61.0
KINDS = ("PacketPost", "PacketUpdate", "ThreadReply", "HelpdeskReply", "HelpdeskFields", "CrmPatch", "Callback")
POINTS = ("after claim", "before send", "after send", "before receipt", "before commit", "after commit")
NOT_SENT_YET = ("after claim", "before send")


@dataclass
class World:
    """The far ends of all tests, each test with a case of its own."""

    sandbox: Sandbox
    url: str
    receiver: FarEnd
    people: People
    cases: int = 0


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    sandbox = Sandbox(SandboxConfig(helpdesk_secret=SECRET, echo_own_messages=False, events=()))
    sandbox.faults.set("slack_rate_limit", "off")
    server = run(sandbox.app)
    client = slack_client(sandbox.config.bot_token, f"{server.url}/api/")
    people = SlackDirectory(client, role_sources(shipped())).load()
    with far_end(Reply()) as receiver:
        yield World(sandbox, server.url, receiver, people)
    server.stop()


class Story:
    """One case on one database, told by one replica after another."""

    def __init__(self, world: World, database_url: str) -> None:
        world.cases += 1
        self.number = world.cases
        self.world = world
        self.url = database_url
        self.clock = HandClock()
        self.points = Points()
        self.ports: Ports | None = None
        self.replica = self._start()
        world.sandbox.crm.add_ticket(f"70{self.number:04}")
        self.case_id = ""

    def _start(self) -> Replica:
        client = slack_client(self.world.sandbox.config.bot_token, f"{self.world.url}/api/")
        self.ports = Ports(
            slack=SlackPort(client, monotonic=self.clock.monotonic),
            helpdesk=WebhookHelpdesk(f"{self.world.url}/helpdesk/webhook", SECRET),
            crm=HubSpotCrm(self.world.url, self.world.sandbox.config.crm_token),
            callbacks=CallbackPort({"test": SECRET}, ["127.0.0.1"]),
        )
        return Replica(self.url, self.clock, self.ports, point=self.points, who=self.world.people)

    def close(self) -> None:
        assert self.ports is not None
        self.replica.close()
        for port in (self.ports.slack, self.ports.helpdesk, self.ports.crm, self.ports.callbacks):
            port.close()  # type: ignore[union-attr]

    def reopen(self) -> None:
        """Another process, after the lease of the one that died."""
        self.close()
        self.clock.advance(LEASE)
        self.replica = self._start()

    def receive(self) -> None:
        url = f"{self.world.receiver.url}/hook"
        self.case_id = self.replica.receive(self.number, callback_url=url, callback_key="test")

    def waiting(self, kind: str) -> bool:
        """Whether the next thing that may leave on some lane is of this kind."""
        with self.replica.store.reading() as reader:
            return any(
                type(d.effect).__name__ == kind and (head := reader.lane_head(d.lane)) is not None and head.id == d.id
                for d in reader.deliveries("pending", case_id=self.case_id)
            )

    def go_on(self, until: str = "") -> bool:
        """Deliver until something of this kind is next, or until everything is done; people approve meanwhile."""
        for _ in range(60):
            for destination in ("slack", "helpdesk", "crm", "callback"):
                if until and self.waiting(until):
                    return True
                self.replica.step(destination)
            case = self.replica.case(self.case_id)
            if case.state == "pending" and case.packets[0].ts:
                self.replica.approve(self.case_id)
            self.clock.advance(1.1)
            Sweeper(self.replica.engine).sweep()
            with self.replica.store.reading() as reader:
                if case.state in ("sent", "indeterminate") and not reader.delivery_backlog():
                    return False
        raise AssertionError(f"{self.case_id} comes to no end: {self.replica.deliveries(self.case_id)}")

    # --- what the far ends saw ------------------------------------------------------------------------------------

    def in_slack(self) -> Counter[str]:
        """How often each delivery stands in a channel or thread."""
        found: Counter[str] = Counter()
        for channel in list(self.world.sandbox.workspace.channels):
            for message in self.world.sandbox.workspace.everything(channel):
                first = message.versions[0] if message.versions else message.content
                delivery = ((first.metadata or {}).get("event_payload") or {}).get("delivery", "")
                if delivery.startswith(f"{self.case_id}-"):
                    found[delivery] += 1
        return found

    def replies(self) -> list[str | None]:
        return [d.text for d in self.world.sandbox.helpdesk.replies() if d.case_id == self.case_id]

    def repeated(self) -> list[str]:
        return [d for d in self.world.sandbox.helpdesk.repeats if d.startswith(f"{self.case_id}-")]

    def called_back(self) -> Counter[str]:
        ids = [taken.headers["webhook-id"] for taken in list(self.world.receiver.taken)]
        return Counter(i for i in ids if i.startswith(f"{self.case_id}-"))

    def ids(self, *kinds: str) -> set[str]:
        return {d.id for kind in kinds for d in self.replica.deliveries(self.case_id, kind)}


@pytest.fixture
def story(world: World, sqlite_url: str) -> Iterator[Story]:
    story = Story(world, sqlite_url)
    yield story
    story.close()


def _crash(story: Story, point: str, kind: str) -> None:
    destination = story.replica.deliveries(story.case_id, kind)[0].destination
    story.points.at = point
    with pytest.raises(Crash):
        story.replica.step(destination)
    assert story.points.at == "", "the point was reached"


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_anywhere_loses_nothing_and_doubles_nothing(story: Story, kind: str, point: str) -> None:
    story.receive()
    assert story.go_on(until=kind)
    before = len(story.replies())
    _crash(story, point, kind)

    story.reopen()
    story.go_on()
    if kind == "HelpdeskReply" and point != "after commit":
        # a webhook cannot be asked what it has: nobody repeats it, a person looks
        assert len(story.replies()) - before == (0 if point in NOT_SENT_YET else 1)
        _settle(story, arrived=point not in NOT_SENT_YET)
        story.go_on()
    assert story.replica.case(story.case_id).state == "sent"
    _everything_arrived_once(story)


def _settle(story: Story, *, arrived: bool) -> None:
    case = story.replica.case(story.case_id)
    assert case.state == "indeterminate"
    assert story.replica.reply(story.case_id).status == "indeterminate"
    lead = story.world.people.members("support_lead")[0].user_id
    command = SettleDelivery(
        case_id=case.id, user=lead, seen=case.request_hash, delivery=case.pending_reply, arrived=arrived
    )
    story.replica.engine.handle(command)


def _everything_arrived_once(story: Story) -> None:
    assert {d.status for d in story.replica.deliveries(story.case_id)} == {"done"}
    assert story.in_slack() == Counter(story.ids("PacketPost", "ThreadReply", "DirectMessage"))
    packet = story.replica.case(story.case_id).packets[0]
    shown = story.world.sandbox.workspace.find(packet.channel_id, packet.ts or "")
    assert shown is not None
    assert "cs:approve" not in str(shown.blocks), "the packet shows the outcome"

    assert story.replies() == [DRAFT]
    taken = {d.id for d in story.world.sandbox.helpdesk.received if d.case_id == story.case_id}
    assert taken == story.ids("HelpdeskReply", "HelpdeskFields")
    assert set(story.repeated()) <= story.ids("HelpdeskFields"), "only what a repeat cannot harm is repeated"

    crm = story.world.sandbox.crm
    patches = [entry["properties"] for entry in crm.log if entry["ticket_id"] == f"70{story.number:04}"]
    expected = [d.effect.properties for d in story.replica.deliveries(story.case_id, "CrmPatch")]  # type: ignore[union-attr]
    assert [p for n, p in enumerate(patches) if n == 0 or p != patches[n - 1]] == expected, "in order, repeats aside"

    assert set(story.called_back()) == story.ids("Callback"), "a repeat keeps its webhook-id"
    assert max(story.called_back().values()) <= 2
    with story.replica.store.reading() as reader:
        assert verify_log(reader.all_events(), []).ok


@pytest.mark.parametrize(("point", "stored"), [("before commit", False), ("after commit", True)])
def test_a_crash_in_a_decision_keeps_all_of_it_or_nothing(story: Story, point: str, stored: bool) -> None:
    story.receive()
    story.replica.run()
    case = story.replica.case(story.case_id)
    agent = story.world.people.members("support_agent")[0].user_id
    approve = Approve(case_id=case.id, user=agent, seen=case.request_hash)
    story.points.at = point
    with pytest.raises(Crash):
        story.replica.engine.handle(approve)

    story.reopen()
    assert story.replica.case(case.id).state == ("approved" if stored else "pending")
    assert len(story.replica.events(case.id, "Approved")) == int(stored)
    story.go_on()
    assert len(story.replica.events(case.id, "Approved")) == 1
    _everything_arrived_once(story)


def test_two_workers_on_one_database_deliver_each_thing_once(story: Story) -> None:
    other = Replica(story.url, story.clock, story.replica.dispatcher.courier.ports, who=story.world.people)
    story.receive()
    try:
        for _ in range(25):
            for replica in (other, story.replica):
                replica.step()
            if story.replica.case(story.case_id).state == "pending" and story.in_slack():
                other.approve(story.case_id)
            story.clock.advance(1.1)
            Sweeper(other.engine).sweep()
        assert story.replica.case(story.case_id).state == "sent"
        _everything_arrived_once(story)
        assert story.repeated() == []
        assert set(story.called_back().values()) == {1}
    finally:
        other.close()


def test_a_database_copied_in_mid_flight_is_recovered_like_a_crash(story: Story, tmp_path: Path) -> None:
    """A backup taken while a reply was on its way: whoever restores it asks people, and sends nothing twice."""
    story.receive()
    assert story.go_on(until="HelpdeskReply")
    _crash(story, "after send", "HelpdeskReply")
    copy = tmp_path / "restored.db"
    source = story.url.removeprefix("sqlite:///")
    for suffix in ("", "-wal"):
        if Path(source + suffix).exists():
            shutil.copyfile(source + suffix, f"{copy}{suffix}")
    story.url = f"sqlite:///{copy}"
    story.reopen()
    story.go_on()
    _settle(story, arrived=True)
    story.go_on()
    _everything_arrived_once(story)
