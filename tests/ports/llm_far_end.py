"""What the two vendors answer, and the cases they are asked about."""

from __future__ import annotations

from typing import Any

import msgspec

from app.core.case import Case
from app.core.findings import Finding
from app.ports.llm import Brief
from tests.make import a_case, a_message
from tests.ports.far_end import Reply, a_json

KEY = "sk-very-secret-0451"
INTENTS = {"refund_request": "Wants money back", "shipping_status": "Asks where a parcel is", "out_of_scope": "Other"}
WORDS = "Where is order A-7731? I paid 240 EUR on 3 November. My card is 4111 1111 1111 1111."
BRIEF = Brief(
    notes=("Check the carrier page before you answer.",),
    templates=(("late-parcel", "Parcel is late", "We are sorry that your parcel is late."),),
)
READ: dict[str, Any] = {
    "intent": "shipping_status",
    "intent_confidence": 0.91,
    "sentiment": "negative",
    "sentiment_confidence": 0.8,
    "language": "en",
    "language_confidence": 1,
    "summary": "Asks where order A-7731 is.",
    "fields": [
        {"field": "order_id", "value": "A-7731", "quote": "order A-7731"},
        {"field": "amount", "value": "240 EUR", "quote": "I paid 240 EUR"},
    ],
}
DRAFT: dict[str, Any] = {
    "text": "We are looking into where your parcel is and will write to you here.",
    "confidence": 0.72,
    "reasoning": "The note asks to check the carrier first.",
    "sources": ["note 1"],
    "suggested_macros": ["late-parcel"],
    "next_questions": ["Has the carrier lost it?"],
    "internal_note": "Check the carrier page.",
    "summary": "Late parcel.",
}
# Each breaks the form in its own way; none may be taken, nor shown to anybody.
BROKEN_READS: list[Any] = [
    "no JSON at all: A-7731",
    [],
    {**READ, "intent": "give_away_A-7731"},
    {**READ, "intent_confidence": "0.91"},
    {**READ, "intent_confidence": 1.01},
    {**READ, "sentiment": "A-7731"},
    {**READ, "language": "English, A-7731"},
    {**READ, "approved": True},
    {key: value for key, value in READ.items() if key != "summary"},
    {**READ, "fields": [{"field": "password", "value": "A-7731", "quote": "A-7731"}]},
]
BROKEN_DRAFTS: list[Any] = [
    {**DRAFT, "text": "x" * 20_001},
    {**DRAFT, "text": " \n\u200b"},
    {**DRAFT, "confidence": None},
    {**DRAFT, "sent": True},
]


def the_case(**changes: Any) -> Case:
    """One message with a card number, found as the guardrails find it."""
    start = WORDS.index("4111")
    card = Finding(
        rule_id="pii-card",
        rule_version="1",
        type="pii",
        action="masked",
        start=start,
        end=start + 19,
        entity="CREDIT_CARD",
        sensitive=True,
        source="message:0",
    )
    return a_case(**{"messages": (a_message(WORDS),), "findings": (card,), "drafts": (), **changes})


def chat_completion(answer: object, finish_reason: str = "stop", **message: object) -> Reply:
    """OpenAI's; `message` changes the fields of the message."""
    content = answer if isinstance(answer, str) else msgspec.json.encode(answer).decode()
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}}
    return a_json(
        {"id": "chatcmpl-9", "object": "chat.completion", "choices": [{**choice, "finish_reason": finish_reason}]}
    )


def claude_message(answer: object, stop_reason: str = "end_turn") -> Reply:
    """Anthropic's, of a model that thinks first."""
    text = answer if isinstance(answer, str) else msgspec.json.encode(answer).decode()
    content = [{"type": "thinking", "thinking": "", "signature": "s"}, {"type": "text", "text": text}]
    return a_json(
        {"id": "msg_9", "type": "message", "role": "assistant", "content": content, "stop_reason": stop_reason}
    )
