"""Billing goes on holiday: a lead decides in their place, everybody can see for whom, and it ends (DE7)."""

from __future__ import annotations

from tests.e2e.running import Office
from tests.e2e.town import AGENTS, BILLING, LEAD, MORE_BILLING, Town, buttons, everything_said, high_body, wait_for


def _answers(town: Town, user: str) -> list[str]:
    """What stands beside the channel for this person alone; direct messages come when they come."""
    return [everything_said(m) for m in sorted(town.messages(), key=lambda m: m.ts) if m.ephemeral_to == user]


def _slash(town: Town, user: str, words: str) -> str:
    before = len(_answers(town, user))
    channel = town.workspace.channel_named("support-review").id
    assert town.people.slash(user, channel, "/approvals", words).ok
    return wait_for(lambda: _answers(town, user)[before:], f"an answer to {words}")[0]


def _waits_for_billing(town: Town) -> str:
    case_id = town.submit(high_body(town.ticket()))
    town.approve(AGENTS[0], case_id)
    town.reaches(case_id, "awaiting_signoff")
    return case_id


def _mine(town: Town, user: str) -> str:
    return _slash(town, user, "mine")


def _end(town: Town, user: str) -> None:
    _slash(town, user, "delegate")
    shown = [m for m in town.messages() if m.ephemeral_to == user and "cs:delegation_end" in buttons(m)]
    before = len(town.private(user))
    town.click(user, max(shown, key=lambda m: m.ts), "cs:delegation_end")
    assert "Ended" in town.told(user, before, "Ended")


def test_a_deputy_signs_off_and_the_record_says_for_whom(town: Town, office: Office) -> None:
    case_id = _waits_for_billing(town)
    assert case_id not in _mine(town, LEAD)
    before = len(town.private(LEAD))
    assert "Recorded" in _slash(town, BILLING, "delegate @priya until 2d")
    assert "#billing-approvals" in town.told(LEAD, before, "You act for Ingrid")
    wait_for(lambda: town.events(case_id, "CaseHandedOver"), "the open case to be handed over")
    assert case_id in _mine(town, LEAD)
    assert case_id not in _mine(town, BILLING)
    assert case_id in _mine(town, MORE_BILLING)

    town.approve(LEAD, case_id, "cs:signoff")
    town.reaches(case_id, "sending", "sent")
    given = town.case(case_id)["approval"]["approvals"][-1]
    assert (given["by"], given["role"], given["instead_of"]) == (LEAD, "billing_approver", BILLING)
    (signed,) = town.events(case_id, "SignedOff")
    assert signed["data"]["instead_of"] == BILLING
    wait_for(lambda: "for Ingrid" in everything_said(town.message_with(case_id, "cs:history")), "the packet to say so")
    _end(town, BILLING)


def test_it_ends_by_the_clock_and_by_hand(town: Town, office: Office) -> None:
    _slash(town, BILLING, "delegate @priya until 1h")
    case_id = _waits_for_billing(town)
    assert case_id in _mine(town, LEAD)
    office.clock.advance(3600 + 1)
    later = _waits_for_billing(town)
    before = len(town.private(LEAD))
    town.click(LEAD, town.message_with(later, "cs:signoff"), "cs:signoff")
    assert "you are not in it" in town.told(LEAD, before, "Not done")
    office.service.engine.tidy_delegations()
    assert "Nobody acts for you" in _slash(town, BILLING, "delegate")

    assert "acts for you" in _slash(town, BILLING, "delegate @priya until tomorrow")
    assert later in _mine(town, LEAD)
    _end(town, BILLING)
    assert later not in _mine(town, LEAD)


def test_what_cannot_be_is_said_and_changes_nothing(town: Town, office: Office) -> None:
    for words, why in (
        ("delegate somebody until 2d", "Name a person with @"),
        ("delegate @priya", "Say until when"),
        ("delegate @priya until whenever", "could not read that"),
        ("delegate @priya until 2020-01-01", "Say until when, some time ahead"),
        ("delegate @ingrid until 2d", "cannot stand in for yourself"),
        ("delegate @agent00 until 2d", "could not hold"),
    ):
        assert why in _slash(town, BILLING, words)
    assert "Nobody acts for you" in _slash(town, BILLING, "delegate")
