"""The shape of crm.yaml, and the names of all CRM fields (CR1)."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from msgspec import Meta

from app.core.policy.documents import FileStruct, Sentence

Field = Literal[
    "helpdesk_ticket_id",
    "crm_ticket_id",
    "customer_id",
    "channel",
    "intent",
    "intent_confidence",
    "sentiment",
    "sentiment_confidence",
    "language",
    "language_confidence",
    "risk_tier",
    "confidence_band",
    "ai_used",
    "ai_mode",
    "ai_draft_sent",
    "approval_required",
    "approval_outcome",
    "approver_role",
    "approval_timestamp",
    "guardrail_triggered",
    "guardrail_types",
    "guardrail_action",
    "escalated",
    "escalation_reason",
    "escalation_trigger_type",
    "routed_queue",
    "resolution_code",
    "next_action",
    "follow_up_due_at",
    "csat_requested",
    "ai_trace_id",
    "model_name",
    "prompt_template_version",
    "guardrail_policy_version",
]
FIELDS: tuple[Field, ...] = get_args(Field)
# What an auditor cannot do without: kept by every preset.
MINIMAL: tuple[Field, ...] = (
    "risk_tier",
    "confidence_band",
    "intent_confidence",
    "sentiment_confidence",
    "language_confidence",
    "approval_outcome",
    "escalation_reason",
    "ai_trace_id",
    "resolution_code",
)
_NAMES = {"propertyNames": {"enum": list(FIELDS)}}
Property = Annotated[str, Meta(pattern="^[A-Za-z][A-Za-z0-9_]{0,99}$", description="The property's name in your CRM")]


class Document(FileStruct, frozen=True, kw_only=True):
    format: Annotated[Literal[1], Meta(description="Version of this file's format")]
    preset: Annotated[
        Literal["full", "minimal"],
        Meta(description="full: every field. minimal: what an audit needs, and the further fields named below"),
    ]
    on_missing_ticket: Annotated[
        Literal["find", "create", "skip"], Meta(description="When the customer has no CRM ticket")
    ] = "skip"
    fields: Annotated[
        dict[Field, Sentence],
        Meta(description="Each field beyond the minimal ones, and the report it serves", extra_json_schema=_NAMES),
    ] = {}
    rename: Annotated[
        dict[Field, Property], Meta(description="Our name: your CRM's property", extra_json_schema=_NAMES)
    ] = {}

    @property
    def kept(self) -> tuple[Field, ...]:
        """In the order of CR1."""
        if self.preset == "full":
            return FIELDS
        return tuple(name for name in FIELDS if name in MINIMAL or name in self.fields)
