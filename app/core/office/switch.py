"""The kill switch for AI text: thrown by one person with a reason, undone with more care (OP1)."""

from __future__ import annotations

from msgspec.structs import replace

from app.core.effects import ChannelNotice
from app.core.errors import Refused
from app.core.office.change import OfficeChange
from app.core.office.values import REASON_LIMIT, OfficeWorld, Pause, PauseAi, ResumeAi


def pause(change: OfficeChange, command: PauseAi) -> None:
    _check_rights(command.user, command.queue, change.world)
    reason = command.reason.strip()[:REASON_LIMIT]
    if not reason:
        raise Refused("reason_missing", "Say why: /approvals pause #queue reason.")
    if command.queue in change.office.paused_queues:
        raise Refused("unchanged", f"AI text is paused {_where(command.queue)} already.")
    made = Pause(queue=command.queue, user=command.user, reason=reason, at=change.now)
    change.set(pauses=(*change.office.pauses, made))
    change.record("AiTextPaused", reason=reason, queue=command.queue or "all")
    _announce(change, "paused", command.queue, command.user, reason)


def resume(change: OfficeChange, command: ResumeAi) -> None:
    """A low queue needs one person; a careful one, and all at once, a second one."""
    world, queue = change.world, command.queue
    _check_rights(command.user, queue, world)
    paused = next((p for p in change.office.pauses if p.queue == queue), None)
    if paused is None:
        raise Refused("unchanged", f"AI text is not paused {_where(queue)}.")
    person = world.people.find(command.user).key
    if not queue or queue in world.careful:
        if not paused.resume_by:
            asked = tuple(replace(p, resume_by=person) if p is paused else p for p in change.office.pauses)
            change.set(pauses=asked)
            change.record("AiTextResumeAsked", queue=queue or "all")
            _announce(change, "resume_asked", queue, command.user)
            return
        if paused.resume_by == person:
            raise Refused("already_signed", "You asked for it already; a second person has to resume it.")
    change.set(pauses=tuple(p for p in change.office.pauses if p is not paused))
    change.record("AiTextResumed", queue=queue or "all")
    _announce(change, "resumed", queue, command.user)


def _announce(change: OfficeChange, kind: str, queue: str, user: str, reason: str = "") -> None:
    """Where people work: in the queue's own channel, or in all of them."""
    for channel in sorted({queue} if queue else change.world.queues):
        data = {"queue": queue, "by": user, "reason": reason}
        change.send(ChannelNotice(channel=channel, kind=kind, data=data))  # type: ignore[arg-type]


def _check_rights(user: str, queue: str, world: OfficeWorld) -> None:
    if queue and queue not in world.queues:
        raise Refused("no_queue", f"There is no queue #{queue[:80]}.")
    if not world.people.roles_of(user) & (world.leads | set(world.owners.values())):
        raise Refused("not_in_role", "AI text is paused and resumed by support leads and owners of the policy.")


def _where(queue: str) -> str:
    return f"in #{queue}" if queue else "everywhere"
