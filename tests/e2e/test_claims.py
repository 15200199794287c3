"""Two agents at one case: the first has it, the second is told, and acts once it is released (DE8)."""

from __future__ import annotations

from tests.e2e.running import Office
from tests.e2e.town import AGENTS, Town, buttons, everything_said, low_body, wait_for

ANA, BEN = AGENTS[0], AGENTS[1]


def _click_and_hear(town: Town, user: str, case_id: str, action: str, there: str = "cs:approve") -> str:
    before = len(town.private(user))
    assert town.click(user, town.message_with(case_id, there), action).ok
    return town.told(user, before)


def test_a_claim_keeps_the_second_agent_out_until_it_is_released(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    assert "You have this case until" in _click_and_hear(town, ANA, case_id, "cs:claim")
    (notice,) = [m for m in town.messages() if m.ephemeral_to == ANA and "cs:claim" in buttons(m)]
    before = len(town.private(ANA))
    town.click(ANA, notice, "cs:claim")
    assert "You have this case until" in town.told(ANA, before)
    packet = town.message_with(case_id, "cs:release")
    assert "agent00 until" in everything_said(packet)
    for action in ("cs:approve", "cs:edit", "cs:reject"):
        said = _click_and_hear(town, BEN, case_id, action)
        assert "Not done" in said
        assert "agent00 is working on this case until" in said
    assert town.workspace.views.stack(BEN) == []
    assert "agent00 or a support lead" in _click_and_hear(town, BEN, case_id, "cs:release")
    assert town.case(case_id)["state"] == "pending"

    assert "Released" in _click_and_hear(town, ANA, case_id, "cs:release")
    packet = town.message_with(case_id, "cs:claim")
    assert "cs:release" not in buttons(packet)
    town.approve(BEN, case_id)
    town.reaches(case_id, "approved", "sending", "sent")
    told = [e["type"] for e in town.events(case_id, "CaseClaimed", "CommandRefused", "CaseReleased", "Approved")]
    assert told == ["CaseClaimed", "CaseClaimed", *["CommandRefused"] * 4, "CaseReleased", "Approved"]


def test_a_claim_ends_by_itself(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    _click_and_hear(town, ANA, case_id, "cs:claim")
    town.message_with(case_id, "cs:release")
    office.clock.advance(15 * 60)
    wait_for(lambda: town.events(case_id, "CaseReleased"), "the claim's end")
    town.message_with(case_id, "cs:claim")
    town.approve(BEN, case_id)
    town.reaches(case_id, "approved", "sending", "sent")


def test_mine_lists_what_i_claimed_first(town: Town, office: Office) -> None:
    older, newer = (town.submit(low_body(town.ticket())) for _ in range(2))
    assert _mine(town, ANA).index(older) < _mine(town, ANA).index(newer)
    _click_and_hear(town, ANA, newer, "cs:claim", "cs:claim")
    assert _mine(town, ANA).index(newer) < _mine(town, ANA).index(older)
    assert _mine(town, BEN).index(older) < _mine(town, BEN).index(newer)


def _mine(town: Town, user: str) -> str:
    """What `/approvals mine` answers this person."""
    before = len(town.private(user))
    assert town.people.slash(user, town.workspace.channel_named("support-review").id, "/approvals", "mine").ok
    return town.told(user, before)
