"""What holds for the whole workspace rather than for one case: the policy in force and the one that waits for it.

Pure, like `machine.decide`: a command and the office as it stands give the office as it becomes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from app.core.assessment import Value
from app.core.effects import Event
from app.core.errors import Refused
from app.core.people import People


class Signature(Value, frozen=True, kw_only=True):
    """One person's yes to a candidate. `roles` are those they held that own one of its files."""

    user: str
    person: str
    roles: tuple[str, ...]
    at: datetime


class Candidate(Value, frozen=True, kw_only=True):
    """A changed policy directory that loads, and waits for its owners (RI9)."""

    snapshot: str
    files: tuple[str, ...]
    seen_at: datetime
    signatures: tuple[Signature, ...] = ()


class Pause(Value, frozen=True, kw_only=True):
    """AI text is stopped in one queue, or in all of them (""). `resume_by` is the first of two who asked to go on."""

    queue: str
    user: str
    reason: str
    at: datetime
    resume_by: str = ""  # Person.key


class Office(Value, frozen=True, kw_only=True):
    """`active` is the snapshot new cases are assessed under, `previous` what a rollback returns to."""

    version: int = 0
    active: str = ""
    previous: str = ""
    candidate: Candidate | None = None
    rejected: str = ""  # offered once and turned down: not offered again while the directory stays as it is
    pauses: tuple[Pause, ...] = ()
    channels: dict[str, str] = {}  # name in roles.yaml -> id it meant when it was first found
    slack_lost_at: datetime | None = None  # while people are written to instead
    slack_told: tuple[str, ...] = ()  # roles that were written to in this outage

    @property
    def paused_queues(self) -> frozenset[str]:
        return frozenset(pause.queue for pause in self.pauses)


class LoadPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The policy directory as it is now, compiled and stored. `files` differ from the policy in force."""

    by: str
    snapshot: str
    files: tuple[str, ...] = ()


class DecidePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A person signs the candidate, rejects it, or takes the last activation back."""

    user: str
    snapshot: str
    do: Literal["sign", "reject", "roll_back"]
    reason: str = ""


class PauseAi(msgspec.Struct, frozen=True, kw_only=True):
    """Stop AI text at once, in one queue or in all of them (""): OP1."""

    user: str
    queue: str
    reason: str


