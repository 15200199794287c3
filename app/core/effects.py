"""What a decision leaves behind: events (past tense) for the log, effects (nouns) that go out, what became of them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from app.core.case import Case
from app.core.policy.rolesfile import Resolver


class Click(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a person's act came from, for the audit trail."""

    trigger: str = ""
    channel: str = ""
    ts: str = ""


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
    "RoleLookupStarted",
    "RoleResolved",
    "RoleUnresolved",
    "PacketPosted",
    "PacketUpdated",
    "PacketLost",
    "PacketDrifted",
    "PacketMoved",
    "PacketShortened",
    "PacketFolded",
    "PacketUnfolded",
    "DigestPosted",
    "DigestUpdated",
    "DigestLost",
    "ChannelsBound",
    "SlackLost",
    "SlackBack",
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
    "CaseClaimed",
    "CaseReleased",
    "SignOffRequested",
    "ApprovalsVoided",
    "NoteAdded",
    "CcTold",
    "TimerFired",
    "Reminded",
    "Escalated",
    "HoldingSent",
    "CaseExpired",
    "CaseReopened",
    "Reassessed",
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
    "AiTextPaused",
    "AiTextResumed",
    "AiTextResumeAsked",
    "PolicyActivated",
    "PolicyOffered",
    "PolicySigned",
    "PolicyRejected",
    "PolicyWithdrawn",
    "PolicyPosted",
    "PolicyPostUpdated",
    "Delegated",
    "DelegationBegun",
    "DelegationEnded",
    "CaseHandedOver",
    "AlarmRaised",
    "AlarmCleared",
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
    "reminder",
    "escalated",
    "draft_part",
    "decided",
    "voided",
    "delivered",
    "failed",
    "held",
    "holding",
    "reopened",
    "resolved",
    "unresolved",
    "reassessed",
    "moved",
    "reposted",
]
DirectKind = Literal[
    "feedback", "receipt", "urgent", "submitter_decided", "asked", "moved", "opened", "cc_opened", "cc_closed"
]


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


class RoleLookup(Effect, frozen=True, kw_only=True):
    """Ask who a dynamic role is in this case; what the question is made of is read from the case (DE6)."""

    role: str
    resolver: Resolver


# --- about the whole workspace, not about a case ---


class BoardPost(Effect, frozen=True, kw_only=True):
    board: str


class BoardUpdate(Effect, frozen=True, kw_only=True):
    board: str


class DigestShow(Effect, frozen=True, kw_only=True):
    """The digest as it is when it is sent: posted, or what stands of it brought up to date."""

    digest: str


NoticeKind = Literal["paused", "resume_asked", "resumed", "alarm", "alarm_over"]


class ChannelNotice(Effect, frozen=True, kw_only=True):
    """A message in a channel, posted once and left as it is. `channel` is a name without #."""

    channel: str
    kind: NoticeKind
    data: dict[str, Any] = {}


class PersonalNotice(Effect, frozen=True, kw_only=True):
    """A direct message that is about no case."""

    user: str
    kind: Literal["delegated", "delegation_over"]
    data: dict[str, Any] = {}


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
    | RoleLookup
    | BoardPost
    | BoardUpdate
    | DigestShow
    | ChannelNotice
    | PersonalNotice
)
Destination = Literal["slack", "helpdesk", "crm", "callback", "model", "roles"]


def destination_of(effect: AnyEffect) -> Destination:
    match effect:
        case PacketPost() | PacketUpdate() | ThreadReply() | DirectMessage():
            return "slack"
        case BoardPost() | BoardUpdate() | DigestShow() | ChannelNotice() | PersonalNotice():
            return "slack"
        case HelpdeskReply() | HelpdeskNote() | HelpdeskFields():
            return "helpdesk"
        case CrmPatch():
            return "crm"
        case Callback():
            return "callback"
        case ModelReading() | ModelDraft():
            return "model"
        case RoleLookup():
            return "roles"


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
