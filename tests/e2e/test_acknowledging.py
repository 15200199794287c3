"""Slack hears at once; what needs Slack's own Web API comes afterwards (DE3)."""

from __future__ import annotations

from app.sandbox.model import User
from tests.e2e.running import Office
from tests.e2e.town import AGENTS, OUTSIDER, Town, low_body, with_value

SLOW = 2_500  # ms: within Slack's patience for one answer, but not for two


def test_a_form_opens_after_the_acknowledgement(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    packet = town.message_with(case_id, "cs:reject")
    town.faults.set("slack_slow_ms", SLOW)
    assert town.click(AGENTS[0], packet, "cs:reject").ok
    assert town.workspace.views.stack(AGENTS[0]) == []
    assert town.form(AGENTS[0]).body["callback_id"] == "cs:reject"


def test_a_decision_is_stored_and_acknowledged_before_anybody_can_be_told(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    packet = town.message_with(case_id, "cs:approve")
    # a response_url is not the Web API; without one the answer has to take it
    payload = town.click(OUTSIDER, packet, "cs:approve").payload | {"response_url": ""}
    approval = with_value(payload, payload["actions"][0]["value"], AGENTS[1])
    before = len(town.private(AGENTS[1]))
    town.faults.set("slack_slow_ms", SLOW)
    assert town.send(approval) == 200
    assert town.private(AGENTS[1])[before:] == []
    assert town.case(case_id)["state"] == "approved"
    assert "Your approval is recorded" in town.told(AGENTS[1], before)


def test_somebody_new_does_not_keep_slack_waiting(town: Town, office: Office) -> None:
    """Who they are is asked of Slack, but not while Slack waits for us."""
    case_id = town.submit(low_body(town.ticket()))
    packet = town.message_with(case_id, "cs:approve")
    newcomer = town.workspace.add_user(User("U98LATE", "late", "Late Comer"))
    town.workspace.join(town.workspace.channels[packet.channel], newcomer.id)
    calls = len(town.sandbox.api.log)
    town.faults.set("slack_slow_ms", SLOW)
    assert town.click(newcomer.id, packet, "cs:approve").ok
    answered = [name for name, _, _ in list(town.sandbox.api.log)[calls:]]
    assert "users.info" not in answered
    assert "you are not in it" in town.told(newcomer.id, 0)


def test_slack_being_down_neither_loses_nor_delays_a_decision(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    packet = town.message_with(case_id, "cs:approve")
    town.faults.set("slack_down", True)
    assert town.click(AGENTS[2], packet, "cs:approve").ok
    office.send_delay_over()
    town.reaches(case_id, "sent")
    assert len(town.replies(case_id)) == 1
