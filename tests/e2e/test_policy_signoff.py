"""A changed policy directory, its owners in Slack, and cases before and after (RI9)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.sandbox.model import Message
from tests.e2e.running import Office, policy_with
from tests.e2e.town import AGENTS, Json, Town, buttons, everything_said, low_body, wait_for

OPS, POLICY_OWNER, STRANGER = "U04DAN", "U07HELENE", AGENTS[0]
ROOM = "policy-changes"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return policy_with(tmp_path_factory.mktemp("policy"), "risk.yaml", "expire_after: 24h", "expire_after: 25h")


@pytest.fixture(scope="module")
def office(
    shared_town: Town, sqlite_template: Path, directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    path = tmp_path_factory.mktemp("office") / "countersign.db"
    shutil.copyfile(sqlite_template, path)
    office = Office(shared_town, f"sqlite:///{path}", COUNTERSIGN_POLICY_DIR=str(directory))
    yield office
    office.stop()


def asked(town: Town, user: str) -> Message:
    """What `/approvals policy` answers this person."""
    room = town.workspace.channel_named(ROOM)
    town.workspace.join(room, user)
    before = {m.ts for m in town.messages()}
    result = town.people.slash(user, room.id, "/approvals", "policy")
    assert result.ok, result.error
    return wait_for(
        lambda: next((m for m in town.messages() if m.ephemeral_to == user and m.ts not in before), None),
        "an answer to /approvals policy",
    )


def change(office: Office, directory: Path, before: str, after: str) -> None:
    file = directory / "risk.yaml"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))
    office.service.watch.load()


def press(town: Town, user: str, message: Message, action: str) -> str:
    before = len(town.private(user))
    assert town.click(user, message, action).ok
    return town.told(user, before)


def answer(town: Town, user: str, message: Message, action: str, reason: str) -> None:
    assert town.click(user, message, action).ok
    view = town.form(user)
    state: Json = {"reason": {"value": {"type": "plain_text_input", "value": reason}}}
    assert town.people.submit_view(user, view.id, state).ok


def snapshot_of_a_new_case(town: Town) -> str:
    return str(town.case(town.submit(low_body(town.ticket())))["policy_snapshot"])


def test_two_owners_put_a_change_in_force_and_can_take_it_back(town: Town, office: Office, directory: Path) -> None:
    first = snapshot_of_a_new_case(town)
    old_case = town.submit(low_body(town.ticket()))
    change(office, directory, "expire_after: 25h", "expire_after: 26h")
    assert snapshot_of_a_new_case(town) == first

    shown = asked(town, OPS)
    said = everything_said(shown)
    assert "risk.yaml: expire_after" in said
    assert "25h" in said
    assert "26h" in said
    assert re.search(r"0 of [23] cases would go another way", said)
    assert "recorded" in press(town, OPS, shown, "cs:policy_sign")
    assert "You signed this change already" in press(town, OPS, shown, "cs:policy_sign")
    assert "owners of the policy files" in press(town, STRANGER, asked(town, STRANGER), "cs:policy_sign")
    assert snapshot_of_a_new_case(town) == first

    assert "is in force for new cases" in press(town, POLICY_OWNER, asked(town, POLICY_OWNER), "cs:policy_sign")
    second = snapshot_of_a_new_case(town)
    assert second != first
    assert town.case(old_case)["policy_snapshot"] == first

    answer(town, OPS, asked(town, OPS), "cs:policy_back", "Cases wait too long.")
    wait_for(lambda: snapshot_of_a_new_case(town) == first, "the rollback")
    assert buttons(asked(town, OPS)) == {}


def test_a_declined_change_is_gone_until_it_changes(town: Town, office: Office, directory: Path) -> None:
    first = snapshot_of_a_new_case(town)
    change(office, directory, "expire_after: 26h", "expire_after: 27h")
    late = town.click(OPS, asked(town, OPS), "cs:policy_reject").payload
    town.form(OPS)
    before = len(town.private(OPS))
    assert town.send(late) == 200  # its trigger is used up
    assert "did not open the form" in town.told(OPS, before)

    answer(town, POLICY_OWNER, asked(town, POLICY_OWNER), "cs:policy_reject", "One day is enough.")
    wait_for(lambda: "nothing that waits" in everything_said(asked(town, OPS)), "the refusal")
    office.service.watch.load()
    assert "nothing that waits" in everything_said(asked(town, OPS))
    assert snapshot_of_a_new_case(town) == first
