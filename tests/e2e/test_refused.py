"""Clicks that must not count: acknowledged, without effect, and answered privately with the reason (SL3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.sandbox.model import Message, User
from tests.e2e.running import Office
from tests.e2e.town import AGENTS, BILLING, DRAFT, LEAD, OUTSIDER, Json, Town, buttons, low_body, with_value


@pytest.fixture(scope="module")
def case_id(shared_town: Town, office: Office) -> str:
    """A case that any agent could approve with one click."""
    return shared_town.submit(low_body(shared_town.ticket()))


@pytest.fixture(scope="module")
def packet(shared_town: Town, case_id: str) -> Message:
    return shared_town.message_with(case_id, "cs:approve")


@pytest.fixture(scope="module")
def recorded(shared_town: Town, packet: Message) -> Json:
    """A click on Approve as Slack sent it; it was an outsider's and did nothing."""
    return shared_town.click(OUTSIDER, packet, "cs:approve").payload


def _said_to(town: Town, user: str, payload: Json) -> str:
    before = len(town.private(user))
    assert town.send(payload) == 200
    return town.told(user, before)


def _by(user: str, recorded: Json, value: str | None = None, **action: Any) -> Json:
    """The recorded click by somebody else. Its response_url is not theirs: the answer takes the next way."""
    known = recorded["actions"][0]["value"]
    return with_value(recorded, known if value is None else value, user, **action) | {"response_url": ""}


def _undecided(town: Town, case_id: str) -> bool:
    return town.case(case_id)["state"] == "pending" and town.replies(case_id) == []


NOT_IN_IT = "someone from @support-agents; you are not in it"
MAY_NOT = "Guests, bots and deactivated accounts cannot decide here"
WRONG_PEOPLE = {OUTSIDER: NOT_IN_IT, BILLING: NOT_IN_IT, LEAD: NOT_IN_IT, "U23GUS": MAY_NOT}


@pytest.mark.parametrize("user", WRONG_PEOPLE)
@pytest.mark.parametrize("action", ["cs:approve", "cs:edit", "cs:reject"])
def test_who_is_not_in_the_role_is_told_so(town: Town, case_id: str, packet: Message, user: str, action: str) -> None:
    before = len(town.private(user))
    channel = town.workspace.channels[packet.channel]
    town.workspace.join(channel, user)
    assert town.click(user, packet, action).ok
    said = town.told(user, before)
    assert "Not done" in said
    assert WRONG_PEOPLE[user] in said
    assert town.workspace.views.stack(user) == []
    assert _undecided(town, case_id)


def test_somebody_slack_has_never_shown_us_is_told_too(town: Town, case_id: str, recorded: Json) -> None:
    town.workspace.add_user(User("U99NEWCOMER", "newcomer", "New Comer"))
    town.workspace.join(town.workspace.channel_named("support-review"), "U99NEWCOMER")
    said = _said_to(town, "U99NEWCOMER", _by("U99NEWCOMER", recorded))
    assert "Not done" in said
    assert _undecided(town, case_id)


def test_nobody_approves_what_they_wrote_themselves(town: Town) -> None:
    author = LEAD  # what a person submits goes to the leads
    own = {"draft": {"author": "human", "text": DRAFT}, "submitted_by": {"slack_user": author}}
    case_id = town.submit(low_body(town.ticket(), **own))
    packet = town.message_with(case_id, "cs:approve")
    before = len(town.private(author))
    assert town.click(author, packet, "cs:approve").ok
    assert "your own submission" in town.told(author, before)
    assert _undecided(town, case_id)
    (refused,) = town.events(case_id, "CommandRefused")
    assert refused["actor"] == f"slack:{author}"


def test_a_button_of_an_older_version_approves_nothing(town: Town) -> None:
    """The text was edited after the message was drawn: what that person saw is not what would be sent (DE1)."""
    case_id = town.submit(low_body(town.ticket()))
    old = town.click(OUTSIDER, town.message_with(case_id, "cs:approve"), "cs:approve").payload
    draft = {"draft": {"author": "ai", "text": "Your parcel left our warehouse on Monday.", "confidence": 0.9}}
    assert town.call("POST", f"/v1/cases/{case_id}/drafts", json=draft["draft"]).status_code == 202
    said = _said_to(town, AGENTS[1], _by(AGENTS[1], old))
    assert "changed" in said
    assert "version 2" in said, said
    assert _undecided(town, case_id)
    assert town.events(case_id, "Approved") == []


FOREIGN: dict[str, Any] = {
    "no JSON": "approve",
    "empty": "",
    "an array": "[]",
    "a number": "12",
    "null": "null",
    "of another app": '{"id": 7}',
    "numbers for texts": '{"c": 7, "h": 1, "p": 2}',
    "an empty case id": '{"c": "", "h": "", "p": ""}',
    "deep": "[" * 900 + "]" * 900,
    "a NUL in the case id": '{"c": "c_\\u0000", "h": "", "p": ""}',
    "a long case id": json.dumps({"c": "c" * 1_500, "h": "", "p": ""}),
}


@pytest.mark.parametrize("action", ["cs:approve", "cs:reject", "cs:settle_resend"])
@pytest.mark.parametrize("value", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_button_value_that_is_not_ours_is_answered(town: Town, recorded: Json, value: str, action: str) -> None:
    user = AGENTS[5]
    said = _said_to(town, user, _by(user, recorded, value, action_id=action))
    assert "not one that Countersign knows" in said


def test_an_unknown_button_on_a_known_case_is_answered(town: Town, case_id: str, recorded: Json) -> None:
    for action in ("cs:explode", "approve_it", ""):
        said = _said_to(town, AGENTS[6], _by(AGENTS[6], recorded, action_id=action))
        assert "not one that Countersign knows" in said
    assert _undecided(town, case_id)


@pytest.mark.parametrize("action", ["cs:approve", "cs:edit", "cs:reject", "cs:signoff", "cs:undo", "cs:history"])
def test_a_case_nobody_knows_is_answered(town: Town, recorded: Json, action: str) -> None:
    user = AGENTS[7]
    value = '{"c": "c_neverexisted00", "h": "0", "p": "p1"}'
    said = _said_to(town, user, _by(user, recorded, value, action_id=action))
    assert "There is no case c_neverexisted00" in said


def test_buttons_of_another_step_do_nothing(town: Town, case_id: str, recorded: Json) -> None:
    for action in ("cs:signoff", "cs:undo", "cs:settle_sent", "cs:settle_resend", "cs:decline"):
        said = _said_to(town, AGENTS[8], _by(AGENTS[8], recorded, action_id=action))
        assert "Not done" in said
    assert _undecided(town, case_id)


def test_a_channel_that_cannot_be_written_to_falls_back_to_a_direct_message(
    town: Town, case_id: str, recorded: Json
) -> None:
    user = AGENTS[9]
    payload = _by(user, recorded, "gone") | {"channel": {"id": "C404", "name": "gone"}}
    payload["container"]["channel_id"] = "C404"
    said = _said_to(town, user, payload)
    assert "not one that Countersign knows" in said
    direct = next(c for c in town.workspace.channels.values() if c.im_user == user)
    assert any("not one that Countersign knows" in m.text for m in town.workspace.everything(direct.id))


def test_the_packet_itself_still_works(town: Town, case_id: str, packet: Message) -> None:
    assert buttons(packet)["cs:approve"]
    town.approve(AGENTS[0], case_id)
    town.reaches(case_id, "approved", "sending", "sent")
