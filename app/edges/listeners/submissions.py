"""A reply of a person's own, for others to approve (SL14): its form, and the case that it becomes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace
from pydantic import ValidationError
from slack_bolt import Ack

from app.core.case import Case
from app.core.errors import Refused
from app.core.messages import ReceiveCase
from app.edges.body import content_digest, parse_object
from app.edges.ids import new_case_id
from app.edges.intake_commands import receive_case
from app.edges.intake_models import NewCase
from app.edges.keys import ApiKey
from app.edges.listeners.forms import Values, chosen, hidden_fields, typed, values_of
from app.edges.listeners.home import Home
from app.edges.listeners.shared import Desk, NotStored, Payload, Target, click_of, place_of, user_of
from app.edges.problems import Problem, invalid_body
from app.edges.understanding import complete
from app.engine import Remember
from blocks.modals import NOTHING, new_reply_view, text_from_view
from blocks.surface import Surroundings

NEW = "cs:new"
MORE_ROOM = "cs:more_room"
# field of a case → input block of the form; what belongs to none stands at the first
FIELDS: Mapping[tuple[str | int, ...], str] = {
    ("ticket", "id"): "ticket",
    ("ticket", "url"): "url",
    ("ticket", "channel"): "channel",
    ("customer", "id"): "customer",
    ("customer", "name"): "name",
    ("customer", "segment"): "segment",
    ("messages", 0, "text"): "message",
    ("draft", "text"): "text",
    ("requested_action", "type"): "action",
    ("requested_action", "amount"): "amount",
    ("requested_action", "currency"): "currency",
}
FIRST = "ticket"
FIELD_OF: Mapping[str, str] = {
    "guardrail": "text",
    "empty_text": "text",
    "too_long": "text",
    "ai_text": "text",
    "other_customer": "customer",
}
# Where the API's words for the mistake would not help a person.
SENTENCES: Mapping[str, str] = {"currency": "Three letters, such as EUR."}
_NO_KEY = ApiKey(name="", scopes=frozenset())
_STORED_ALREADY = "This form was handed in already with other words; /approvals new opens another one."


class Wrong(Exception):
    """What has to be mended in the form: sentences by input block."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = dict(errors)


class Submissions:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def shortcut(self, ack: Ack, body: dict[str, Any]) -> None:
        self.open(body, Target(case_id="", **place_of(body)))
        ack()

    def open(self, body: Payload, where: Target) -> None:
        user, trigger = user_of(body), str(body.get("trigger_id") or "")
        self.desk.get_to_know(user)
        if not self.desk.engine.people().find(user).may_decide:
            self.desk.whisper(user, where, "Guests, bots and deactivated accounts cannot submit a reply.")
            return
        meta = {"ch": where.channel, "ru": where.response_url, "hm": where.home}
        view = self._form(json.dumps(meta, separators=(",", ":")))
        self.desk.open_form(user, where, trigger, lambda: view)

    def more_room(self, body: Payload) -> None:
        """The same form with one more input for the text; Slack keeps what was typed under the ids it knows."""
        view = body["view"]
        parts = sum(str(block.get("block_id") or "").startswith("text") for block in view.get("blocks") or ())
        longer = self._form(str(view.get("private_metadata") or ""), parts + 1)
        self.desk.later(lambda: self.desk.slack.update_view(str(view["id"]), longer))

    def submit(self, ack: Ack, body: Payload) -> None:
        """The form stays open, with what was typed, until its case is stored."""
        view, user = body["view"], user_of(body)
        self.desk.get_to_know(user)
        try:
            case = self._store(body, str(view.get("id") or ""), user, values_of(view))
        except Wrong as wrong:
            ack(response_action="errors", errors=wrong.errors)
        except Refused as refusal:
            sentence = _STORED_ALREADY if refusal.code == "idempotency_conflict" else refusal.sentence
            ack(response_action="errors", errors={FIELD_OF.get(refusal.code, FIRST): sentence[:2_000]})
        except NotStored as fault:
            ack(response_action="errors", errors={FIRST: f"{fault} Submitting this form again makes no second case."})
        else:
            ack()
            meta = hidden_fields(view.get("private_metadata"))
            where = Target(case_id=case.id, channel=meta.get("ch", ""), response_url=meta.get("ru", ""))
            self.desk.whisper(user, where, submitted_sentence(case, self.desk.around(case)))
            if meta.get("hm"):
                Home(self.desk).show(user)

    def _form(self, metadata: str, parts: int = 1) -> dict[str, Any]:
        return new_reply_view(list(self.desk.engine.policy.risk.actions), metadata, parts=parts)

    def _store(self, body: Payload, view_id: str, user: str, values: Values) -> Case:
        given, digest = read_form(values, user)
        command: ReceiveCase = replace(
            receive_case(given, new_case_id(), _NO_KEY), by=f"slack:{user}", click=click_of(body)
        )
        if (reader := self.desk.understanding()) is not None:
            command = complete(command, reader)  # type: ignore[assignment]
        # Slack may deliver a form twice; no key of an integration begins with a colon
        remember = Remember(key=f":view:{view_id}", digest=digest, answer=lambda case: case.id.encode())
        handled = self.desk.handle(command, remember)
        case = handled.case or self.desk.case((handled.replayed or b"").decode())
        if case is None:
            raise NotStored(NotStored.sentence)
        return case


