"""What one person may do with a case now, beside deciding on its packets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from app.core.case import Case
from app.core.errors import Refused
from app.core.machine import decide
from app.core.messages import ClaimCase, PersonCommand, RecordView, ReleaseCase, Reopen
from app.core.world import World

Offer = Literal["reopen", "claim", "release", "reassess", "history", "withdraw"]


def offered(case: Case, user: str, world: World) -> frozenset[Offer]:
    """Tried on the case as it is and thrown away, so that an offer and the click on it follow the same rules."""
    return frozenset(offer for offer, command in _tries(case, user) if _accepted(case, command, world))


def _tries(case: Case, user: str) -> Iterator[tuple[Offer, PersonCommand]]:
    seen = case.request_hash
    yield "reopen", Reopen(case_id=case.id, user=user, seen=seen)
    yield "claim", ClaimCase(case_id=case.id, user=user, seen=seen)
    yield "release", ReleaseCase(case_id=case.id, user=user, seen=seen)
    yield "reassess", RecordView(case_id=case.id, user=user, seen=seen, what="reassess")
    yield "history", RecordView(case_id=case.id, user=user, seen=seen, what="history")
    yield "withdraw", RecordView(case_id=case.id, user=user, seen=seen, what="withdraw")


def _accepted(case: Case, command: PersonCommand, world: World) -> bool:
    try:
        decide(case, command, world)
    except Refused:
        return False
    return True
