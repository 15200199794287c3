"""The kill switch for AI text: thrown by one person with a reason, undone with more care (OP1)."""

from __future__ import annotations

from typing import Literal

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
    _announce(change, "paused", command.queue, command.user, reason, two=_takes_two(command.queue, change.world))


def resume(change: OfficeChange, command: ResumeAi) -> None:
    """A low queue needs one person; a careful one, and all at once, a second one."""
    world, queue = change.world, command.queue
    _check_rights(command.user, queue, world)
    paused = next((p for p in change.office.pauses if p.queue == queue), None)
    if paused is None:
        raise Refused("unchanged", f"AI text is not paused {_where(queue)}.")
    person = world.people.find(command.user)
    if _takes_two(queue, world):
        if not paused.resume_by:
            asked = replace(paused, resume_by=person.key, resume_user=command.user)
            change.set(pauses=tuple(asked if p is paused else p for p in change.office.pauses))
            change.record("AiTextResumeAsked", queue=queue or "all")
            _announce(change, "resume_asked", queue, command.user, paused.reason, two=True)
            return
        if person.keys & {paused.resume_by, *world.people.find(paused.resume_user).keys}:
            raise Refused("already_signed", "You asked for it already; a second person has to resume it.")
    change.set(pauses=tuple(p for p in change.office.pauses if p is not paused))
    change.record("AiTextResumed", queue=queue or "all")
    _announce(change, "resumed", queue, command.user, paused.reason, first=paused.resume_user)


def _takes_two(queue: str, world: OfficeWorld) -> bool:
    return not queue or queue in world.careful


def _announce(
    change: OfficeChange,
    kind: Literal["paused", "resume_asked", "resumed"],
    queue: str,
    user: str,
    reason: str,
    *,
    two: bool = False,
    first: str = "",
) -> None:
    """`reason` is why it was paused; it takes `two` to resume, the second of these roles; `first` asked for it."""
    if change.world.alarm_channel:
        data = {
            "queue": queue,
            "by": user,
            "reason": reason,
            "second": sorted(_holders(change.world)) if two else [],
            "first": first,
            "at": change.now.isoformat(),
        }
        change.send(ChannelNotice(channel=change.world.alarm_channel, kind=kind, data=data))


def _holders(world: OfficeWorld) -> frozenset[str]:
    """Roles that may throw the switch."""
    return world.leads | set(world.owners.values())


def _check_rights(user: str, queue: str, world: OfficeWorld) -> None:
    if queue and queue not in world.queues:
        raise Refused("no_queue", f"There is no queue #{queue[:80]}.")
    if not world.people.roles_of(user) & _holders(world):
        raise Refused("not_in_role", "AI text is paused and resumed by support leads and owners of the policy.")


def _where(queue: str) -> str:
    return f"in #{queue}" if queue else "everywhere"