def read_form(values: Values, user: str) -> tuple[NewCase, str]:
    """The case that the form describes, checked like one from outside, and its digest. Raises Wrong."""
    raw = _as_sent(values, user)
    try:
        body = parse_object(json.dumps(raw).encode())
        given = NewCase.model_validate(body)
    except Problem as problem:
        raise Wrong(_sentences(problem)) from None
    except ValidationError as error:
        raise Wrong(_sentences(invalid_body(error))) from None
    if errors := _incomplete(given, values):
        raise Wrong(errors)
    return given, content_digest(body)


def _as_sent(values: Values, user: str) -> dict[str, Any]:
    """As `POST /v1/cases` takes it. What is one line loses the spaces around it; the texts stay as they are."""
    kind = chosen(values, "action")
    segment = chosen(values, "segment")
    promised = {"type": kind, "amount": _line(values, "amount"), "currency": _line(values, "currency")}
    return {
        "ticket": {
            "id": _line(values, "ticket") or "",
            "url": _line(values, "url"),
            "channel": chosen(values, "channel") or None,
        },
        "customer": {
            "id": _line(values, "customer") or "",
            "name": _line(values, "name"),
            "segment": segment if segment != NOTHING else None,
        },
        "messages": [{"author": "customer", "text": typed(values, "message")}],
        "draft": {"author": "human", "text": text_from_view(values)},
        "requested_action": promised if kind not in ("", NOTHING) else None,
        "submitted_by": {"slack_user": user},
    }


def _line(values: Values, block: str) -> str | None:
    return typed(values, block).strip() or None


def _incomplete(given: NewCase, values: Values) -> dict[str, str]:
    """What an integration may leave open, since a person looks at it, and who fills in a form can simply say."""
    errors = {}
    if not given.messages[0].text.strip():
        errors["message"] = "Copy what the customer wrote, so that others can judge your reply."
    action = given.requested_action
    if action is None:
        if _line(values, "amount") or _line(values, "currency"):
            errors["action"] = "Choose what the amount is for, or leave amount and currency empty."
    elif action.amount is not None and action.amount.value is None:
        errors["amount"] = "Write the amount in digits, such as 49.90."
    elif action.amount is not None and not action.currency:
        errors["currency"] = "Which currency? Three letters, such as EUR."
    return errors


def _sentences(problem: Problem) -> dict[str, str]:
    found: dict[str, str] = {}
    for error in problem.errors:
        block = FIELDS.get(error.at, FIRST)
        found.setdefault(block, SENTENCES.get(block) or f"{error.detail[:1].upper()}{error.detail[1:]}.")
    return found or {FIRST: problem.detail or "This form cannot be read."}


def submitted_sentence(case: Case, around: Surroundings) -> str:
    role = around.role(case.assessed.route.role)
    if case.state == "blocked":
        return f"Stored as case {case.id}, but there is nobody in {role} who could decide on it: tell a policy owner."
    return (
        f"Your reply waits for approval as case {case.id}, asked of {role} in #{case.assessed.route.channel}. "
        "You cannot approve it yourself. You are told what becomes of it."
    )
