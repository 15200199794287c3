"""What the whole workspace sees in Slack: a policy change and its owners, a pause, an alarm (RI9, OP1, TI4)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.sandbox.model import Message
from tests.e2e.running import Office, in_database, policy_with
from tests.e2e.test_policy_signoff import OPS, POLICY_OWNER, answer, change, press
from tests.e2e.town import AGENTS, LEAD, Town, buttons, everything_said, high_body, low_body, wait_for

POLICY_ROOM, LEADS_ROOM = "policy-changes", "support-escalations"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return policy_with(tmp_path_factory.mktemp("policy"), "risk.yaml", "expire_after: 24h", "expire_after: 25h")


@pytest.fixture(scope="module")
def database_url(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("office") / "countersign.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def office(shared_town: Town, database_url: str, directory: Path) -> Iterator[Office]:
    office = Office(shared_town, database_url, COUNTERSIGN_POLICY_DIR=str(directory))
    yield office
    office.stop()


def messages(town: Town, room: str) -> list[Message]:
    """What everybody can read there that is about no case, oldest first."""
    found = town.workspace.everything(town.workspace.channel_named(room).id)
    return [m for m in found if m.ephemeral_to is None and "countersign_case" not in str(m.metadata)]


def post_that_says(town: Town, room: str, *words: str) -> Message:
    def look() -> Message | None:
        return next((m for m in messages(town, room) if all(w in everything_said(m) for w in words)), None)

    return wait_for(look, f"a message in #{room} with {words}")


def test_a_change_is_posted_signed_there_and_its_post_stays_true(town: Town, office: Office, directory: Path) -> None:
    change(office, directory, "expire_after: 25h", "expire_after: 26h")
    post = post_that_says(town, POLICY_ROOM, "Waits for sign-off", "expire_after", "26h")
    assert sorted(buttons(post)) == ["cs:policy_reject", "cs:policy_sign"]
    assert "no cases of the last 30 days" in everything_said(post)

    assert "recorded" in press(town, OPS, post, "cs:policy_sign")
    signed = post_that_says(town, POLICY_ROOM, "Signed by", "a second person")
    assert signed.ts == post.ts
    assert "owners of the policy files" in press(town, AGENTS[0], post, "cs:policy_sign")
    assert "is in force for new cases" in press(town, POLICY_OWNER, post, "cs:policy_sign")
    active = post_that_says(town, POLICY_ROOM, "✔ In force")
    assert active.ts == post.ts
    assert list(buttons(active)) == ["cs:policy_back"]

    change(office, directory, "expire_after: 26h", "expire_after: 27h")
    second = post_that_says(town, POLICY_ROOM, "Waits for sign-off", "27h")
    answer(town, POLICY_OWNER, second, "cs:policy_reject", "One day is enough.")
    declined = post_that_says(town, POLICY_ROOM, "✖ Declined", "One day is enough.")
    assert (declined.ts, buttons(declined)) == (second.ts, {})

    answer(town, OPS, active, "cs:policy_back", "Cases wait too long.")
    back = post_that_says(town, POLICY_ROOM, "↩ Rolled back", "Cases wait too long.")
    assert (back.ts, buttons(back)) == (post.ts, {})


def slash(town: Town, user: str, text: str) -> None:
    room = town.workspace.channel_named(LEADS_ROOM)
    town.workspace.join(room, user)
    assert town.people.slash(user, room.id, "/approvals", text).ok


def test_the_leads_hear_who_paused_what_why_and_who_must_be_second(town: Town, office: Office) -> None:
    slash(town, LEAD, "pause #billing-approvals It quotes wrong prices.")
    paused = everything_said(post_that_says(town, LEADS_ROOM, "AI text is paused in #billing-approvals"))
    assert "It quotes wrong prices." in paused
    assert town.workspace.users[LEAD].real_name in paused
    assert "/approvals resume #billing-approvals; it takes two people" in paused
    slash(town, LEAD, "resume #billing-approvals")
    post_that_says(town, LEADS_ROOM, "waits for a second person", "Policy owners")
    slash(town, OPS, "resume #billing-approvals")
    resumed = post_that_says(town, LEADS_ROOM, "AI text goes on in #billing-approvals")
    assert everything_said(resumed).count("It quotes wrong prices.") >= 1


def test_timers_that_vanish_are_told_once_and_once_when_it_is_over(
    town: Town, office: Office, database_url: str
) -> None:
    case_id = town.submit(high_body(town.ticket()))
    town.message_with(case_id, "cs:reject")
    in_database(database_url, "CREATE TABLE kept AS SELECT * FROM timers")
    in_database(database_url, "DELETE FROM timers")
    office.service.auditor.look()
    alarm = post_that_says(town, LEADS_ROOM, "⚠ Cases without a timer", case_id)
    office.clock.advance(60)
    office.service.auditor.look()
    metrics = httpx.get(f"{office.server.url}/metrics", trust_env=False).text
    assert 'countersign_open_alarms{alarm="timers_missing"} 1.0' in metrics
    assert "countersign_cases_without_timers 1.0" in metrics

    in_database(database_url, "INSERT INTO timers SELECT * FROM kept")
    office.service.auditor.look()
    post_that_says(town, LEADS_ROOM, "✔ Over", "Every case that waits has its timers again.")
    office.service.auditor.look()
    told = [m for m in messages(town, LEADS_ROOM) if "without a timer" in everything_said(m)]
    assert [m.ts for m in told] == [alarm.ts]
    town.reaches(town.submit(low_body(town.ticket())), "pending")
