"""Twenty people decide the same case at the same moment (DE2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest

from app.core.effects import DECISION_EVENTS
from app.sandbox.model import Message
from tests.e2e.running import Office, Process, policy_with
from tests.e2e.town import AGENTS, DRAFT, Town, low_body, texts_in, wait_for

Act = Callable[[], str]


def _at_once(acts: list[Act]) -> list[str]:
    """Everybody acts at the same moment; what each was told at once, if anything."""
    gate = Barrier(len(acts))

    def act(one: Act) -> str:
        gate.wait(20)
        return one()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(act, acts))


def _approves(town: Town, user: str, packet: Message) -> Act:
    def act() -> str:
        result = town.click(user, packet, "cs:approve")
        assert result.ok, result.error
        return ""

    return act


def _rejects(town: Town, user: str, packet: Message) -> Act:
    """Opens and fills in the form now; the act is to submit it."""
    town.click(user, packet, "cs:reject")
    view = town.form(user)
    state = town.people.open_state(view.id)
    state["reason"] = {"value": {"type": "plain_text_input", "value": f"Too curt, says {user}."}}
    category = next(b for b in view.blocks if b["block_id"] == "category")["element"]
    state["category"]["value"]["selected_option"] = category["options"][0]
    then = next(b for b in view.blocks if b["block_id"] == "then")["element"]
    hand_back = next(o for o in then["options"] if o["value"] == "hand_back")
    state["then"]["value"]["selected_option"] = hand_back

    def act() -> str:
        result = town.people.submit_view(user, view.id, state)
        assert result.ok, (result.error, result.errors)
        shown = town.workspace.views.stack(user)
        return "\n".join(texts_in(shown[0].body)) if shown else ""

    return act


def _race(town: Town, rejecting: frozenset[str]) -> str:
    """The id of a case that all have decided."""
    case_id = town.submit(low_body(town.ticket()))
    packet = town.message_with(case_id, "cs:approve")
    earlier = {user: len(town.private(user)) for user in AGENTS}
    acts = [(_rejects if user in rejecting else _approves)(town, user, packet) for user in AGENTS]
    answers = dict(zip(AGENTS, _at_once(acts), strict=True))

    decisions = town.events(case_id, *DECISION_EVENTS)
    assert len(decisions) == 1, decisions
    assert decisions[0]["type"] in ("Approved", "Rejected")
    winner = decisions[0]["actor"].removeprefix("slack:")
    name = town.workspace.users[winner].name
    outcome = "approved" if decisions[0]["type"] == "Approved" else "rejected"
    for user in AGENTS:
        said = answers[user] or town.told(user, earlier[user])
        if user == winner:
            assert "recorded" in said or said.startswith("Rejected"), said
        else:
            assert re.search(rf"Already decided: {outcome} by {name} at \d\d:\d\d UTC", said), (user, said)
    assert len(town.events(case_id, "CommandRefused")) == len(AGENTS) - 1
    return case_id


def _ends_well(town: Town, case_id: str) -> None:
    """The customer got what was decided, once, and the packet says so."""
    state = town.reaches(case_id, "sent", "rejected")["state"]
    if state == "sent":
        assert [d.text for d in town.replies(case_id)] == [DRAFT]
    else:
        notes = wait_for(lambda: [d for d in town.helpdesk.received if d.case_id == case_id and d.text], "the note")
        assert [d.kind for d in notes] == ["note"]
        assert town.replies(case_id) == []
    assert town.repeats(case_id) == []

    def closed() -> bool:
        return not any(
            case_id in str(m.blocks) and action in str(m.blocks)
            for m in town.messages()
            if m.ephemeral_to is None
            for action in ("cs:approve", "cs:reject")
        )

    wait_for(closed, "the buttons to be gone")


REJECTING = frozenset(AGENTS[::2])


@pytest.mark.parametrize("rejecting", [frozenset(), REJECTING], ids=["all approve", "half reject"])
def test_of_twenty_racing_people_one_decides(town: Town, office: Office, rejecting: frozenset[str]) -> None:
    case_id = _race(town, rejecting)
    office.send_delay_over()
    _ends_well(town, case_id)


@contextmanager
def _two_replicas(town: Town, database_url: str, directory: Path) -> Iterator[None]:
    policy = policy_with(directory, "risk.yaml", "send_delay: 5s", "send_delay: 1s")
    environment = town.environment(database_url, COUNTERSIGN_POLICY_DIR=str(policy))
    started = [Process(town, directory, environment, ready=False) for _ in range(2)]
    try:
        for process in started:
            process.wait_until_ready()
        yield
    finally:
        for process in started:
            process.kill()


@pytest.mark.postgres
def test_of_twenty_people_racing_on_two_replicas_one_decides(postgres_url: str, tmp_path: Path) -> None:
    town = Town(trigger_lifetime=60.0)
    try:
        with _two_replicas(town, postgres_url, tmp_path):
            for rejecting in (frozenset[str](), REJECTING):
                case_id = _race(town, rejecting)
                _ends_well(town, case_id)
    finally:
        town.close()
