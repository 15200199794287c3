"""Commands (imperative) that come in, events (past tense) that were decided, effects (nouns) that go out.

Every command that a person's click makes carries `user` (Slack user id), `seen` (the request hash on the surface they
clicked) and `click` (where it came from). Receipts of deliveries are commands too and re-enter by the same door.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from app.core.case import Action, Case, Customer, Draft, Fact, Gist, Message, Signals, Submitter, Ticket


class Click(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a person's act came from, for the audit trail."""

    trigger: str = ""
    channel: str = ""
    ts: str = ""


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
    callback_url: str = ""
    callback_key: str = ""
    deadline: datetime | None = None
    metadata: dict[str, str] = {}
    supersedes: str = ""
    sentiment_falling: bool = False
    repeated_intent: bool = False


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
    pass


class Decline(ByPerson, frozen=True, kw_only=True):
    reason: str


class Undo(ByPerson, frozen=True, kw_only=True):
    pass


class RecordView(ByPerson, frozen=True, kw_only=True):
    """A person opened something worth auditing; never changes the case's state."""

    what: Literal["edit", "approve", "reject", "write", "decline", "override", "history", "withheld_draft"]


class AddNote(ByPerson, frozen=True, kw_only=True):
    text: str


class SettleDelivery(ByPerson, frozen=True, kw_only=True):
    """A person looked at the destination and says whether an indeterminate reply arrived."""

    delivery: str
    arrived: bool


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


class GaveUp(Receipt, frozen=True, kw_only=True):
    """The delivery is a dead letter: `error` says what happened, `remedy` what a person should do."""

    error: str
    remedy: str = ""


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
    | RecordView
    | AddNote
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
    | FireTimer
    | PacketShown
    | Delivered
    | Understood
    | Drafted
    | ModelFailed
    | GaveUp
    | Parked
    | HeldAtGate
)

# --- events ------------------------------------------------------------------------------------------------------

EventType = Literal[
    "CaseReceived",
    "CaseAssessed",
    "TextScanned",
    "DraftSubmitted",
    "ModelAsked",
    "CaseUnderstood",
    "ReplyDrafted",
    "ModelGaveUp",
    "PacketPosted",
    "PacketUpdated",
    "ViewOpened",
    "WithheldDraftViewed",
    "Approved",
    "Edited",
    "ReplyWritten",
    "GuardrailOverridden",
    "Rejected",
    "SignedOff",
    "Declined",
    "Undone",
    "SignOffRequested",
    "ApprovalsVoided",
    "NoteAdded",
    "TimerFired",
    "Reminded",
    "Escalated",
    "HoldingSent",
    "CaseExpired",
    "CaseSuperseded",
    "CaseWithdrawn",
    "ReplyReleased",
    "ReplySent",
    "DeliverySucceeded",
    "DeliveryFailed",
    "DeliveryIndeterminate",
    "DeliverySettled",
    "DeliveryHeld",
    "DeliveryRedriven",
    "DeliveryRetried",
    "ActionResultReported",
    "PolicyActivated",
    "PolicyOffered",
    "PolicySigned",
    "PolicyRejected",
    "PolicyWithdrawn",
    "CommandRefused",
]
# A person decided about a reply: DE2 allows one of these per step.
DECISION_EVENTS: frozenset[EventType] = frozenset(
    {"Approved", "Edited", "ReplyWritten", "Rejected", "SignedOff", "Declined"}
)


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One appended fact. `actor` is `slack:<user>`, `api:<key name>` or `system:<part>`."""

    type: EventType
    actor: str
    reason: str = ""
    request_hash: str = ""
    policy_snapshot: str = ""
    click: Click = Click()
    data: dict[str, Any] = {}


# --- effects -----------------------------------------------------------------------------------------------------

ThreadKind = Literal[
    "reminder", "escalated", "draft_part", "decided", "voided", "delivered", "failed", "held", "holding"
]
DirectKind = Literal["feedback", "receipt", "urgent", "submitter_decided"]


class Effect(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="effect", omit_defaults=True):
    pass


class PacketPost(Effect, frozen=True, kw_only=True):
    packet: str


class PacketUpdate(Effect, frozen=True, kw_only=True):
    packet: str


class ThreadReply(Effect, frozen=True, kw_only=True):
    """A reply in the thread of `packet`. `mentions` are user ids that may be pinged: people who can act."""

    packet: str
    kind: ThreadKind
    mentions: tuple[str, ...] = ()
    data: dict[str, Any] = {}


class DirectMessage(Effect, frozen=True, kw_only=True):
    user: str
    kind: DirectKind
    data: dict[str, Any] = {}


class HelpdeskReply(Effect, frozen=True, kw_only=True):
    """Exactly the approved text to the customer, or the holding message."""

    text: str
    kind: Literal["reply", "holding"]
    request_hash: str


class HelpdeskNote(Effect, frozen=True, kw_only=True):
    text: str


class HelpdeskFields(Effect, frozen=True, kw_only=True):
    fields: dict[str, str]
    tags: tuple[str, ...] = ()


class CrmPatch(Effect, frozen=True, kw_only=True):
    """CR1 properties, all strings. `ticket` is the CRM's ticket id, empty where the customer has none."""

    ticket: str
    properties: dict[str, str]
    final: bool = False


class Callback(Effect, frozen=True, kw_only=True):
    """A Standard Webhook to the case's callback_url."""

    url: str
    key: str
    type: Literal["case.assessed", "case.decided", "case.updated"]
    data: dict[str, Any]


class ModelReading(Effect, frozen=True, kw_only=True):
    """Ask the language model what the case is about (AI1)."""


class ModelDraft(Effect, frozen=True, kw_only=True):
    """Ask the language model for a reply; reviewers' feedback is read from the case (AI2, AI5)."""


AnyEffect = (
    PacketPost
    | PacketUpdate
    | ThreadReply
    | DirectMessage
    | HelpdeskReply
    | HelpdeskNote
    | HelpdeskFields
    | CrmPatch
    | Callback
    | ModelReading
    | ModelDraft
)
Destination = Literal["slack", "helpdesk", "crm", "callback", "model"]


def destination_of(effect: AnyEffect) -> Destination:
    match effect:
        case PacketPost() | PacketUpdate() | ThreadReply() | DirectMessage():
            return "slack"
        case HelpdeskReply() | HelpdeskNote() | HelpdeskFields():
            return "helpdesk"
        case CrmPatch():
            return "crm"
        case Callback():
            return "callback"
        case ModelReading() | ModelDraft():
            return "model"


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """An effect on its way into the outbox. Deliveries of one `lane` go one after the other, in order of `number`.

    `priority` 0 goes first (high tier).
    """

    id: str
    number: int
    lane: str
    destination: Destination
    priority: int
    effect: AnyEffect
    pace: str = ""  # Slack channel name or user id that takes one message a second; empty where nothing is paced


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of an outbox row. `cancelled` and `done` free the lane; `dead` does too, but for a reply."""

    delivery: str
    status: Literal["done", "dead", "indeterminate", "cancelled", "redrive"]
    error: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What `decide` answers. Timers are not listed: they are `case.timers`, and the store keeps the table equal."""

    case: Case
    events: tuple[Event, ...]
    effects: tuple[Pending, ...] = ()
    settled: tuple[Settlement, ...] = ()
