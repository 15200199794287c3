"""A case nobody decided in time, brought back by a click and answered; and one that a newer case overtook."""

from __future__ import annotations

from tests.e2e.running import Office
from tests.e2e.town import AGENTS, DRAFT, OUTSIDER, Town, low_body

A_DAY = 25 * 3_600


def test_reopened_approved_and_sent(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    town.message_with(case_id, "cs:approve")
    office.clock.advance(A_DAY)
    town.reaches(case_id, "expired")
    packet = town.message_with(case_id, "cs:reopen")

    before = len(town.private(OUTSIDER))
    town.click(OUTSIDER, packet, "cs:reopen")
    assert "you are not in it" in town.told(OUTSIDER, before)
    assert town.case(case_id)["state"] == "expired"

    town.approve(AGENTS[0], case_id, "cs:reopen")
    town.reaches(case_id, "pending")
    town.approve(AGENTS[1], case_id)
    office.send_delay_over()
    town.reaches(case_id, "sent")
    assert [d.text for d in town.replies(case_id)][-1] == DRAFT
    assert [e["actor"] for e in town.events(case_id, "CaseReopened")] == [f"slack:{AGENTS[0]}"]


def test_a_newer_case_on_the_ticket_stays_the_only_one(town: Town, office: Office) -> None:
    ticket = town.ticket()
    old = town.submit(low_body(ticket))
    town.message_with(old, "cs:approve")
    office.clock.advance(A_DAY)
    town.reaches(old, "expired")
    packet = town.message_with(old, "cs:reopen")
    new = town.submit(low_body(ticket))

    before = len(town.private(AGENTS[2]))
    town.click(AGENTS[2], packet, "cs:reopen")
    assert f"superseded by a newer case, {new}" in town.told(AGENTS[2], before)
    assert town.case(old)["state"] == "expired"
    assert town.case(new)["state"] == "pending"
