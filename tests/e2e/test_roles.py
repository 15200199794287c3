"""Whose step it is: a manager looked up in Slack's profiles, and cases whose own role has nobody left."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.sandbox.model import Message
from tests.e2e.running import Office, policy_with
from tests.e2e.town import AGENTS, DRAFT, LEAD, OUTSIDER, Town, high_body, low_body, wait_for

MAYA = "U01MAYA"  # LEAD manages her, as her profile says
STEP = """  - id: money_sign_off
    label: Sign-off by billing and by a lead
"""
MANAGER_STEP = """  - id: manager
    label: The agent's manager
    when: action.type == 'refund' && !action.irreversible
    any_of: [team_manager]
"""
MANAGER_ROLE = """roles:
  team_manager:
    title: Manager of who submitted it
    resolver: manager_of_initiator
    channel: support-review
    kind: lead
    domains: [support, billing]
    backup: executive_approver

"""
EXECUTIVE = "U17GRACE"


@pytest.fixture(scope="module")
def office(shared_town: Town, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A refund ends with the manager of whoever submitted it."""
    directory = tmp_path_factory.mktemp("office")
    shutil.copyfile(sqlite_template, directory / "countersign.db")
    policy_with(directory, "risk.yaml", STEP, MANAGER_STEP + STEP)
    policies = policy_with(directory, "roles.yaml", "roles:\n", MANAGER_ROLE)
    url = f"sqlite:///{directory / 'countersign.db'}"
    office = Office(shared_town, url, COUNTERSIGN_POLICY_DIR=str(policies))
    yield office
    office.stop()


@pytest.fixture
def agents_back(town: Town, office: Office) -> Iterator[Callable[[], object]]:
    """Has the directory read anew; afterwards every agent is there again."""
    yield office.service.directory.load
    for user in AGENTS:
        town.workspace.users[user].deleted = False
    town.workspace.set_group("support-agents", AGENTS)
    office.service.directory.load()


def before_manager(town: Town, **submitted: str) -> str:
    """A refund that an agent and billing approved."""
    body = high_body(town.ticket(), **({"submitted_by": submitted} if submitted else {}))
    case_id = town.submit(body)
    wait_for(lambda: town.events(case_id, "RoleResolved", "RoleUnresolved"), "an answer")
    town.approve("U05INGRID", case_id)
    town.approve("U06KWAME", case_id, "cs:signoff")
    return case_id


def channels_of(town: Town, case_id: str) -> set[str]:
    return {town.workspace.channels[m.channel].name for m in packets(town, case_id)}


def packets(town: Town, case_id: str) -> list[Message]:
    return [m for m in town.messages() if m.ephemeral_to is None and case_id in m.text and m.thread_ts is None]


def test_the_manager_of_whoever_submitted_a_refund_is_looked_up_asked_and_signs_it_off(
    town: Town, office: Office
) -> None:
    before = len(town.private(LEAD))
    case_id = before_manager(town, slack_user=MAYA)
    assert case_id in town.told(LEAD, before, "You are asked")
    (event,) = town.events(case_id, "RoleResolved")
    assert (event["data"]["users"], event["data"]["source"]) == ([LEAD], "slack")

    request = town.message_with(case_id, "cs:signoff")
    for user in (MAYA, OUTSIDER, AGENTS[0]):
        seen = len(town.private(user))
        town.click(user, request, "cs:signoff")
        assert town.told(user, seen)
    assert town.case(case_id)["state"] == "awaiting_signoff"
    town.approve(LEAD, case_id, "cs:signoff")
    town.reaches(case_id, "sent")
    assert [e["actor"] for e in town.events(case_id, "SignedOff")] == ["slack:U06KWAME", f"slack:{LEAD}"]


def test_without_a_submitter_nobody_is_the_manager_and_the_roles_backup_is_asked(town: Town, office: Office) -> None:
    case_id = before_manager(town)
    (event,) = town.events(case_id, "RoleUnresolved")
    assert "nobody is their manager" in event["reason"]
    assert "executive-approvals" in channels_of(town, case_id)
    assert town.replies(case_id) == []
    town.approve(EXECUTIVE, case_id, "cs:signoff")
    town.reaches(case_id, "sent")


def test_a_case_whose_role_is_empty_goes_to_the_fallback_role_and_waits_for_it(
    town: Town, office: Office, agents_back: Callable[[], object]
) -> None:
    town.workspace.set_group("support-agents", [])
    agents_back()
    assert any("support_agent has no member" in p for p in office.service.directory.problems())
    found = len(office.service.directory.problems())
    assert f"countersign_directory_problems {found}.0" in town.call("GET", "/metrics").text
    case_id = town.submit(low_body(town.ticket(), draft={"text": DRAFT, "confidence": 1.0}))
    wait_for(lambda: "support-escalations" in channels_of(town, case_id), "a packet for the leads")
    assert town.case(case_id)["state"] == "pending"
    assert "Nobody in support_agent" in town.events(case_id, "Escalated")[0]["reason"]
    office.clock.advance(3_600)
    assert town.replies(case_id) == []
    town.approve(LEAD, case_id)
    office.send_delay_over()
    town.reaches(case_id, "sent")


def test_approvers_who_were_deactivated_do_not_hold_a_case_up(
    town: Town, office: Office, agents_back: Callable[[], object]
) -> None:
    """Deactivated after the case came in, and still in the group."""
    case_id = town.submit(low_body(town.ticket()))
    packet = town.message_with(case_id, "cs:approve")
    for user in AGENTS:
        town.workspace.users[user].deleted = True
    agents_back()
    (problem,) = (p for p in office.service.directory.problems() if "support_agent" in p)
    assert f"{AGENTS[0]} (deactivated)" in problem
    assert town.case(case_id)["state"] == "pending"

    office.clock.advance(4 * 3_600 + 60)
    wait_for(lambda: "support-escalations" in channels_of(town, case_id), "a packet for the leads")
    assert town.replies(case_id) == []
    assert packet.ts in {m.ts for m in packets(town, case_id)}
    town.approve(LEAD, case_id)
    office.send_delay_over()
    town.reaches(case_id, "sent")
