"""Slack cannot be reached: cases come in, timers run, roles are written to, and packets catch up in order (OP6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from app.core.effects import Click
from app.core.messages import AddNote
from app.core.people import People
from app.core.policy import Policy
from app.courier import Ports
from app.main import role_sources
from app.outage import MOST_LISTED, OutageWatch, text
from app.ports.directory import SlackDirectory
from app.ports.errors import GiveUp, RetryLater
from app.ports.helpdesk.webhook import WebhookHelpdesk
from app.ports.mail import MailPort
from app.ports.slack import SlackPort, slack_client
from app.sandbox.server import Sandbox, SandboxConfig
from app.sandbox.serving import run
from app.timers import Sweeper
from tests.core.policies import shipped
from tests.dispatching import HandClock, Replica, migrated
from tests.make import a_message
from tests.scenes import SCENES, received

SECRET = "whsec_ZGlzcGF0Y2gtaGVscGRlc2stc2VjcmV0LTMyLWJ5dGVz"
SECRET_WORDS = "My number is in here and my parcel is late"


@dataclass
class Mailbox:
    faults: list[Exception] = field(default_factory=list)
    mails: list[tuple[tuple[str, ...], str, str]] = field(default_factory=list)

    def send(self, to: Any, subject: str, text: str) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.mails.append((tuple(to), subject, text))


def with_addresses() -> Policy:
    """The shipped policy, with addresses for two of its roles."""
    policy = shipped()
    agents = replace(policy.roles["support_agent"], emails=("agents@example.com", "night@example.com"))
    leads = replace(policy.roles["support_lead"], emails=("leads@example.com",))
    return replace(policy, roles={**policy.roles, "support_agent": agents, "support_lead": leads})


class Scene:
    """One replica on a clock of ours beside a Slack that can go away."""

    def __init__(self, sandbox: Sandbox, url: str, people: People, directory: Path) -> None:
        self.sandbox = sandbox
        self.clock = HandClock()
        client = slack_client(sandbox.config.bot_token, f"{url}/api/")
        ports = Ports(
            slack=SlackPort(client, monotonic=self.clock.monotonic),
            helpdesk=WebhookHelpdesk(f"{url}/helpdesk/webhook", SECRET),
        )
        self.replica = Replica(migrated(directory), self.clock, ports, who=people, policy=with_addresses())
        self.mailbox = Mailbox()
        self.watch = self.another_watch()

    def another_watch(self) -> OutageWatch:
        return OutageWatch(self.replica.engine, self.replica.dispatcher, cast(MailPort, self.mailbox))

    def minutes(self, count: float) -> None:
        """Time goes by, with everything that happens in it."""
        for _ in range(int(count * 6)):
            self.clock.advance(10)
            Sweeper(self.replica.engine).sweep()
            self.replica.step("slack")
            self.watch.tick()

    def settled(self) -> None:
        """All that is due in Slack has been handed over."""
        for _ in range(200):
            self.clock.advance(1.1)
            self.replica.step("slack")
            with self.replica.store.reading() as reader:
                if "slack" not in reader.delivery_backlog():
                    return
        raise AssertionError("Slack's deliveries come to no end")

    def down(self, value: bool = True) -> None:
        self.sandbox.faults.set("slack_down", value)

    def asked(self, method: str) -> list[dict[str, Any]]:
        return [values for name, values, answer in self.sandbox.api.log if name == method and answer.get("ok")]

    def office_events(self, *types: str) -> list[Any]:
        with self.replica.store.reading() as reader:
            return [e for e in reader.all_events() if e.type in types]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    sandbox = Sandbox(SandboxConfig(helpdesk_secret=SECRET, echo_own_messages=False, events=()))
    sandbox.faults.set("slack_rate_limit", "off")
    server = run(sandbox.app)
    client = slack_client(sandbox.config.bot_token, f"{server.url}/api/")
    people = SlackDirectory(client, role_sources(shipped())).load()
    scene = Scene(sandbox, server.url, people, tmp_path)
    yield scene
    scene.replica.close()
    server.stop()


def test_cases_come_in_and_timers_run_and_packets_follow_highest_risk_first(scene: Scene) -> None:
    scene.down()
    low = [scene.replica.receive(number) for number in range(1, 5)]
    scene.minutes(3)
    high = scene.replica.receive(9, **{**SCENES["refund"]})
    scene.minutes(3)
    scene.clock.advance(241 * 60)
    scene.minutes(1)
    assert {scene.replica.case(c).state for c in (*low, high)} == {"pending"}
    assert scene.replica.events(low[0], "Reminded")
    assert scene.replica.events(high, "Escalated")
    assert scene.replica.case(high).packets[0].ts is None

    scene.down(False)
    scene.clock.advance(31)
    scene.settled()
    first = {c: float(scene.replica.case(c).packets[0].ts or 0) for c in (high, *low)}
    assert first[high] == min(first.values())
    assert all(first.values())
    posted = [values["metadata"] for values in scene.asked("chat.postMessage")]
    assert len(posted) == len({str(p) for p in posted}), "nothing came twice"


def test_of_many_changes_to_one_packet_only_the_last_is_shown(scene: Scene) -> None:
    case_id = scene.replica.receive(1)
    scene.settled()
    before = len(scene.asked("chat.update"))
    scene.down()
    for number in range(6):
        note = AddNote(case_id=case_id, user="U01ANA", text=f"Note {number}", click=Click(channel="C", ts=f"{number}"))
        scene.replica.engine.handle(note)
        scene.minutes(1)
    scene.down(False)
    scene.clock.advance(31)
    scene.settled()
    updates = scene.asked("chat.update")[before:]
    assert len(updates) == 1
    assert "Note 5" in str(updates[0]["blocks"])


def test_each_role_that_is_waited_for_is_written_to_once_an_outage(scene: Scene) -> None:
    scene.down()
    case_id = scene.replica.receive(1, messages=(a_message(SECRET_WORDS),))
    scene.minutes(1)
    assert scene.mailbox.mails == [], "most outages are shorter"
    scene.minutes(10)
    scene.another_watch().tick()
    ((to, subject, said),) = scene.mailbox.mails
    assert to == ("agents@example.com", "night@example.com")
    assert "1 waiting" in subject
    assert case_id in said
    assert "low  #support-review  since" in said
    customer = scene.replica.case(case_id).customer
    assert not [w for w in (SECRET_WORDS, customer.name, customer.email, customer.id) if w in said]

    scene.down(False)
    scene.clock.advance(31)
    scene.settled()
    scene.watch.tick()
    assert [e.type for e in scene.office_events("SlackLost", "SlackBack")] == ["SlackLost", "SlackBack"]
    assert scene.office_events("SlackLost")[0].content.data["roles"] == ["support_agent"]
    scene.down()
    scene.replica.receive(2)
    scene.replica.receive(3)
    scene.minutes(10)
    assert len(scene.mailbox.mails) == 2, "another outage"


def test_a_role_that_comes_to_be_waited_for_later_hears_of_it_then(scene: Scene) -> None:
    scene.down()
    scene.replica.receive(1)
    scene.minutes(10)
    assert [to for to, _, _ in scene.mailbox.mails] == [("agents@example.com", "night@example.com")]
    scene.clock.advance(241 * 60)  # the ladder lets the leads in
    scene.minutes(1)
    assert [to for to, _, _ in scene.mailbox.mails][1:] == [("leads@example.com",)]


def test_a_mail_server_that_is_busy_is_asked_again_and_a_refusal_is_not(scene: Scene) -> None:
    scene.mailbox.faults = [RetryLater("busy"), RetryLater("busy")]
    scene.down()
    scene.replica.receive(1)
    scene.minutes(10)
    assert len(scene.mailbox.mails) == 1
    scene.down(False)
    scene.clock.advance(31)
    scene.settled()
    scene.watch.tick()
    scene.mailbox.faults = [GiveUp("refused", "mend it")]
    scene.down()
    scene.replica.receive(2)
    scene.replica.receive(3)
    scene.minutes(10)
    assert (len(scene.mailbox.mails), scene.mailbox.faults) == (1, [])


def test_a_new_process_does_not_take_slack_for_reachable_before_it_was(scene: Scene) -> None:
    scene.down()
    scene.replica.receive(1)
    scene.minutes(10)
    beside = scene.replica.beside()
    OutageWatch(beside.engine, beside.dispatcher, None).tick()
    assert [e.type for e in scene.office_events("SlackLost", "SlackBack")] == ["SlackLost"]
    beside.close()


def test_a_long_list_is_counted() -> None:
    said = text((received(),) * (MOST_LISTED + 7), "Agents")
    assert "and 7 more" in said
    assert len(said.splitlines()) < MOST_LISTED + 10
