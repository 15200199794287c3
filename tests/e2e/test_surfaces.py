"""What people do to packets in Slack, and that each case still stands where somebody sees it (SL2, OP7)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.sandbox import seed
from app.sandbox.model import Message
from tests.e2e.running import Office
from tests.e2e.town import (
    AGENTS,
    BILLING,
    LEAD,
    Town,
    buttons,
    case_of,
    everything_said,
    high_body,
    low_body,
    texts_in,
    wait_for,
)

ANA = AGENTS[0]


@pytest.fixture(scope="module")
def shared_town() -> Iterator[Town]:
    """A town of our own: here channels are archived and renamed."""
    town = Town(stall_seconds=30.0, trigger_lifetime=60.0)
    yield town
    town.close()


@pytest.fixture(autouse=True)
def channels_as_they_were(town: Town) -> Iterator[None]:
    before = {c.id: (c.name, list(c.members)) for c in town.workspace.channels.values()}
    yield
    for channel in town.workspace.channels.values():
        if channel.id in before:
            channel.name, channel.members[:] = before[channel.id]
            channel.is_archived = False


def quiet(office: Office, case_id: str) -> None:
    """Nothing of the case is on its way to Slack any more."""

    def done() -> bool:
        with office.service.store.reading() as reader:
            return not reader.deliveries("pending", "claimed", case_id=case_id, destination="slack")

    wait_for(done, f"the packets of {case_id}")


def packets(town: Town, case_id: str) -> list[Message]:
    """Messages that show a decision's buttons for this case now."""
    return [m for m in town.messages() if m.ephemeral_to is None and case_of(buttons(m).get("cs:approve")) == case_id]


def name_of(town: Town, message: Message) -> str:
    return town.workspace.channels[message.channel].name


