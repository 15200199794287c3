"""Commands (imperative): what people, callers, time and deliveries ask of a case.

Every command that a person's click makes carries `user` (Slack user id), `seen` (the request hash on the surface they
clicked) and `click` (where it came from). Receipts of deliveries are commands too and re-enter by the same door.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from app.core.assessment import PersonSays, Tier
from app.core.case import Action, Customer, Draft, Fact, Gist, Message, Signals, Submitter, Ticket
from app.core.effects import AnyEffect, Click


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    case_id: str


class ByPerson(Command, frozen=True, kw_only=True):
    user: str
    seen: str = ""
    click: Click = Click()


class Receipt(Command, frozen=True, kw_only=True):
    """The outcome of delivery `delivery`; its outbox row is settled in the same transaction."""

    delivery: str


# --- from outside ------------------------------------------------------------------------------------------------


class ReceiveCase(Command, frozen=True, kw_only=True):
    """A new case as intake validated it. `by` is `api:<key name>` or `slack:<user id>`."""

    by: str
    ticket: Ticket
    customer: Customer
    messages: tuple[Message, ...]
    draft: Draft | None = None
    signals: Signals = Signals()
    action: Action | None = None
    context: tuple[Fact, ...] = ()
    submitted_by: Submitter | None = None
    cc: tuple[str, ...] = ()
    cc_told: tuple[str, ...] = ()
    callback_url: str = ""
    callback_key: str = ""
    deadline: datetime | None = None
    metadata: dict[str, str] = {}
    supersedes: str = ""
    sentiment_falling: bool = False
    repeated_intent: bool = False
    second_opinion: Signals = Signals()
    said: PersonSays | None = None  # what a person said of the case that this one replaces
    click: Click = Click()


class AddCustomerMessage(Command, frozen=True, kw_only=True):
    """Supersedes the case; `new_case_id` is the id of the fresh one."""

    by: str
    message: Message
    new_case_id: str
    signals: Signals = Signals()
    sentiment_falling: bool = False
    repeated_intent: bool = False


class Supersede(Command, frozen=True, kw_only=True):
    by: str
    successor: str
    reason: str


class SubmitDraft(Command, frozen=True, kw_only=True):
    by: str
    draft: Draft


class Withdraw(Command, frozen=True, kw_only=True):
    by: str
    reason: str = ""
    answered_elsewhere: bool = False


class RedriveDelivery(Command, frozen=True, kw_only=True):
    """Try a dead letter again, now that its cause is mended. `effect` is what it would deliver."""

    by: str
    delivery: str
    effect: AnyEffect | None = None
    click: Click = Click()


class ReportActionResult(Command, frozen=True, kw_only=True):
    by: str
    status: Literal["succeeded", "failed"]
    amount: str = ""
    reference: str = ""


# --- by a person -------------------------------------------------------------------------------------------------


class Approve(ByPerson, frozen=True, kw_only=True):
    checklist: tuple[str, ...] = ()


class Edit(ByPerson, frozen=True, kw_only=True):
    text: str
    checklist: tuple[str, ...] = ()


class WriteReply(ByPerson, frozen=True, kw_only=True):
    text: str
    checklist: tuple[str, ...] = ()


class Reject(ByPerson, frozen=True, kw_only=True):
    category: str
    text: str
    then: Literal["redraft", "write", "hand_back"]


class OverrideGuardrail(ByPerson, frozen=True, kw_only=True):
    """Says with a written reason that what blocks the draft is wrong here; the second person's word lifts it."""

    reason: str


class SignOff(ByPerson, frozen=True, kw_only=True):
    """`packet` is the request they answer: who holds several roles of a step signs in the one that was asked there."""

    packet: str = ""


class Decline(ByPerson, frozen=True, kw_only=True):
    reason: str


class Undo(ByPerson, frozen=True, kw_only=True):
    pass


class ClaimCase(ByPerson, frozen=True, kw_only=True):
    """Works on the case for a while (DE8); again, to have more time. Binds to no text."""


class ReleaseCase(ByPerson, frozen=True, kw_only=True):
    """Ends a claim: one's own, or as a support lead anybody's."""


class Reopen(ByPerson, frozen=True, kw_only=True):
    """An expired case goes before people again, as if they were asked for the first time."""


class Reassess(ByPerson, frozen=True, kw_only=True):
    """Says what the customer wants (a label policy knows), or how risky it is, where what was read is wrong (DE9)."""

    intent: str = ""
    tier: Tier | None = None
    reason: str = ""


class WithdrawByPerson(ByPerson, frozen=True, kw_only=True):
    """Takes a case out again by whoever submitted it, or a support lead. Binds to no text."""

    reason: str


