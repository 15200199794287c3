"""What callers may send (IN1, IN3), as strict types with limits. A null is the same as a field that is left out.

Unknown fields are refused: they are mistakes, and a mistake about an approval should not pass in silence.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from app.core.assessment import Tier
from app.core.case import Channel, State
from app.edges.intake_types import (
    MAX_TEXT,
    AmountGiven,
    Confidence,
    Currency,
    Id,
    IdOrNone,
    Label,
    LanguageTag,
    Line,
    MetadataValue,
    Moment,
    Money,
    Name,
    Segment,
    Short,
    Size,
    Text,
    Title,
    Url,
    fault,
)

MAX_MESSAGES = 200
MAX_CONTEXT = 10
MAX_CC = 50
MAX_LIST = 50
MAX_METADATA = 50
_SOMETHING = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$"


class Given(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class TicketIn(Given):
    """The helpdesk ticket. At most one case is open on a ticket; a new one supersedes it."""

    id: Annotated[Id, Field(description="The helpdesk's own id", examples=["48213"])]
    url: Url | None = None
    channel: Channel | None = Field(None, description="How the reply will reach the customer; email when left out")
    subject: Line | None = None


class CustomerIn(Given):
    id: Annotated[Id, Field(description="Your id of the customer: the recipient that approvals are bound to")]
    name: Name | None = None
    email: Short | None = None
    segment: Segment | None = Field(None, description="small, standard or enterprise; any other goes to a person")
    contract_value: Money | None = None
    currency: Currency | None = None
    regulated: bool | None = None
    industry: Name | None = None
    vip: bool | None = None
    privileged_roles: Annotated[list[Label], Field(max_length=MAX_LIST)] | None = None
    active_escalation: bool | None = None
    timezone: Short | None = None
    crm_ticket_id: IdOrNone | None = None
    account_url: Url | None = None


class AttachmentIn(Given):
    name: Title
    type: Short | None = None
    size: Size | None = None
    url: Url | None = None


class MessageIn(Given):
    """One message of the conversation."""

    author: Literal["customer", "agent", "ai", "system"]
    text: Text
    at: Moment | None = None
    attachments: Annotated[list[AttachmentIn], Field(max_length=MAX_LIST)] | None = None


class SourceIn(Given):
    title: Title
    url: Url | None = None


class DraftIn(Given):
    """The proposed reply. What people approve is exactly this text."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT, json_schema_extra={"pattern": _SOMETHING})]
    author: Literal["ai", "human"] | None = Field(None, description="ai when left out")
    confidence: Confidence | None = Field(None, description="Without one the draft is never sent without a person")
    reasoning: Text | None = None
    sources: Annotated[list[SourceIn], Field(max_length=MAX_LIST)] | None = None
    model_name: Name | None = None
    prompt_template_version: Name | None = None
    ai_trace_id: Name | None = None
    suggested_macros: Annotated[list[Line], Field(max_length=MAX_LIST)] | None = None
    next_questions: Annotated[list[Line], Field(max_length=MAX_LIST)] | None = None
    internal_note: Text | None = None
    summary: Text | None = None
    attachments: list[Any] | None = Field(None, json_schema_extra={"maxItems": 0}, description="Not taken yet")

    @field_validator("text")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise fault("blank", "must not be blank")
        return value

    @field_validator("attachments")
    @classmethod
    def _has_none(cls, value: list[Any] | None) -> None:
        if value:
            raise fault("attachments", "drafts with attachments are refused: approvals would not cover them")


class IntentIn(Given):
    label: Annotated[Label, Field(examples=["shipping_status"], description="One nobody knows counts as unknown")]
    confidence: Confidence


class SentimentIn(Given):
    label: Literal["positive", "neutral", "negative"]
    confidence: Confidence


class LanguageIn(Given):
    label: Annotated[LanguageTag, Field(examples=["en"], description="BCP 47")]
    confidence: Confidence


class SignalsIn(Given):
    """What you know of the message already; missing ones are computed, and none of them lowers what we find."""

    intent: IntentIn | None = None
    sentiment: SentimentIn | None = None
    language: LanguageIn | None = None


