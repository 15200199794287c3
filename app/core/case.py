"""The case and everything it holds, as frozen values.

Times are timezone-aware UTC datetimes, money is `Decimal`, confidences are 0-1. A case is only the latest state of its
events; nobody changes one but `app.core.machine.decide`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal, get_args

from app.core.assessment import Assessment, PersonSays, Stage, TriggerType, Value
from app.core.dynamic import Lookup, Resolved
from app.core.findings import Finding
from app.core.packet import Packet as Packet
from app.core.requesthash import HashedAction, request_hash

State = Literal[
    "received",
    "pending",
    "awaiting_signoff",
    "approved",
    "sending",
    "sent",
    "rejected",
    "superseded",
    "expired",
    "withdrawn",
    "blocked",
    "failed",
    "indeterminate",
]
STATES: tuple[State, ...] = get_args(State)
# Final: no timer runs and nobody can decide; `expired` alone can be reopened.
FINAL_STATES: frozenset[State] = frozenset({"sent", "rejected", "superseded", "expired", "withdrawn"})
# A ticket has at most one case in these states. A new message or case on the ticket supersedes it.
OPEN_STATES: frozenset[State] = frozenset(STATES) - FINAL_STATES
# People are still being asked.
UNDECIDED_STATES: frozenset[State] = frozenset({"received", "pending", "awaiting_signoff", "blocked"})

OVERRIDERS = 2  # people who lift a guardrail

Channel = Literal["email", "chat", "web", "phone", "social", "other"]
Author = Literal["customer", "agent", "ai", "system"]
ApprovalOutcome = Literal["approved", "edited", "rejected", "auto", "notified"]


class Ticket(Value, frozen=True, kw_only=True):
    id: str
    url: str = ""
    channel: Channel = "email"
    subject: str = ""


class Customer(Value, frozen=True, kw_only=True):
    id: str
    name: str = ""
    email: str = ""
    segment: str = ""
    contract_value: Decimal | None = None
    currency: str = ""
    regulated: bool = False
    industry: str = ""
    vip: bool = False
    privileged_roles: tuple[str, ...] = ()
    active_escalation: bool = False
    timezone: str = ""
    crm_ticket_id: str = ""
    account_url: str = ""


class Attachment(Value, frozen=True, kw_only=True):
    name: str
    type: str = ""
    size: int = 0
    url: str = ""


class Message(Value, frozen=True, kw_only=True):
    author: Author
    text: str
    at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()


class Source(Value, frozen=True, kw_only=True):
    title: str
    url: str = ""


class Draft(Value, frozen=True, kw_only=True):
    """One version of the reply's text. `author_id` is a Slack user id, or empty for text that came from outside."""

    version: int
    author: Literal["ai", "human"]
    text: str
    author_id: str = ""
    confidence: float | None = None
    reasoning: str = ""
    sources: tuple[Source, ...] = ()
    model_name: str = ""
    prompt_template_version: str = ""
    ai_trace_id: str = ""
    suggested_macros: tuple[str, ...] = ()
    next_questions: tuple[str, ...] = ()
    internal_note: str = ""
    summary: str = ""
    attachments: int = 0


class Signal(Value, frozen=True, kw_only=True):
    label: str
    confidence: float
    source: Literal["caller", "builtin", "llm", "person"] = "caller"


class History(Value, frozen=True, kw_only=True):
    """What is known of the customer besides what this case says; the last two are read from its own conversation."""

    contacts_7d: int = 0  # cases of this customer received in the last 7 days, this one not counted
    unresolved_7d: int = 0  # of these, those that did not end as sent
    rejected_drafts: int = 0  # drafts rejected in a row on this ticket
    sentiment_falling: bool = False  # over three customer messages
    repeated_intent: bool = False  # the same twice in a row, with a reply between


class Signals(Value, frozen=True, kw_only=True):
    intent: Signal | None = None
    sentiment: Signal | None = None
    language: Signal | None = None


class Extracted(Value, frozen=True, kw_only=True):
    """One thing a customer said. `value` is normalised (`240 EUR`, `2026-11-03`), `quote` as it was written, masked."""

    field: Literal["order_id", "amount", "date", "asked_action"]
    value: str
    quote: str = ""


