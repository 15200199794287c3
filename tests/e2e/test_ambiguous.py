"""The helpdesk takes a reply and the answer is lost: people settle what nobody can know (DL2)."""

from __future__ import annotations

import pytest

from tests.e2e.running import Office
from tests.e2e.town import BILLING, CALM, LEAD, MORE_BILLING, OUTSIDER, Town, buttons, high_body, wait_for


@pytest.fixture
def case_id(town: Town, office: Office) -> str:
    """Sent once, and nobody knows whether it arrived."""
    case_id = town.submit(high_body(town.ticket()))
    town.approve(BILLING, case_id)
    signoff = town.message_with(case_id, "cs:signoff")
    town.config.stall_seconds = 0.2  # then its gateway gives up, before our own patience ends
    town.faults.set("helpdesk_timeout_after", True)
    assert town.click(MORE_BILLING, signoff, "cs:signoff").ok
    town.reaches(case_id, "indeterminate")
    town.faults.set("helpdesk_timeout_after", False)
    assert len(town.replies(case_id)) == 1
    return case_id


def test_it_is_not_repeated_and_the_packet_asks(town: Town, office: Office, case_id: str) -> None:
    packet = town.message_with(case_id, "cs:settle_sent")
    assert "cs:settle_resend" in buttons(packet)
    (event,) = town.events(case_id, "DeliveryIndeterminate")
    assert town.case(case_id)["ticket"]["id"] in event["data"]["look_at"]
    office.clock.advance(3_600)
    office.service.dispatcher.wake()
    assert town.case(case_id)["state"] == "indeterminate"
    assert (len(town.replies(case_id)), town.repeats(case_id)) == (1, [])


@pytest.mark.parametrize("user", [LEAD, BILLING])
def test_whoever_found_it_says_so(town: Town, case_id: str, user: str) -> None:
    before = len(town.private(user))
    town.approve(user, case_id, "cs:settle_sent")
    said = town.told(user, before)
    assert "counts as sent" in said
    assert "approval" not in said
    town.reaches(case_id, "sent")
    assert [d.text for d in town.replies(case_id)] == [CALM]
    assert town.repeats(case_id) == []
    (settled,) = town.events(case_id, "DeliverySettled")
    assert settled["actor"] == f"slack:{user}"
    assert settled["data"]["arrived"] is True
    wait_for(lambda: [d for d in town.helpdesk.received if d.case_id == case_id and d.fields], "the fields to follow")


def test_whoever_did_not_find_it_sends_it_again_under_the_same_id(town: Town, case_id: str) -> None:
    """So that a helpdesk that did get it can still drop the repeat."""
    (first,) = town.replies(case_id)
    before = len(town.private(LEAD))
    town.approve(LEAD, case_id, "cs:settle_resend")
    assert "sent again" in town.told(LEAD, before)
    town.reaches(case_id, "sent")
    assert town.repeats(case_id) == [first.id]
    assert [d.text for d in town.replies(case_id)] == [CALM]


def test_settling_is_not_for_everybody_and_only_once(town: Town, case_id: str) -> None:
    packet = town.message_with(case_id, "cs:settle_sent")
    before = len(town.private(OUTSIDER))
    town.workspace.join(town.workspace.channels[packet.channel], OUTSIDER)
    click = town.click(OUTSIDER, packet, "cs:settle_resend")
    assert click.ok
    assert "Not done" in town.told(OUTSIDER, before)
    assert town.case(case_id)["state"] == "indeterminate"

    town.approve(BILLING, case_id, "cs:settle_sent")
    town.reaches(case_id, "sent")
    before = len(town.private(MORE_BILLING))
    late = click.payload | {"response_url": ""}
    late["user"] = {**late["user"], "id": MORE_BILLING}
    assert town.send(late) == 200
    town.told(MORE_BILLING, before, "Not done")
    assert (len(town.replies(case_id)), town.repeats(case_id)) == (1, [])
