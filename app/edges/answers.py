"""What callers read, for OpenAPI: the shapes that `case_json` and `problems` write. A test holds them together."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core.assessment import AiMode, Band, Tier
from app.core.case import ApprovalOutcome, Channel, State
from app.core.findings import Entity, FindingAction, FindingType, Side


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RouteOut(Answer):
    role: str
    channel: str = Field(description="Slack channel without #")


class ReasonOut(Answer):
    """A policy rule that fired, in its owner's words."""

    rule_id: str
    text: str
    facts: dict[str, str]
    guidance: str
    link: str


class FindingOut(Answer):
    """A guardrail hit. It never holds the matched text, only where it stands."""

    rule_id: str
    rule_version: str
    type: FindingType
    action: FindingAction
    start: int
    end: int
    entity: Entity | None
    sensitive: bool
    flags: list[str]
    owner: str
    reason: str
    guidance: str
    overridable_by: str | None
    side: Side
    source: str = Field(description="Which text: message:<index>, draft:<version>, …")


class StageOut(Answer):
    id: str
    label: str
    roles: list[str]


class ApprovalOfOne(Answer):
    stage: str
    by: str
    role: str
    kind: Literal["approve", "edit", "write", "sign_off"]
    request_hash: str
    draft_version: int
    at: str
    instead_of: str | None = Field(description="Slack user id of who delegated to them")


class ApprovalOut(Answer):
    required: bool = Field(description="False only where policy lets the reply go without a person")
    kind: Literal["auto", "notify", "approve", "edit", "write", "sign_off"] | None
    outcome: ApprovalOutcome | None
    by: str | None = Field(description="Slack user id of who decided last")
    role: str | None
    at: str | None
    stages: list[StageOut]
    approvals: list[ApprovalOfOne]


class DraftOut(Answer):
    version: int
    author: Literal["ai", "human"]
    text: str
    request_hash: str
    sendable: bool = Field(description="False for text that policy withholds or a reviewer rejected")


class ActionOut(Answer):
    type: str
    amount: str | None
    currency: str | None
    irreversible: bool
    transaction_verified: bool
    scope: Literal["single", "bulk"]
    reference: str | None


class SignalOut(Answer):
    label: str
    confidence: float
    source: Literal["caller", "builtin", "llm", "person"]


class SignalsOut(Answer):
    intent: SignalOut | None
    sentiment: SignalOut | None
    language: SignalOut | None


class TicketOut(Answer):
    id: str
    url: str
    channel: Channel


class CustomerOut(Answer):
    id: str


class VerdictOut(Answer):
    outcome: ApprovalOutcome | Literal["expired", "withdrawn", "superseded", "failed"]
    reason: str
    category: str
    resolution_code: str
    next_action: str
    follow_up_due_at: str | None
    csat_requested: bool
    at: str


class EscalationOut(Answer):
    reason: str
    trigger_type: Literal["rule", "guidance", "manual"]
    to_role: str
    at: str


class CaseOut(Answer):
    id: str
    state: State
    tier: Tier | None
    band: Band | None
    ai_mode: AiMode | None
    route: RouteOut | None
    reasons: list[ReasonOut]
    findings: list[FindingOut]
    approval: ApprovalOut
    draft: DraftOut | None
    requested_action: ActionOut | None
    signals: SignalsOut
    policy_snapshot: str
    supersedes: str | None
    superseded_by: str | None
    ticket: TicketOut
    customer: CustomerOut
    verdict: VerdictOut | None
    escalations: list[EscalationOut]
    deadline: str | None
    created_at: str
    metadata: dict[str, str]


class CaseList(Answer):
    items: list[CaseOut]
    next_cursor: str | None = Field(description="Null on the last page")


class ClickOut(Answer):
    channel: str
    ts: str
    trigger: str


class EventOut(Answer):
    seq: int
    event_id: str
    type: str
    at: str
    actor: str = Field(description="slack:<user id>, api:<key name> or system:<part>")
    reason: str
    request_hash: str
    policy_snapshot: str
    slack: ClickOut
    data: dict[str, Any]
    leaf_hash: str = Field(description="RFC 6962 leaf hash, hex")


class AuditTrail(Answer):
    case_id: str
    events: list[EventOut]


class ErrorOut(BaseModel):
    field: str = Field(examples=["messages[0].author"])
    in_: Literal["body", "query", "path", "header"] = Field(alias="in")
    detail: str
    pointer: str = Field("", examples=["#/messages/0/author"])


class ProblemOut(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    code: str = Field(examples=["invalid_request", "idempotency_conflict", "superseded"])
    detail: str
    errors: list[ErrorOut] = Field([], description="Each mistake with the field it is in; at most 20")