class RecordView(ByPerson, frozen=True, kw_only=True):
    """A person opened something worth auditing; never changes the case's state."""

    what: Literal[
        "edit",
        "approve",
        "reject",
        "write",
        "decline",
        "override",
        "reassess",
        "withdraw",
        "history",
        "withheld_draft",
        "pii",
    ]


class AddNote(ByPerson, frozen=True, kw_only=True):
    text: str


class UnfoldPacket(ByPerson, frozen=True, kw_only=True):
    """Opens a packet that is a line in a digest: it is posted whole, and this person told where. Binds to no text."""

    packet: str


class SettleDelivery(ByPerson, frozen=True, kw_only=True):
    """A person looked at the destination and says whether an indeterminate reply arrived."""

    delivery: str
    arrived: bool


class ApplyPause(Command, frozen=True, kw_only=True):
    """The switch for AI text was thrown where this case waits: its packets show it."""

    by: str
    reason: str = ""


class RepairPacket(Command, frozen=True, kw_only=True):
    """Slack does not show what it should: the message `ts` is gone, says something else, or its channel is lost.

    `ts` is empty for a packet that never came to Slack; a folded one is `missing` where its digest cannot be shown.
    """

    by: str
    packet: str
    ts: str
    found: Literal["missing", "drifted", "no_channel"]
    reason: str = ""


class HandOver(Command, frozen=True, kw_only=True):
    """Somebody who is asked about this case delegated to somebody else until then."""

    by: str
    of: str
    to: str
    until: datetime


# --- time and receipts -------------------------------------------------------------------------------------------


class FireTimer(Command, frozen=True, kw_only=True):
    key: str


class PacketShown(Receipt, frozen=True, kw_only=True):
    """A packet was posted or updated: Slack shows `digest` now."""

    packet: str
    channel_id: str
    ts: str
    digest: str


class Delivered(Receipt, frozen=True, kw_only=True):
    """Any other delivery arrived. `remote_id` is what the destination called it."""

    remote_id: str = ""


class Understood(Receipt, frozen=True, kw_only=True):
    """A language model read the case: a second opinion beside the signals, and what it comes to."""

    model: str
    signals: Signals
    gist: Gist | None = None


class Drafted(Receipt, frozen=True, kw_only=True):
    """A language model wrote a reply. It is a proposal like any other: scanned, assessed, and decided by people."""

    draft: Draft


class ModelFailed(Receipt, frozen=True, kw_only=True):
    """The language model gave nothing that could be used; people go on without it."""

    error: str


class RoleResolved(Receipt, frozen=True, kw_only=True):
    """Who a dynamic role is: Slack ids or e-mails as `source` gave them; none where it knows nobody."""

    role: str
    users: tuple[str, ...]
    source: str


class RoleUnresolved(Receipt, frozen=True, kw_only=True):
    """A dynamic role could not be looked up; the fallback role stands in."""

    role: str
    error: str


class GaveUp(Receipt, frozen=True, kw_only=True):
    """The delivery is a dead letter: `error` says what happened, `remedy` what a person should do."""

    error: str
    remedy: str = ""


class SurfaceLost(Receipt, frozen=True, kw_only=True):
    """Slack refuses a packet for good, or what belongs in its thread.

    `lost`: the channel takes nothing, the message is gone, the message is too big or badly shaped, or the packet was on
    its way to another place (`moving`) when its reply came. `channel` and `ts` are where it was tried.
    """

    packet: str
    channel: str
    ts: str
    lost: Literal["channel", "message", "shape", "moving"]
    error: str
    remedy: str = ""
    effect: AnyEffect | None = None


class Parked(Receipt, frozen=True, kw_only=True):
    """Nobody can tell whether it arrived (DL2)."""

    error: str
    look_at: str


class HeldAtGate(Receipt, frozen=True, kw_only=True):
    """The send-time check refused: the case returns to pending with the reason (GU4, DL3)."""

    reason: str


PersonCommand = (
    Approve
    | Edit
    | WriteReply
    | Reject
    | OverrideGuardrail
    | SignOff
    | Decline
    | Undo
    | ClaimCase
    | ReleaseCase
    | Reopen
    | Reassess
    | WithdrawByPerson
    | RecordView
    | AddNote
    | UnfoldPacket
    | SettleDelivery
)
AnyCommand = (
    ReceiveCase
    | AddCustomerMessage
    | Supersede
    | SubmitDraft
    | Withdraw
    | ReportActionResult
    | RedriveDelivery
    | PersonCommand
    | ApplyPause
    | RepairPacket
    | HandOver
    | FireTimer
    | PacketShown
    | Delivered
    | Understood
    | Drafted
    | ModelFailed
    | RoleResolved
    | RoleUnresolved
    | GaveUp
    | SurfaceLost
    | Parked
    | HeldAtGate
)
