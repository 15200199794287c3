"""Who puts a changed policy in force: its owners and a second person, never the files alone (RI9)."""

from __future__ import annotations

from msgspec.structs import replace

from app.core.errors import Refused
from app.core.office.boards import close_board, follow_candidate, open_board, roll_boards_back, supersede_board
from app.core.office.change import OfficeChange
from app.core.office.values import REASON_LIMIT, Candidate, DecidePolicy, LoadPolicy, OfficeWorld, Signature


def load(change: OfficeChange, command: LoadPolicy) -> None:
    """The first policy activates. A changed one waits, unless the policy in force itself says that none need to."""
    office, world, new = change.office, change.world, command.snapshot
    if new == office.active:
        if office.candidate is None:
            raise Refused("unchanged", "This policy is in force already.")
        change.set(candidate=None, rejected="")
        change.record("PolicyWithdrawn", snapshot=office.candidate.snapshot, reason="The change was taken back.")
        close_board(change, office.candidate, "taken_back")
        return
    if office.candidate is not None and office.candidate.snapshot == new:
        raise Refused("unchanged", "This policy waits for sign-off already.")
    if not office.active or world.autoload:
        reason = "The first policy of this installation." if not office.active else "unsafe_policy_autoload is set."
        _activate(change, new, reason)
        return
    if new == office.rejected:
        raise Refused("rejected", "This policy was rejected; change it to offer it again.")
    if office.candidate is not None:
        close_board(change, office.candidate, "replaced", then=new)
    candidate = Candidate(snapshot=new, files=command.files, seen_at=world.now)
    change.set(candidate=candidate)
    change.record("PolicyOffered", snapshot=new, reason=f"Changed: {', '.join(command.files)}. It waits for sign-off.")
    open_board(change, candidate)


def sign(change: OfficeChange, command: DecidePolicy) -> None:
    world = change.world
    candidate = _candidate(change, command)
    roles = _roles(command.user, world)
    person = world.people.find(command.user)
    if any(person.keys & {s.person, *world.people.find(s.user).keys} for s in candidate.signatures):
        raise Refused("already_signed", "You signed this change already; a second person has to.")
    owning = tuple(r for r in owners_of(candidate, world) if r in roles)
    signature = Signature(user=command.user, person=person.key, roles=owning, at=world.now)
    signed = replace(candidate, signatures=(*candidate.signatures, signature))
    if still_missing(signed, world):
        change.set(candidate=signed)
        change.record("PolicySigned", snapshot=candidate.snapshot)
        follow_candidate(change)
        return
    change.set(candidate=signed)
    _activate(change, candidate.snapshot, "Signed off by its owners.", by=command.user)


def reject(change: OfficeChange, command: DecidePolicy) -> None:
    candidate = _candidate(change, command)
    _roles(command.user, change.world)
    reason = _reason(command)
    change.set(candidate=None, rejected=candidate.snapshot)
    change.record("PolicyRejected", snapshot=candidate.snapshot, reason=reason)
    close_board(change, candidate, "declined", by=command.user, reason=reason)


def roll_back(change: OfficeChange, command: DecidePolicy) -> None:
    """One step back needs one person: it returns to what two people signed before."""
    office = change.office
    _roles(command.user, change.world)
    reason = _reason(command)
    if not office.previous or command.snapshot != office.active:
        raise Refused("no_previous", "There is no earlier policy to return to.")
    if office.candidate is not None:
        close_board(change, office.candidate, "replaced", by=command.user, reason=reason)
    roll_boards_back(change, command.user, reason)
    change.set(active=office.previous, previous="", candidate=None, rejected=office.active)
    change.record("PolicyActivated", snapshot=office.previous, reason=f"Rolled back: {reason}")


def owners_of(candidate: Candidate, world: OfficeWorld) -> tuple[str, ...]:
    """Roles that own a changed file; what owns nothing of its own belongs to support operations, with the risks."""
    names = (file.removesuffix(".yaml") for file in candidate.files)
    return tuple(dict.fromkeys(world.owners.get(name) or world.owners["risk"] for name in names))


def still_missing(candidate: Candidate, world: OfficeWorld) -> tuple[str, ...]:
    """Who has to sign yet: each owner role, and two different people in all."""
    given = {role for signature in candidate.signatures for role in signature.roles}
    missing = tuple(role for role in owners_of(candidate, world) if role not in given)
    return missing or (("a second person",) if len(candidate.signatures) < 2 else ())


def _activate(change: OfficeChange, snapshot: str, reason: str, *, by: str = "") -> None:
    candidate, before = change.office.candidate, change.office.active
    change.set(active=snapshot, previous=before, candidate=None, rejected="")
    change.record("PolicyActivated", snapshot=snapshot, reason=reason)
    if before:
        supersede_board(change, before, snapshot)
    if candidate is not None and candidate.snapshot == snapshot:
        close_board(change, candidate, "active", by=by)
    elif candidate is not None:
        close_board(change, candidate, "replaced", then=snapshot)


def _candidate(change: OfficeChange, command: DecidePolicy) -> Candidate:
    candidate = change.office.candidate
    if candidate is None or candidate.snapshot != command.snapshot:
        raise Refused("policy_changed", "This change is not the one that waits for sign-off any more.")
    return candidate


def _roles(user: str, world: OfficeWorld) -> frozenset[str]:
    held = world.people.roles_of(user) & set(world.owners.values())
    if not held:
        raise Refused("not_in_role", "Policy changes are decided by the owners of the policy files.")
    return held


def _reason(command: DecidePolicy) -> str:
    if not command.reason.strip():
        raise Refused("reason_missing", "Say why, so that the others know.")
    return command.reason.strip()[:REASON_LIMIT]