class Gist(Value, frozen=True, kw_only=True):
    """What the customer's messages come to: two or three lines and what could be extracted. Holds no sensitive PII."""

    summary: str
    fields: tuple[Extracted, ...] = ()
    source: Literal["builtin", "llm"] = "builtin"


class Action(Value, frozen=True, kw_only=True):
    """What the reply promises. `amount_text` keeps an amount nobody could read; the case then goes to a person."""

    type: str
    amount: Decimal | None = None
    amount_text: str = ""
    currency: str = ""
    irreversible: bool = False
    transaction_verified: bool = False
    scope: Literal["single", "bulk"] = "single"
    reference: str = ""


class Submitter(Value, frozen=True, kw_only=True):
    slack_user: str = ""
    email: str = ""
    agent: str = ""


class Fact(Value, frozen=True, kw_only=True):
    label: str
    value: str


class Escalation(Value, frozen=True, kw_only=True):
    reason: str
    trigger_type: TriggerType
    to_role: str
    at: datetime


class Approval(Value, frozen=True, kw_only=True):
    """One person's approval of one request hash at one stage."""

    stage: str
    user: str
    person: str  # identity over several Slack accounts: the e-mail, case-folded, else the user id
    role: str
    kind: Literal["approve", "edit", "write", "sign_off"]
    request_hash: str
    draft_version: int
    at: datetime
    channel_id: str = ""  # the message they decided on; empty for a click elsewhere
    ts: str = ""
    instead_of: str = ""  # user id of who delegated to them; empty in their own right
    instead_of_person: str = ""


class Override(Value, frozen=True, kw_only=True):
    """One person's word that a guardrail is wrong about exactly this text. Two people lift a rule (GU3)."""

    user: str
    person: str
    rules: tuple[tuple[str, str], ...]  # id and version
    reason: str
    request_hash: str
    at: datetime


class Claim(Value, frozen=True, kw_only=True):
    """One person works on the case until then (DE8)."""

    user: str
    person: str
    at: datetime
    until: datetime
    renewals: int = 0


class Timer(Value, frozen=True, kw_only=True):
    """A row due at a time, a projection of `Case.timers`. `key` is unique within the case."""

    key: str
    kind: Literal["rung", "holding", "expire", "send", "model", "claim", "role"]
    due_at: datetime


class Note(Value, frozen=True, kw_only=True):
    """What a person wrote beside the case: a rejection's feedback, a thread reply, an override's reason."""

    user: str
    text: str
    at: datetime
    kind: Literal["reviewer", "feedback", "decline", "override", "reassess"] = "reviewer"
    key: str = ""


class Verdict(Value, frozen=True, kw_only=True):
    """How the case ended, or is ending: who, when, as what. `resolution_code` and `next_action` are never empty."""

    outcome: ApprovalOutcome | Literal["expired", "withdrawn", "superseded", "failed"]
    by: str
    role: str
    at: datetime
    reason: str = ""
    category: str = ""
    resolution_code: str = ""
    next_action: str = ""
    follow_up_due_at: datetime | None = None
    csat_requested: bool = False


