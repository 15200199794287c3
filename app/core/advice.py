"""What a language model may add: a second opinion before people are asked, and drafts that people decide about.

It never decides, and nothing waits for it: when it fails, refuses or takes too long, a person writes (AI1, AI2, AI5).
"""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from app.core.asking import open_case
from app.core.assessing import scan_and_assess
from app.core.case import Gist, Timer
from app.core.change import Change
from app.core.effects import ModelDraft, ModelReading, Settlement
from app.core.guards import ScanContext, mask, scan
from app.core.messages import Drafted, FireTimer, ModelFailed, Understood
from app.core.stages import check_room
from app.core.timing import take

TIMER = "model"
READ_WITHIN = timedelta(seconds=10)
DRAFT_WITHIN = timedelta(seconds=30)


def consult(change: Change) -> None:
    """Keep a new case back until the model has read it, or its time is up."""
    _ask(change, ModelReading(), READ_WITHIN)


def ask_for_draft(change: Change) -> None:
    _ask(change, ModelDraft(), DRAFT_WITHIN)


def _ask(change: Change, effect: ModelReading | ModelDraft, within: timedelta) -> None:
    delivery = change.send(effect)
    change.set(asking=delivery)
    if change.case.state == "received":
        change.set(timers=(Timer(key=TIMER, kind="model", due_at=change.now + within),))
    change.record("ModelAsked", delivery=delivery, what=type(effect).__name__)


def understood(change: Change, command: Understood) -> None:
    change.settle(Settlement(delivery=command.delivery, status="done"))
    late = not _awaited(change, command.delivery) or change.case.state != "received"
    signals = {
        name: signal.label
        for name in ("intent", "sentiment", "language")
        if (signal := getattr(command.signals, name)) is not None
    }
    change.record("CaseUnderstood", model=command.model, late=late, **signals)
    if late:
        return
    gist = _masked(change, command.gist) if command.gist else change.case.gist
    change.set(asking="", second_opinion=command.signals, gist=gist)
    scan_and_assess(change)
    if change.case.draft is None and change.case.assessed.ai_mode == "draft_reply":
        ask_for_draft(change)
    else:
        open_case(change)


def drafted(change: Change, command: Drafted) -> None:
    """Taken while it is still wanted: before people are asked, or in place of the draft they rejected."""
    change.settle(Settlement(delivery=command.delivery, status="done"))
    case = change.case
    rejected = case.draft is not None and case.draft.version in case.rejected_versions
    wanted = case.state == "received" or (case.state in ("pending", "blocked") and rejected)
    if not _awaited(change, command.delivery) or not wanted:
        change.record("ReplyDrafted", model=command.draft.model_name, late=True)
        return
    check_room(case)
    version = (case.draft.version if case.draft else 0) + 1
    draft = replace(command.draft, version=version, author="ai", author_id="")
    change.set(asking="", drafts=(*case.drafts, draft))
    change.record("ReplyDrafted", model=draft.model_name, draft_version=version)
    scan_and_assess(change)
    open_case(change)


def failed(change: Change, command: ModelFailed) -> None:
    change.settle(Settlement(delivery=command.delivery, status="cancelled", error=command.error))
    awaited = _awaited(change, command.delivery)
    change.record("ModelGaveUp", delivery=command.delivery, reason=command.error)
    if awaited:
        change.set(asking="")
        if change.case.state == "received":  # else people have it already, or it is over
            open_case(change)


def too_late(change: Change, command: FireTimer) -> None:
    take(change, command)
    delivery = change.case.asking
    change.set(asking="")
    change.settle(Settlement(delivery=delivery, status="cancelled", error="no answer in time"))
    change.record("ModelGaveUp", delivery=delivery, reason="No answer in time.")
    open_case(change)


def _masked(change: Change, gist: Gist) -> Gist:
    """A model may repeat what the rules missed where it stood: its own words are scanned like a customer's."""
    rules = change.world.policy.rules

    def clean(text: str) -> str:
        return mask(text, scan(text, "input", rules, ScanContext()), contact=False)

    fields = tuple(replace(f, value=clean(f.value), quote=clean(f.quote)) for f in gist.fields)
    return replace(gist, summary=clean(gist.summary), fields=fields)


def _awaited(change: Change, delivery: str) -> bool:
    return change.case.asking == delivery