class ActionIn(Given):
    """What the reply promises. Countersign moves no money: you carry out what was approved."""

    type: Annotated[Label, Field(examples=["refund"], description="An unknown type counts as high risk")]
    amount: AmountGiven | None = Field(None, examples=["49.90"])
    currency: Currency | None = None
    irreversible: bool | None = None
    transaction_verified: bool | None = Field(
        None, description="Believed only from a key with the scope assert_transaction"
    )
    scope: Literal["single", "bulk"] | None = None


class FactIn(Given):
    label: Label
    value: Line


class SubmitterIn(Given):
    """Exactly one of the three."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    slack_user: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,50}$")] | None = None
    email: Annotated[str, Field(max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    agent: Id | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(v is not None for v in (self.slack_user, self.email, self.agent)) != 1:
            raise fault("submitter", "exactly one of slack_user, email and agent expected")
        return self


class NewCase(Given):
    """One proposed reply to one customer on one ticket."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ticket": {"id": "48213", "channel": "email", "subject": "Where is my parcel?"},
                    "customer": {"id": "cust-881", "name": "Acme Tools", "segment": "standard"},
                    "messages": [{"author": "customer", "text": "My parcel was due on Friday. Where is it?"}],
                    "draft": {"text": "Your parcel left our warehouse today.", "confidence": 0.91},
                    "signals": {"intent": {"label": "shipping_status", "confidence": 0.93}},
                }
            ]
        }
    )

    ticket: TicketIn
    customer: CustomerIn
    messages: Annotated[
        list[MessageIn],
        Field(
            min_length=1,
            max_length=MAX_MESSAGES,
            description="The conversation, oldest first, with one message by the customer at least",
            json_schema_extra={"contains": {"properties": {"author": {"const": "customer"}}, "required": ["author"]}},
        ),
    ]
    draft: DraftIn | None = None
    signals: SignalsIn | None = None
    requested_action: ActionIn | None = None
    context: Annotated[list[FactIn], Field(max_length=MAX_CONTEXT)] | None = None
    submitted_by: SubmitterIn | None = None
    cc: Annotated[list[Id], Field(max_length=MAX_CC)] | None = None
    callback_url: Url | None = Field(
        None,
        description="HTTPS; gets case.assessed, case.decided and case.updated",
        examples=["https://example.com/cs"],
    )
    deadline: Moment | None = Field(None, description="When the case expires; the draft is never sent by a time-out")
    metadata: Annotated[dict[Label, MetadataValue], Field(max_length=MAX_METADATA)] | None = None

    @field_validator("messages")
    @classmethod
    def _customer_wrote(cls, value: list[MessageIn]) -> list[MessageIn]:
        if not any(message.author == "customer" for message in value):
            raise fault("messages", "at least one message by the customer expected")
        return value


class Withdrawal(Given):
    reason: Line | None = Field(None, examples=["Solved by phone"])


class NewMessage(Given):
    """A further message by the customer: the case is superseded by a fresh one that knows it."""

    text: Text
    author: Literal["customer"] | None = None
    at: Moment | None = None
    attachments: Annotated[list[AttachmentIn], Field(max_length=MAX_LIST)] | None = None
    signals: SignalsIn | None = None


class ActionResult(Given):
    """What became of the approved action; a success of the same amount verifies the transaction."""

    status: Literal["succeeded", "failed"]
    amount: AmountGiven | None = Field(None, examples=["49.90"])
    reference: Name | None = Field(None, examples=["re_3Nf2"])


class CaseFilters(BaseModel):
    """Of `GET /v1/cases`; all that are given must hold."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    state: State | None = None
    tier: Tier | None = None
    queue: Annotated[Id | None, Field(description="The channel policy sent the case to, with or without #")] = None
    ticket_id: Id | None = None
    customer_id: Id | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[Id | None, Field(description="`next_cursor` of the page before")] = None


class Waiting(BaseModel):
    """Of `GET /v1/cases/{case_id}`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    wait: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)] = 0
