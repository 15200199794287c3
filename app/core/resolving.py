"""What became of looking up a dynamic role: its people join the case, or the fallback role stands in (DE4, DE6)."""

from __future__ import annotations

from msgspec.structs import replace

from app.core.asking import somebody_can
from app.core.change import Change
from app.core.dynamic import Resolved
from app.core.effects import Settlement
from app.core.lookups import ask_in_person
from app.core.messages import FireTimer, RoleResolved, RoleUnresolved
from app.core.stages import able, open_roles
from app.core.surfaces import let_in_fallback, refresh, request_signoffs, tell
from app.core.timing import take
from app.core.who import accounts_of, people_for

MOST = 50  # people of one role
_ASKED = ("pending", "awaiting_signoff", "blocked")


def resolved(change: Change, command: RoleResolved) -> None:
    """However late: who is named can act from now on. Without anybody the fallback role need not be waited for."""
    change.settle(Settlement(delivery=command.delivery, status="done"))
    current = _is_current(change, command.role, command.delivery)
    users, unknown = accounts_of(command.users[:MOST], change.world.people)
    change.record(
        "RoleResolved",
        role=command.role,
        users=list(users),
        unknown=list(unknown),
        source=command.source,
        late=not current or change.case.state not in _ASKED,
    )
    if not current:
        return
    _stop_waiting(change, command.delivery)
    answer = Resolved(role=command.role, users=users, at=change.now, source=command.source)
    change.set(resolved=(*change.case.resolved, answer))
    change.world = replace(change.world, people=people_for(change.case, change.world.people))
    if users:
        _tell_who(change, command.role, users)
    else:
        _tell_nobody(change, command.role, "It names nobody who is in this workspace.")
    _go_on(change)
    if change.case.state in _ASKED:
        ask_in_person(change, command.role)


def unresolved(change: Change, command: RoleUnresolved) -> None:
    change.settle(Settlement(delivery=command.delivery, status="cancelled", error=command.error))
    change.record("RoleUnresolved", role=command.role, reason=command.error)
    if not _is_current(change, command.role, command.delivery):
        return
    _stop_waiting(change, command.delivery)
    _tell_nobody(change, command.role, command.error)
    _go_on(change)


def time_up(change: Change, command: FireTimer) -> None:
    """The lookup itself goes on: an answer that comes later still counts."""
    timer = take(change, command)
    role = next(lookup.role for lookup in change.case.lookups if f"role:{lookup.delivery}" == timer.key)
    reason = "No answer in time."
    change.record("RoleUnresolved", role=role, reason=reason)
    _tell_nobody(change, role, reason)
    _go_on(change)


def _is_current(change: Change, role: str, delivery: str) -> bool:
    """Asked for since the case was last opened, and not answered yet."""
    case = change.case
    answered = any(r.role == role for r in case.resolved)
    return not answered and any((lookup.role, lookup.delivery) == (role, delivery) for lookup in case.lookups)


def _stop_waiting(change: Change, delivery: str) -> None:
    change.set(timers=tuple(t for t in change.case.timers if t.key != f"role:{delivery}"))


def _tell_who(change: Change, role: str, users: tuple[str, ...]) -> None:
    case, world = change.case, change.world
    if case.state not in _ASKED:
        return
    can = able(case, role, world.people)
    notify = world.policy.roles[role].notify and role in open_roles(case, case.stage)
    mentions = tuple(p.user_id for p in can) if notify else ()
    tell(change, "resolved", mentions, role=role, users=list(users), able=bool(can))


def _tell_nobody(change: Change, role: str, error: str) -> None:
    if change.case.state in _ASKED:
        tell(change, "unresolved", role=role, error=error)


def _go_on(change: Change) -> None:
    """As when people are first asked: nobody there means the fallback role, somebody there means the case is open."""
    if change.case.state not in _ASKED:
        return
    let_in_fallback(change)
    if change.case.state == "blocked" and somebody_can(change):
        change.set(state="pending")
    elif change.case.state == "pending" and not change.case.stage and not somebody_can(change):
        change.set(state="blocked")
    if change.case.state == "awaiting_signoff":
        request_signoffs(change)
    refresh(change)
