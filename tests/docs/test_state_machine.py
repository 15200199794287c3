"""docs/state-machine.md is what the code is, and what it was written from is read rightly."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from app.core.case import FINAL_STATES, STATES
from app.core.digest import DigestCommand
from app.core.machine import ACCEPTED, TRANSITIONS
from app.core.messages import AnyCommand
from app.core.office.values import OfficeCommand
from tests.docs.flow import EFFECTS, EVENTS, case_flows, digest_flows, office_flows
from tests.docs.machine_page import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "state-machine.md"


def test_the_page_is_as_the_code_is() -> None:
    assert PAGE.read_text() == page() + "\n", "run: make docs"


def test_every_command_is_read() -> None:
    assert set(case_flows()) == {kind.__name__ for kind in get_args(AnyCommand)}
    assert set(digest_flows()) >= {kind.__name__ for kind in get_args(DigestCommand)}
    assert set(office_flows()) == {kind.__name__ for kind in get_args(OfficeCommand)}


def test_every_event_and_effect_comes_from_some_command() -> None:
    """What is recorded outside the machine is a refused click."""
    flows = [*case_flows().values(), *office_flows().values(), *digest_flows().values()]
    assert set().union(*(flow.events for flow in flows)) | {"CommandRefused", "DeliveryRetried"} == EVENTS
    assert set().union(*(flow.effects for flow in flows)) == EFFECTS - {"Effect"}


def test_what_is_passed_on_as_a_literal_is_followed() -> None:
    """Edit and WriteReply share a function, and each records its own event."""
    assert "Edited" in case_flows()["Edit"].events
    assert "ReplyWritten" not in case_flows()["Edit"].events
    assert "ReplyWritten" in case_flows()["WriteReply"].events
    assert case_flows()["Withdraw"].states == {"withdrawn"}


def test_every_transition_has_a_command_that_makes_it() -> None:
    for before, reached in TRANSITIONS.items():
        for after in reached:
            makers = [
                name
                for name, flow in case_flows().items()
                if after in flow.states and (before in ACCEPTED[_kind(name)] or (not before and name == "ReceiveCase"))
            ]
            assert makers, f"nothing leads from {before} to {after}"


def test_nothing_leads_out_of_the_end_but_reopening() -> None:
    assert {state for state in FINAL_STATES if TRANSITIONS[state]} == {"expired"}
    assert set(TRANSITIONS) == {*STATES, ""}


def _kind(name: str) -> type:
    return next(kind for kind in get_args(AnyCommand) if kind.__name__ == name)
