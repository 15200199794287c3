"""While AI text is paused, on all queues or on one: what the AI wrote is withheld, what people write goes on (OP1)."""

from __future__ import annotations

from app.core.case import Case, Draft
from app.core.change import Change
from app.core.errors import Refused
from app.core.messages import ApplyPause
from app.core.surfaces import refresh

EVERYWHERE = ""


def is_paused(case: Case, pauses: frozenset[str]) -> bool:
    queue = case.assessment.route.channel if case.assessment else EVERYWHERE
    return EVERYWHERE in pauses or queue in pauses


def stops(case: Case, draft: Draft | None, pauses: frozenset[str]) -> bool:
    """Whether this text may not go now: only the AI's own is stopped."""
    return draft is not None and draft.author == "ai" and is_paused(case, pauses)


def check_not_paused(change: Change, draft: Draft | None) -> None:
    if stops(change.case, draft, change.world.pauses):
        raise Refused("paused", "AI text is paused for this queue: write the reply yourself, or wait.")


def apply(change: Change, command: ApplyPause) -> None:
    """Bring a case's packets in line with the switch, and say in its history that it was thrown."""
    paused = is_paused(change.case, change.world.pauses)
    change.record("AiTextPaused" if paused else "AiTextResumed", reason=command.reason)
    refresh(change)