def test_a_deleted_packet_comes_back_once_and_can_be_decided(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    first = town.message_with(case_id, "cs:approve")
    quiet(office, case_id)
    assert office.reconcile() == 0

    town.workspace.delete(first)
    assert office.reconcile() == 1
    again = town.message_with(case_id, "cs:approve")
    assert again.ts != first.ts
    quiet(office, case_id)
    thread = [everything_said(m) for m in town.workspace.thread(again.channel, again.ts)]
    assert any("Posted again" in said for said in thread)
    assert office.reconcile() == 0
    assert len(packets(town, case_id)) == 1
    (lost,) = town.events(case_id, "PacketLost")
    assert lost["data"]["ts"] == first.ts
    town.approve(ANA, case_id)
    town.reaches(case_id, "approved", "sending", "sent")


def test_a_packet_that_somebody_changed_behind_our_back_shows_the_truth_again(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    packet = town.message_with(case_id, "cs:approve")
    town.approve(ANA, case_id)
    office.send_delay_over()
    town.reaches(case_id, "sent")
    quiet(office, case_id)
    assert "cs:approve" not in buttons(packet)
    old = packet.versions[0]
    town.workspace.edit(packet, old, shows_edited=False)
    assert "cs:approve" in buttons(packet)

    assert office.reconcile() == 1
    wait_for(lambda: "cs:approve" not in buttons(packet), "the packet to show that it is decided")
    quiet(office, case_id)
    assert office.reconcile() == 0


def test_an_open_request_for_a_sign_off_comes_back_into_its_thread(town: Town, office: Office) -> None:
    case_id = town.submit(high_body(town.ticket()))
    town.approve(BILLING, case_id)
    request = town.message_with(case_id, "cs:signoff")
    quiet(office, case_id)
    town.workspace.delete(request)
    assert office.reconcile() == 1
    again = town.message_with(case_id, "cs:signoff")
    assert (again.thread_ts, again.ts != request.ts) == (request.thread_ts, True)


def test_an_archived_channels_cases_go_to_the_fallback_channel(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    first = town.message_with(case_id, "cs:approve")
    quiet(office, case_id)
    before = len(town.private(ANA))
    town.workspace.archive(town.workspace.channel_named("support-review"))

    assert office.reconcile() >= 1
    there = wait_for(
        lambda: next((m for m in packets(town, case_id) if m.channel != first.channel), None), "the packet elsewhere"
    )
    assert name_of(town, there) == "support-escalations"
    assert "moved here from #support-review" in everything_said(there)
    assert "another place" in town.told(ANA, before)
    (moved,) = town.events(case_id, "PacketMoved")
    assert (moved["reason"], moved["data"]["role"]) == ("is_archived", "support_agent")
    quiet(office, case_id)
    assert town.click(ANA, there, "cs:approve").ok
    town.reaches(case_id, "approved", "sending", "sent")


def test_a_new_case_for_a_channel_that_lost_the_bot_is_shown_elsewhere_at_once(town: Town, office: Office) -> None:
    town.workspace.kick_bot(town.workspace.channel_named("support-review"))
    case_id = town.submit(low_body(town.ticket()))
    packet = town.message_with(case_id, "cs:approve")
    assert name_of(town, packet) == "support-escalations"
    assert town.case(case_id)["state"] == "pending"
    (failed,) = town.events(case_id, "DeliveryFailed")
    assert "not_in_channel" in failed["reason"]


def test_a_case_finds_its_people_where_the_fallback_is_lost_too(town: Town, office: Office) -> None:
    for name in ("support-review", "support-escalations"):
        town.workspace.kick_bot(town.workspace.channel_named(name))
    case_id = town.submit(low_body(town.ticket()))
    packet = town.message_with(case_id, "cs:approve")
    owner = town.workspace.channels[packet.channel].im_user
    assert owner in AGENTS
    quiet(office, case_id)
    town.workspace.delete(packet)
    assert office.reconcile() >= 1  # other cases moved, too
    wait_for(lambda: any(m.channel == packet.channel for m in packets(town, case_id)), "the packet to come back")
    (again,) = [m for m in packets(town, case_id) if m.channel == packet.channel]
    assert town.click(owner, again, "cs:approve").ok
    town.reaches(case_id, "approved", "sending", "sent")


def test_a_renamed_channel_keeps_its_cases(town: Town, office: Office) -> None:
    channel = town.workspace.channel_named("support-review")
    assert office.service.reconciler.tick() >= 0  # what names mean is kept
    channel.name = "support-review-old"
    town.workspace.add_channel("support-review", [ANA, seed.BOT_USER])
    office.service.directory.load()
    case_id = town.submit(low_body(town.ticket()))
    assert town.message_with(case_id, "cs:approve").channel == channel.id
    assert office.service.engine.office().channels["support-review"] == channel.id
    assert any("support-review-old" in problem for problem in office.service.directory.problems())


def test_masked_data_is_shown_to_one_who_may_see_it_and_refused_to_others(town: Town, office: Office) -> None:
    card = "4111 1111 1111 1111"
    body = low_body(town.ticket(), messages=[{"author": "customer", "text": f"My card is {card}. Where is my parcel?"}])
    case_id = town.submit(body)
    packet = wait_for(
        lambda: next((m for m in town.messages() if case_of(buttons(m).get("cs:pii")) == case_id), None), "Show"
    )
    assert card not in everything_said(packet)

    before = len(town.private(ANA))
    assert town.click(ANA, packet, "cs:pii").ok
    assert "may see what is masked here" in town.told(ANA, before)
    assert town.workspace.views.stack(ANA) == []
    assert town.click(LEAD, packet, "cs:pii").ok
    assert card in "\n".join(texts_in(town.form(LEAD).blocks))
    looks = [(e["type"], e["actor"]) for e in town.events(case_id, "ViewOpened", "CommandRefused")]
    assert looks == [("CommandRefused", f"slack:{ANA}"), ("ViewOpened", f"slack:{LEAD}")]
    assert not [m for m in town.messages() if card in everything_said(m)]
