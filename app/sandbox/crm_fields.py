"""The ticket properties a fresh CRM knows, and how a HubSpot-like one reads their values."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime

from .model import Json

_STAMP = re.compile(r"\d{13}")


@dataclass
class Property:
    """`type` as HubSpot names it: string, number, bool, datetime, date, enumeration."""

    name: str
    type: str = "string"
    options: list[str] = field(default_factory=list)
    label: str = ""

    def as_json(self) -> Json:
        kinds = {"number": "number", "bool": "booleancheckbox", "enumeration": "select", "string": "text"}
        return {
            "name": self.name,
            "label": self.label or self.name.replace("_", " ").capitalize(),
            "type": self.type,
            "fieldType": kinds.get(self.type, "date"),
            "groupName": "ticketinformation",
            "options": [
                {"label": o, "value": o, "displayOrder": n, "hidden": False} for n, o in enumerate(self.options)
            ],
            "archived": False,
        }

    def refusal(self, value: str) -> tuple[str, str] | None:
        """(error code, message) when this string is no value of the property; an empty one clears it."""
        if value == "":
            return None
        if self.type == "number" and not _is_number(value):
            return "INVALID_NUMBER", f"{value} was not a valid number."
        if self.type == "bool" and value not in ("true", "false"):
            return "INVALID_OPTION", f"{value} was not one of the allowed options: [true, false]"
        if self.type == "enumeration" and value not in self.options:
            allowed = ", ".join(self.options)
            return "INVALID_OPTION", f"{value} was not one of the allowed options: [{allowed}]"
        if self.type == "datetime" and not (_STAMP.fullmatch(value) or _is_time(value)):
            return "INVALID_DATE", f"{value} was not a valid date time."
        if self.type == "date" and not _is_date(value):
            return "INVALID_DATE", f"{value} was not a valid date."
        return None


def _is_number(value: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", value) is not None


def _is_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


_STRINGS = (
    "subject content helpdesk_ticket_id crm_ticket_id customer_id channel intent sentiment language"
    " guardrail_types escalation_reason routed_queue resolution_code next_action ai_trace_id model_name"
    " prompt_template_version guardrail_policy_version hs_pipeline hs_pipeline_stage"
)
_TYPED = {
    "number": "intent_confidence sentiment_confidence language_confidence",
    "bool": "ai_used ai_draft_sent approval_required guardrail_triggered escalated csat_requested",
    "datetime": "approval_timestamp follow_up_due_at",
}
_CHOICES = {
    "risk_tier": "low medium high",
    "confidence_band": "high medium low",
    "ai_mode": "draft_reply macro_suggest summarize_only",
    "approval_outcome": "approved edited rejected",
    "approver_role": "agent lead specialist",
    "guardrail_action": "allowed masked blocked",
    "escalation_trigger_type": "rule guidance manual",
}


def known_properties() -> dict[str, Property]:
    made = [Property(name) for name in _STRINGS.split()]
    made += [Property(name, kind) for kind, names in _TYPED.items() for name in names.split()]
    made += [Property(name, "enumeration", options.split()) for name, options in _CHOICES.items()]
    return {one.name: one for one in made}
