"""What holds for the whole workspace rather than for one case, as frozen values, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from app.core.assessment import Value
from app.core.effects import Event, Pending, Settlement
from app.core.people import Deputy, People

REASON_LIMIT = 3_000


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
    resume_user: str = ""


BoardEnd = Literal["active", "declined", "taken_back", "replaced", "rolled_back", "superseded"]


class Delegation(Value, frozen=True, kw_only=True):
    """`to` acts in these roles for `user`, from `since` on and before `until`."""

    id: str
    user: str
    person: str  # Person.key
    to: str
    to_person: str
    roles: tuple[str, ...]
    since: datetime
    until: datetime
    begun: bool = False  # both were told, and the open cases say so


class Board(Value, frozen=True, kw_only=True):
    """A Slack message about a policy change, kept true like a packet. `ts` is None until Slack took it.

    `candidate` is the change as it stands, or as it stood when it ended; `was` the policy it would take over from.
    `then` is what took its place.
    """

    key: str
    channel: str
    candidate: Candidate
    was: str = ""
    ended: BoardEnd | Literal[""] = ""
    by: str = ""
    reason: str = ""
    at: datetime | None = None
    then: str = ""
    channel_id: str = ""
    ts: str | None = None
    shown: str = ""


AlarmKind = Literal["queue_full", "timers_missing", "timers_overdue", "cases_stuck", "dead_letters"]


class Alarm(Value, frozen=True, kw_only=True):
    """Something that people have to know of and that lasts: told when it begins, and when it is over.

    `where` is a queue for `queue_full`, a destination for `dead_letters`, else empty; `cases` are the first ids.
    """

    kind: AlarmKind
    where: str = ""
    count: int = 0
    cases: tuple[str, ...] = ()
    at: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.where


class Office(Value, frozen=True, kw_only=True):
    """`active` is the snapshot new cases are assessed under, `previous` what a rollback returns to."""

    version: int = 0
    active: str = ""
    previous: str = ""
    candidate: Candidate | None = None
    rejected: str = ""  # offered once and turned down: not offered again while the directory stays as it is
    pauses: tuple[Pause, ...] = ()
    boards: tuple[Board, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    deliveries: int = 0  # number of the last delivery: ids are `office-<n>`
    channels: dict[str, str] = {}  # name in roles.yaml -> id it meant when it was first found
    slack_lost_at: datetime | None = None  # while people are written to instead
    slack_told: tuple[str, ...] = ()  # roles that were written to in this outage

    @property
    def paused_queues(self) -> frozenset[str]:
        return frozenset(pause.queue for pause in self.pauses)

    def deputies(self, now: datetime) -> tuple[Deputy, ...]:
        """The delegations that hold at a moment."""
        return tuple(
            Deputy(of=d.user, to=d.to, roles=frozenset(d.roles)) for d in self.delegations if d.since <= now < d.until
        )

    def board(self, key: str) -> Board | None:
        return next((b for b in self.boards if b.key == key), None)


# --- commands ----------------------------------------------------------------------------------------------------


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


class Delegate(msgspec.Struct, frozen=True, kw_only=True):
    """Let `to` act in one's place until then; `since` None is now."""

    user: str
    to: str
    until: datetime
    since: datetime | None = None


class EndDelegation(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    delegation: str


class TidyDelegations(msgspec.Struct, frozen=True, kw_only=True):
    """Say of those whose time has come, or is over, that it is so; rights go by the clock alone."""


class ReportAlarms(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is wrong at this moment, as a job outside found it; what it leaves out is over."""

    found: tuple[Alarm, ...]


class BindChannels(msgspec.Struct, frozen=True, kw_only=True):
    """Which channel each name in roles.yaml means from now on: a rename in Slack must not lead cases astray."""

    by: str
    channels: Mapping[str, str]  # name -> id


class MarkSlack(msgspec.Struct, frozen=True, kw_only=True):
    """Slack could not be reached since `lost_at`, and `roles` are written to; or, None, it can be again (OP6)."""

    by: str
    lost_at: datetime | None
    roles: tuple[str, ...] = ()


class OfficeReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """About delivery `delivery`; its outbox row is settled in the same transaction."""

    delivery: str


class BoardShown(OfficeReceipt, frozen=True, kw_only=True):
    board: str
    channel_id: str
    ts: str
    digest: str


class NoticeDelivered(OfficeReceipt, frozen=True, kw_only=True):
    """It arrived, or there was nothing to say any more."""

    remote_id: str = ""


class NoticeLost(OfficeReceipt, frozen=True, kw_only=True):
    """A dead letter: `error` says what happened, `remedy` what a person should do."""

    error: str
    remedy: str = ""


class RedriveNotice(OfficeReceipt, frozen=True, kw_only=True):
    """Try a dead letter again, now that its cause is mended."""

    by: str


AnyOfficeReceipt = BoardShown | NoticeDelivered | NoticeLost
OfficeCommand = (
    LoadPolicy
    | DecidePolicy
    | PauseAi
    | ResumeAi
    | Delegate
    | EndDelegation
    | TidyDelegations
    | ReportAlarms
    | BindChannels
    | MarkSlack
    | AnyOfficeReceipt
    | RedriveNotice
)


class OfficeWorld(msgspec.Struct, frozen=True, kw_only=True):
    """`owners` maps a policy file's short name (`risk`) to the role that owns it, by the policy in force.

    `leads` may throw the switch besides the owners; of `careful` queues, and of all at once, two people undo it.
    `stand_ins` maps each role that decides on cases to the roles whose members could hold it too.
    Policy changes are told of in `policy_channel`, pauses and what is wrong in `alarm_channel`; empty: nowhere.
    """

    now: datetime
    people: People = People()
    owners: Mapping[str, str] = {}
    leads: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()
    careful: frozenset[str] = frozenset()
    autoload: bool = False
    stand_ins: Mapping[str, frozenset[str]] = {}
    policy_channel: str = ""
    alarm_channel: str = ""


class OfficeOutcome(msgspec.Struct, frozen=True, kw_only=True):
    office: Office
    events: tuple[Event, ...]
    effects: tuple[Pending, ...] = ()
    settled: tuple[Settlement, ...] = ()
