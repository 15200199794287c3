"""A burst of low-risk cases in Slack: few messages, every case within reach, the risky one first (SL12)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.sandbox.model import Message
from tests.e2e.running import Office, policy_with
from tests.e2e.town import (
    AGENTS,
    DRAFT,
    Town,
    buttons,
    case_of,
    everything_said,
    high_body,
    low_body,
    wait_for,
)

ANA, BEN = AGENTS[0], AGENTS[1]
BURST = 30


@pytest.fixture(scope="module")
def office(shared_town: Town, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Where four cases are a burst already: Slack takes one message a second."""
    directory = tmp_path_factory.mktemp("digests")
    path = directory / "countersign.db"
    shutil.copyfile(sqlite_template, path)
    policy = policy_with(directory, "risk.yaml", "digests: {from: 60", "digests: {from: 4")
    office = Office(shared_town, f"sqlite:///{path}", COUNTERSIGN_POLICY_DIR=str(policy))
    yield office
    office.stop()


@pytest.fixture(autouse=True)
def nothing_new(office: Office) -> None:
    """What came in for an earlier test is no burst any more."""
    office.clock.advance(61)


def lines(message: Message) -> dict[str, dict[str, Any]]:
    """Of a digest: each case's block, by what its button is about or its words name."""
    return {b["block_id"].removeprefix("line:"): b for b in message.blocks if b["type"] == "section"}


def digest_of(town: Town, case_id: str) -> Message:
    def look() -> Message | None:
        return next((m for m in town.messages() if not m.deleted and case_id in lines_of(m)), None)

    return wait_for(look, f"a digest with {case_id}")


def lines_of(message: Message) -> dict[str, dict[str, Any]]:
    kind = (message.metadata or {}).get("event_type")
    return lines(message) if kind == "countersign_digest" else {}


def says(message: Message, case_id: str) -> str:
    return str(lines(message)[case_id]["text"]["text"])


def open_line(town: Town, user: str, message: Message, case_id: str) -> None:
    result = town.people.click(user, message.channel, message.ts, action_id="cs:unfold", block_id=f"line:{case_id}")
    assert result.ok, result.error


def burst(town: Town, count: int) -> list[str]:
    return [town.submit(low_body(town.ticket())) for _ in range(count)]


def test_a_burst_is_few_messages_and_one_of_it_is_opened_approved_and_sent(town: Town, office: Office) -> None:
    start = len(list(town.messages()))
    cases = burst(town, BURST - 1)
    high = town.submit(high_body(town.ticket()))
    cases += burst(town, 1)
    digest = digest_of(town, cases[-1])
    for case_id in cases[3:]:
        digest_of(town, case_id)

    review = town.workspace.channel_named("support-review").id
    posted = [m for m in town.messages() if m.channel == review and not m.thread_ts][:]
    assert len(posted) <= 3 + 1 + 3  # three alone, the high one, and lists of twenty
    assert len(list(town.messages())) - start < BURST / 2
    whole = town.message_with(high, "cs:approve")
    assert whole.ts < digest.ts, "what is risky waited behind what is not"
    assert not any(high in lines_of(m) for m in town.messages())
    for case_id in cases[3:]:
        block = lines(digest_of(town, case_id))[case_id]
        assert f"case {case_id}" in block["text"]["text"]
        assert "ticket tick-" in block["text"]["text"]
        assert [block["accessory"]["action_id"], block["accessory"]["text"]["text"]] == ["cs:unfold", "Open"]
    assert not any(e.startswith("cs:") for m in town.messages() if lines_of(m) for e in buttons(m))

    case_id, before = cases[-1], len(town.private(ANA))
    open_line(town, ANA, digest, case_id)
    assert "you get a message" in town.told(ANA, before, "comes into #support-review")
    packet = town.message_with(case_id, "cs:approve")
    assert DRAFT in everything_said(packet)
    assert "its packet stands" in town.told(ANA, before, "↗ Opened")
    wait_for(lambda: "↗ Opened" in says(digest, case_id), "the line to say that it is opened")
    assert lines(digest)[case_id]["accessory"]["action_id"] == "cs:open"

    assert town.click(BEN, packet, "cs:approve").ok
    office.send_delay_over()
    town.reaches(case_id, "sent")
    wait_for(lambda: "Sent, approved by agent01" in says(digest, case_id), "the line to say that it is sent")
    assert [d.text for d in town.replies(case_id)] == [DRAFT]
    assert "accessory" in lines(digest)[case_id]
    assert [e["type"] for e in town.events(case_id, "PacketFolded", "PacketUnfolded", "PacketPosted")] == [
        "PacketFolded",
        "PacketUnfolded",
        "PacketPosted",
    ]


def test_no_click_on_a_line_is_silent(town: Town, office: Office) -> None:
    *_, case_id, other = burst(town, 5)
    digest = digest_of(town, other)
    before = len(town.private(ANA))
    open_line(town, ANA, digest, case_id)
    open_line(town, ANA, digest, case_id)
    assert town.told(ANA, before, "stand")
    packet = town.message_with(case_id, "cs:approve")
    wait_for(lambda: "↗ Opened" in says(digest, case_id), "the line to say that it is opened")
    assert len([m for m in town.messages() if case_of(buttons(m).get("cs:approve")) == case_id]) == 1

    old = next(v for v in digest.versions if "cs:unfold" in json.dumps(v.blocks))
    before = len(town.private(BEN))
    town.workspace.edit(digest, old, shows_edited=False)
    open_line(town, BEN, digest, case_id)
    assert "stands in #support-review already" in town.told(BEN, before)

    assert town.call("POST", f"/v1/cases/{other}/withdraw", json={"reason": "no need"}).status_code < 300
    town.workspace.edit(digest, old, shows_edited=False)
    before = len(town.private(BEN))
    open_line(town, BEN, digest, other)
    assert "withdrawn" in town.told(BEN, before).lower()
    assert town.case(other)["state"] == "withdrawn"
    assert packet.ts


def test_folded_cases_are_listed_with_the_way_to_them(town: Town, office: Office) -> None:
    *_, first, second = burst(town, 6)
    digest_of(town, second)
    assert "cs:unfold" in answered(town, f"case {first}")
    for words in ("#support-review", "mine"):
        assert "open it in its digest" in answered(town, words)


def answered(town: Town, words: str) -> str:
    """What /approvals says to Ana."""
    before = {(m.channel, m.ts) for m in town.messages()}
    assert town.people.slash(ANA, digest_channel(town), "/approvals", words).ok
    said = [m for m in town.messages() if m.ephemeral_to == ANA and (m.channel, m.ts) not in before]
    return json.dumps([m.blocks for m in said])


def digest_channel(town: Town) -> str:
    return town.workspace.channel_named("support-review").id


def test_a_deleted_digest_comes_back(town: Town, office: Office) -> None:
    cases = burst(town, 6)
    digest = digest_of(town, cases[-1])
    quiet(office)
    town.workspace.delete(digest)
    assert office.reconcile() >= 1
    again = digest_of(town, cases[-1])
    assert again.ts != digest.ts
    quiet(office)
    assert office.reconcile() == 0


def quiet(office: Office) -> None:
    def done() -> bool:
        with office.service.store.reading() as reader:
            return not reader.deliveries("pending", "claimed", destination="slack")

    wait_for(done, "Slack to show everything", 40)
