"""Policy in Slack: what waits for sign-off, and the owners' word on it (RI9)."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack

from app.core.errors import Refused
from app.core.office import DecidePolicy, Office
from app.edges.listeners.forms import hidden_fields
from app.edges.listeners.shared import Desk, Payload, Target, place_of, user_of
from blocks.policy import policy_message, policy_reason_view, short
from blocks.surface import SlackMessage

_OPENS = {"cs:policy_reject": "reject", "cs:policy_back": "roll_back"}


class PolicyDesk:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def message(self) -> SlackMessage:
        engine = self.desk.engine
        office = engine.office()
        candidate = office.candidate
        proposal = engine.proposal(office.active, candidate.snapshot) if candidate else None
        missing = engine.missing(candidate) if candidate else ()
        return policy_message(office, proposal, missing, self.desk.surroundings())

    # --- buttons and forms ---------------------------------------------------------------------------------------

    def click(self, body: Payload, action: Payload) -> None:
        user, where = user_of(body), Target(case_id="", **place_of(body))
        self.desk.get_to_know(user)
        snapshot = _snapshot_in(action.get("value"))
        action_id = str(action.get("action_id"))
        if (do := _OPENS.get(action_id)) is not None:
            view = policy_reason_view(do, snapshot, {"ch": where.channel, "ru": where.response_url})
            trigger = str(body.get("trigger_id") or "")
            self.desk.open_form(user, where, trigger, lambda: view)
            return
        try:
            office = self.desk.engine.decide_policy(DecidePolicy(user=user, snapshot=snapshot, do="sign"))
        except Refused as refusal:
            self.desk.whisper(user, where, refusal.sentence)
        else:
            self.desk.whisper(user, where, _outcome(office, snapshot))

    def submit(self, ack: Ack, body: Payload, reason: str) -> None:
        """The reason's form came back; a refusal stands at its field."""
        view = body["view"]
        meta = hidden_fields(view.get("private_metadata"))
        user = user_of(body)
        do: Any = "roll_back" if meta.get("do") == "roll_back" else "reject"
        command = DecidePolicy(user=user, snapshot=meta.get("s", ""), do=do, reason=reason)
        try:
            office = self.desk.engine.decide_policy(command)
        except Refused as refusal:
            ack(response_action="errors", errors={"reason": refusal.sentence})
            return
        ack()
        where = Target(case_id="", channel=meta.get("ch", ""), response_url=meta.get("ru", ""))
        self.desk.whisper(user, where, _outcome(office, meta.get("s", ""), do))


def _outcome(office: Office, snapshot: str, do: str = "sign") -> str:
    if do == "reject":
        return f"Declined. Policy {short(office.active)} stays in force."
    if do == "roll_back":
        return f"Rolled back. Policy {short(office.active)} is in force for new cases."
    if office.active == snapshot:
        return f"Signed. Policy {short(snapshot)} is in force for new cases; open ones keep theirs."
    return "Your signature is recorded. It comes into force once everybody needed has signed."


def _snapshot_in(value: object) -> str:
    return hidden_fields(value).get("s", "")[:64]