class Case(Value, frozen=True, kw_only=True):
    id: str
    version: int = 0  # +1 at each saved change; asserted by the store
    state: State = "received"
    ticket: Ticket
    customer: Customer
    messages: tuple[Message, ...]
    drafts: tuple[Draft, ...] = ()  # oldest first; the last one is the current one
    signals: Signals = Signals()
    second_opinion: Signals = Signals()  # of a model, or of a form: policy reads both, so it can only raise scrutiny
    said: PersonSays | None = None
    gist: Gist | None = None
    history: History = History()
    asking: str = ""  # delivery id of what a language model is being asked
    action: Action | None = None
    context: tuple[Fact, ...] = ()
    submitted_by: Submitter | None = None
    cc: tuple[str, ...] = ()
    cc_told: tuple[str, ...] = ()  # user ids that know of the case
    callback_url: str = ""
    callback_key: str = ""  # name of the API key whose secret signs the callbacks
    deadline: datetime | None = None
    metadata: dict[str, str] = {}
    created_at: datetime
    opened_at: datetime | None = None  # when people were first asked; ladders count from here
    policy_snapshot: str = ""
    assessment: Assessment | None = None
    findings: tuple[Finding, ...] = ()
    stage: int = 0
    gained: tuple[tuple[int, str, str], ...] = ()  # (stage index, role let in, role it stands in for)
    approvals: tuple[Approval, ...] = ()
    overrides: tuple[Override, ...] = ()
    lookups: tuple[Lookup, ...] = ()  # each dynamic role once
    resolved: tuple[Resolved, ...] = ()
    # Who submitted or decided: `Person.key` when they did, then all their accounts. An address may change later.
    identities: tuple[tuple[str, ...], ...] = ()
    claim: Claim | None = None
    rejected_versions: tuple[int, ...] = ()  # drafts a reviewer rejected: shown, never sent
    notes: tuple[Note, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    packets: tuple[Packet, ...] = ()
    lost_channels: tuple[str, ...] = ()  # names of those that could not show it
    timers: tuple[Timer, ...] = ()
    fired: tuple[str, ...] = ()  # timer keys that fired: each rung once
    holding_sent: bool = False
    verdict: Verdict | None = None
    withheld_viewed_by: tuple[str, ...] = ()
    deliveries: int = 0  # number of the last delivery: ids are `<case id>-<n>`
    pending_reply: str = ""  # delivery id of the reply that is on its way
    indeterminate: str = ""  # what a person should look at
    supersedes: str = ""
    superseded_by: str = ""

    @property
    def draft(self) -> Draft | None:
        return self.drafts[-1] if self.drafts else None

    @property
    def intent(self) -> Signal | None:
        """What the customer wants: by a person's word if there is one."""
        said = self.said.intent if self.said else ""
        return Signal(label=said, confidence=1.0, source="person") if said else self.signals.intent

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES

    @property
    def current_stage(self) -> Stage | None:
        stages = self.assessment.stages if self.assessment else ()
        return stages[self.stage] if self.stage < len(stages) else None

    @property
    def assessed(self) -> Assessment:
        """The assessment of a case that surely has one; a case leaves `received` only with it."""
        if self.assessment is None:
            raise ValueError(f"case {self.id} is not assessed yet")
        return self.assessment

    @property
    def withheld(self) -> bool:
        """True when the current draft is AI text that policy forbids to send."""
        draft = self.draft
        return bool(draft and draft.author == "ai" and self.assessed.ai_mode == "summarize_only")

    @property
    def sendable_draft(self) -> Draft | None:
        draft = self.draft
        if draft is None or self.withheld or draft.version in self.rejected_versions:
            return None
        return draft if draft.text.strip() else None

    @property
    def request_hash(self) -> str:
        """Of the current draft as it would be sent (DE1); of an empty text at version 0 while there is no draft."""
        draft = self.draft
        return hash_of(self, draft.version if draft else 0, draft.text if draft else "")

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """Findings that keep the current draft from being approved by anyone."""
        draft = self.draft
        source = f"draft:{draft.version}" if draft else ""
        lifted = self.lifted
        return tuple(
            f
            for f in self.findings
            if f.action == "blocked" and f.source == source and (f.rule_id, f.rule_version) not in lifted
        )

    @property
    def lifted(self) -> frozenset[tuple[str, str]]:
        """Guardrails that two people overrode for the text as it is now."""
        said: dict[tuple[str, str], set[str]] = {}
        for override in self.overrides:
            if override.request_hash == self.request_hash:
                for rule in override.rules:
                    said.setdefault(rule, set()).add(override.person)
        return frozenset(rule for rule, people in said.items() if len(people) >= OVERRIDERS)

    def packet(self, key: str) -> Packet | None:
        return next((p for p in self.packets if p.key == key), None)


def hash_of(case: Case, version: int, text: str) -> str:
    """The request hash of a text, in this case, at this version."""
    action: HashedAction | None = None
    if case.action is not None:
        amount = case.action.amount if case.action.amount is not None else (case.action.amount_text or None)
        action = {"type": case.action.type, "amount": amount, "currency": case.action.currency or None}
    return request_hash(
        case_id=case.id,
        draft_version=version,
        text=text,
        recipient=case.customer.id,
        channel=case.ticket.channel,
        action=action,
        policy_snapshot=case.policy_snapshot,
    )
