"""What tests of single decisions say again and again."""

from __future__ import annotations

import pytest

from app.core.case import Case
from app.core.effects import Outcome
from app.core.errors import Refused
from app.core.machine import decide
from app.core.messages import AnyCommand, Approve
from tests.scenes import a_world


def refused(case: Case, command: AnyCommand, **world: object) -> Refused:
    with pytest.raises(Refused) as caught:
        decide(case, command, a_world(**world))
    return caught.value


def approve(case: Case, user: str = "UAGENT1", **more: object) -> Approve:
    return Approve(**{"case_id": case.id, "user": user, "seen": case.request_hash, **more})


def effects(outcome: Outcome, kind: type) -> list:
    return [p.effect for p in outcome.effects if isinstance(p.effect, kind)]


def types(outcome: Outcome) -> list[str]:
    return [e.type for e in outcome.events]
