"""Open cases of somebody who delegated: who is asked instead, on the case's own record (DE7)."""

from __future__ import annotations

from app.core.change import Change
from app.core.claiming import give_up
from app.core.messages import HandOver
from app.core.surfaces import refresh


def hand_over(change: Change, command: HandOver) -> None:
    """Rights come from the delegation itself; a claim of who is away would only keep their deputy out."""
    change.record("CaseHandedOver", of=command.of, to=command.to, until=command.until.isoformat())
    give_up(change, command.of, "Handed over.")
    refresh(change)