class ResumeAi(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    queue: str


class BindChannels(msgspec.Struct, frozen=True, kw_only=True):
    """Which channel each name in roles.yaml means from now on: a rename in Slack must not lead cases astray."""

    by: str
    channels: Mapping[str, str]  # name -> id


class MarkSlack(msgspec.Struct, frozen=True, kw_only=True):
    """Slack could not be reached since `lost_at`, and `roles` are written to; or, None, it can be again (OP6)."""

    by: str
    lost_at: datetime | None
    roles: tuple[str, ...] = ()


OfficeCommand = LoadPolicy | DecidePolicy | PauseAi | ResumeAi | BindChannels | MarkSlack


class OfficeWorld(msgspec.Struct, frozen=True, kw_only=True):
    """`owners` maps a policy file's short name (`risk`) to the role that owns it, by the policy in force.

    `leads` may throw the switch besides the owners; of `careful` queues, and of all at once, two people undo it.
    """

    now: datetime
    people: People = People()
    owners: Mapping[str, str] = {}
    leads: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()
    careful: frozenset[str] = frozenset()
    autoload: bool = False


class OfficeOutcome(msgspec.Struct, frozen=True, kw_only=True):
    office: Office
    events: tuple[Event, ...]


def decide_office(office: Office, command: OfficeCommand, world: OfficeWorld) -> OfficeOutcome:
    """Raises Refused, with nothing changed."""
    match command:
        case LoadPolicy():
            after, event = _load(office, command, world)
        case DecidePolicy(do="sign"):
            after, event = _sign(office, command, world)
        case DecidePolicy(do="reject"):
            after, event = _reject(office, command, world)
        case DecidePolicy(do="roll_back"):
            after, event = _roll_back(office, command, world)
        case PauseAi():
            after, event = _pause(office, command, world)
        case ResumeAi():
            after, event = _resume(office, command, world)
        case BindChannels():
            after, event = _bind(office, command)
        case MarkSlack():
            after, event = _mark(office, command)
        case _:
            assert_never(command)  # type: ignore[arg-type]
    return OfficeOutcome(office=replace(after, version=office.version + 1), events=(event,))


def _load(office: Office, command: LoadPolicy, world: OfficeWorld) -> tuple[Office, Event]:
    """The first policy activates. A changed one waits, unless the policy in force itself says that none need to."""
    if command.snapshot == office.active:
        if office.candidate is None:
            raise Refused("unchanged", "This policy is in force already.")
        gone = replace(office, candidate=None, rejected="")
        return gone, _event("PolicyWithdrawn", command.by, office.candidate.snapshot, "The change was taken back.")
    if office.candidate is not None and office.candidate.snapshot == command.snapshot:
        raise Refused("unchanged", "This policy waits for sign-off already.")
    if not office.active or world.autoload:
        reason = "The first policy of this installation." if not office.active else "unsafe_policy_autoload is set."
        return _activated(office, command.snapshot), _event("PolicyActivated", command.by, command.snapshot, reason)
    if command.snapshot == office.rejected:
        raise Refused("rejected", "This policy was rejected; change it to offer it again.")
    candidate = Candidate(snapshot=command.snapshot, files=command.files, seen_at=world.now)
    reason = f"Changed: {', '.join(command.files)}. It waits for sign-off."
    return replace(office, candidate=candidate), _event("PolicyOffered", command.by, command.snapshot, reason)


def _sign(office: Office, command: DecidePolicy, world: OfficeWorld) -> tuple[Office, Event]:
    candidate = _candidate(office, command)
    roles = _roles(command.user, world)
    person = world.people.find(command.user).key
    if any(person in (s.person, world.people.find(s.user).key) for s in candidate.signatures):
        raise Refused("already_signed", "You signed this change already; a second person has to.")
    owning = tuple(r for r in owners_of(candidate, world) if r in roles)
    signature = Signature(user=command.user, person=person, roles=owning, at=world.now)
    signed = replace(candidate, signatures=(*candidate.signatures, signature))
    if still_missing(signed, world):
        return replace(office, candidate=signed), _event("PolicySigned", _actor(command), candidate.snapshot)
    return _activated(office, candidate.snapshot), _event(
        "PolicyActivated", _actor(command), candidate.snapshot, "Signed off by its owners."
    )


def _reject(office: Office, command: DecidePolicy, world: OfficeWorld) -> tuple[Office, Event]:
    candidate = _candidate(office, command)
    _roles(command.user, world)
    reason = _reason(command)
    after = replace(office, candidate=None, rejected=candidate.snapshot)
    return after, _event("PolicyRejected", _actor(command), candidate.snapshot, reason)


def _roll_back(office: Office, command: DecidePolicy, world: OfficeWorld) -> tuple[Office, Event]:
    """One step back needs one person: it returns to what two people signed before."""
    _roles(command.user, world)
    reason = _reason(command)
    if not office.previous or command.snapshot != office.active:
        raise Refused("no_previous", "There is no earlier policy to return to.")
    after = replace(office, active=office.previous, previous="", candidate=None, rejected=office.active)
    return after, _event("PolicyActivated", _actor(command), office.previous, f"Rolled back: {reason}")


def _pause(office: Office, command: PauseAi, world: OfficeWorld) -> tuple[Office, Event]:
    _check_switch(command.user, command.queue, world)
    reason = command.reason.strip()[:3_000]
    if not reason:
        raise Refused("reason_missing", "Say why: /approvals pause #queue reason.")
    if command.queue in office.paused_queues:
        raise Refused("unchanged", f"AI text is paused {_where(command.queue)} already.")
    pause = Pause(queue=command.queue, user=command.user, reason=reason, at=world.now)
    return replace(office, pauses=(*office.pauses, pause)), _switched("AiTextPaused", command, reason)


def _resume(office: Office, command: ResumeAi, world: OfficeWorld) -> tuple[Office, Event]:
    """A low queue needs one person; a careful one, and all at once, a second one."""
    _check_switch(command.user, command.queue, world)
    pause = next((p for p in office.pauses if p.queue == command.queue), None)
    if pause is None:
        raise Refused("unchanged", f"AI text is not paused {_where(command.queue)}.")
    person = world.people.find(command.user).key
    if not command.queue or command.queue in world.careful:
        if not pause.resume_by:
            asked = tuple(replace(p, resume_by=person) if p is pause else p for p in office.pauses)
            return replace(office, pauses=asked), _switched("AiTextResumeAsked", command)
        if pause.resume_by == person:
            raise Refused("already_signed", "You asked for it already; a second person has to resume it.")
    left = tuple(p for p in office.pauses if p is not pause)
    return replace(office, pauses=left), _switched("AiTextResumed", command)


def _bind(office: Office, command: BindChannels) -> tuple[Office, Event]:
    known = {**office.channels, **command.channels}
    if known == office.channels:
        raise Refused("unchanged", "These channels are known already.")
    event = Event(type="ChannelsBound", actor=command.by, data={"channels": dict(sorted(command.channels.items()))})
    return replace(office, channels=known), event


def _mark(office: Office, command: MarkSlack) -> tuple[Office, Event]:
    """Each role once an outage, by whichever replica is first."""
    if command.lost_at is None:
        if office.slack_lost_at is None:
            raise Refused("unchanged", "Slack is known to be there.")
        return replace(office, slack_lost_at=None, slack_told=()), Event(type="SlackBack", actor=command.by)
    new = [role for role in command.roles if role not in office.slack_told]
    if (office.slack_lost_at is not None and not new) or len(new) < len(command.roles):
        raise Refused("unchanged", "These roles were told already.")
    since = office.slack_lost_at or command.lost_at
    after = replace(office, slack_lost_at=since, slack_told=(*office.slack_told, *new))
    return after, Event(type="SlackLost", actor=command.by, data={"since": since.isoformat(), "roles": new})


def _check_switch(user: str, queue: str, world: OfficeWorld) -> None:
    if queue and queue not in world.queues:
        raise Refused("no_queue", f"There is no queue #{queue[:80]}.")
    if not world.people.roles_of(user) & (world.leads | set(world.owners.values())):
        raise Refused("not_in_role", "AI text is paused and resumed by support leads and owners of the policy.")


def _where(queue: str) -> str:
    return f"in #{queue}" if queue else "everywhere"


def _switched(
    kind: Literal["AiTextPaused", "AiTextResumed", "AiTextResumeAsked"], command: PauseAi | ResumeAi, reason: str = ""
) -> Event:
    return Event(type=kind, actor=f"slack:{command.user}", reason=reason, data={"queue": command.queue or "all"})


def owners_of(candidate: Candidate, world: OfficeWorld) -> tuple[str, ...]:
    """Roles that own a changed file; what owns nothing of its own belongs to support operations, with the risks."""
    names = (file.removesuffix(".yaml") for file in candidate.files)
    return tuple(dict.fromkeys(world.owners.get(name) or world.owners["risk"] for name in names))


def still_missing(candidate: Candidate, world: OfficeWorld) -> tuple[str, ...]:
    """Who has to sign yet: each owner role, and two different people in all."""
    given = {role for signature in candidate.signatures for role in signature.roles}
    missing = tuple(role for role in owners_of(candidate, world) if role not in given)
    return missing or (("a second person",) if len(candidate.signatures) < 2 else ())


def _activated(office: Office, snapshot: str) -> Office:
    return replace(office, active=snapshot, previous=office.active, candidate=None, rejected="")


def _candidate(office: Office, command: DecidePolicy) -> Candidate:
    if office.candidate is None or office.candidate.snapshot != command.snapshot:
        raise Refused("policy_changed", "This change is not the one that waits for sign-off any more.")
    return office.candidate


def _roles(user: str, world: OfficeWorld) -> frozenset[str]:
    held = world.people.roles_of(user) & set(world.owners.values())
    if not held:
        raise Refused("not_in_role", "Policy changes are decided by the owners of the policy files.")
    return held


def _reason(command: DecidePolicy) -> str:
    if not command.reason.strip():
        raise Refused("reason_missing", "Say why, so that the others know.")
    return command.reason.strip()[:3_000]


def _actor(command: DecidePolicy) -> str:
    return f"slack:{command.user}"


def _event(
    kind: Literal["PolicyActivated", "PolicyOffered", "PolicySigned", "PolicyRejected", "PolicyWithdrawn"],
    actor: str,
    snapshot: str,
    reason: str = "",
) -> Event:
    return Event(type=kind, actor=actor, reason=reason, policy_snapshot=snapshot)
