"""Submitted modals. What was typed is never lost: an error stands at its field, any other refusal shows the text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_bolt import Ack

from app.core.assessment import TIERS
from app.core.case import Case
from app.core.errors import Refused
from app.core.messages import (
    Approve,
    Decline,
    Edit,
    OverrideGuardrail,
    PersonCommand,
    Reassess,
    Reject,
    WithdrawByPerson,
    WriteReply,
)
from app.edges.listeners.forms import Values, chosen, element, typed, values_of
from app.edges.listeners.home import Home
from app.edges.listeners.policy import PolicyDesk
from app.edges.listeners.shared import (
    Desk,
    NotStored,
    Payload,
    Target,
    click_of,
    overridden_sentence,
    read_target,
    reassessed_sentence,
    user_of,
)
from app.edges.listeners.submissions import NEW, Submissions
from blocks.modals import message_view, text_from_view

# refusal code → prefix of the input block it belongs to
FIELD_OF: Mapping[str, str] = {
    "guardrail": "text",
    "empty_text": "text",
    "too_long": "text",
    "unchanged": "text",
    "must_edit": "text",
    "checklist": "checklist",
    "reason_missing": "reason",
    "unknown_intent": "intent",
    "nothing_said": "intent",
    "as_it_is": "tier",
    "rules_stand": "tier",
    "lowering": "tier",
}


class Views:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def __call__(self, ack: Ack, body: dict[str, Any]) -> None:
        view = body.get("view") or {}
        values = values_of(view)
        if view.get("callback_id") == "cs:policy":
            PolicyDesk(self.desk).submit(ack, body, typed(values, "reason"))
            return
        if view.get("callback_id") == NEW:
            Submissions(self.desk).submit(ack, body)
            return
        target = read_target(view.get("private_metadata"))
        if target is None:
            ack(response_action="update", view=message_view("Not done", "This form is from an older version."))
            return
        user = user_of(body)
        self.desk.get_to_know(user)
        try:
            command = self._command(body, str(view.get("callback_id")), target, user, values)
            case = self.desk.do(command)
        except Refused as refusal:
            self._refuse(ack, values, refusal)
        except NotStored as fault:
            ack(response_action="update", view=message_view("Please check", str(fault), text_from_view(values)))
        else:
            ack()
            self.desk.tell_done(user, target, case, self._came_to(case, command))
            if target.home:
                Home(self.desk).show(user)

    def _came_to(self, case: Case, command: PersonCommand) -> str:
        """Where the case's state alone does not tell."""
        match command:
            case Reassess():
                return reassessed_sentence(case, self.desk.around(case))
            case OverrideGuardrail():
                return overridden_sentence(case)
            case _:
                return ""

    def _command(self, body: Payload, callback: str, target: Target, user: str, values: Values) -> PersonCommand:
        common: dict[str, Any] = {
            "case_id": target.case_id,
            "user": user,
            "seen": target.seen,
            "click": click_of({**body, "channel": {"id": target.channel}, "message": {"ts": target.ts}}),
        }
        case = self.desk.case(target.case_id)
        ticked = _ticked(values, case)
        has_text = any(block.startswith("text") for block in values)
        match callback:
            case "cs:approve" if not has_text:
                return Approve(**common, checklist=ticked)
            case "cs:approve" | "cs:edit":
                return Edit(**common, text=text_from_view(values), checklist=ticked)
            case "cs:write":
                return WriteReply(**common, text=text_from_view(values), checklist=ticked)
            case "cs:reject":
                then = chosen(values, "then")
                return Reject(
                    **common,
                    category=chosen(values, "category"),
                    text=typed(values, "reason"),
                    then=then if then in ("redraft", "write") else "hand_back",  # type: ignore[arg-type]
                )
            case "cs:override":
                return OverrideGuardrail(**common, reason=typed(values, "reason"))
            case "cs:reassess":
                tier = next((tier for tier in TIERS if tier == chosen(values, "tier")), None)
                reason = typed(values, "reason")
                return Reassess(**common, intent=chosen(values, "intent"), tier=tier, reason=reason)
            case "cs:withdraw":
                return WithdrawByPerson(**common, reason=typed(values, "reason"))
            case "cs:decline":
                return Decline(**common, reason=typed(values, "reason"))
            case _:
                raise Refused("unknown_form", "This form is from an older version; open it again from the packet.")

    def _refuse(self, ack: Ack, values: Values, refusal: Refused) -> None:
        prefix = FIELD_OF.get(refusal.code)
        block = next((b for b in values if prefix and b.startswith(prefix)), None)
        if block is not None:
            ack(response_action="errors", errors={block: refusal.sentence[:2_000]})
            return
        kept = text_from_view(values) or typed(values, "reason")
        ack(response_action="update", view=message_view("Not done", refusal.sentence, kept))


def _ticked(values: Values, case: Case | None) -> tuple[str, ...]:
    """Checkbox values are positions in the case's own checklist."""
    items = case.assessment.checklist if case and case.assessment else ()
    chosen = element(values, "checklist").get("selected_options") or ()
    positions = {str(option.get("value")) for option in chosen}
    return tuple(item for position, item in enumerate(items) if str(position) in positions)
