"""Buttons."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace
from slack_bolt import Ack

from app.core.case import Case
from app.core.errors import Refused
from app.core.messages import (
    Approve,
    ClaimCase,
    RecordView,
    ReleaseCase,
    Reopen,
    SettleDelivery,
    SignOff,
    Undo,
)
from app.edges.listeners.delegating import DelegationDesk
from app.edges.listeners.home import Home
from app.edges.listeners.policy import PolicyDesk
from app.edges.listeners.shared import (
    Desk,
    NotStored,
    Payload,
    Target,
    click_of,
    packet_of,
    place_of,
    read_target,
    user_of,
)
from app.edges.listeners.stuck import StuckDesk
from app.edges.listeners.submissions import MORE_ROOM, NEW, Submissions
from app.edges.listeners.unfolding import Unfolding
from blocks.history import history_view
from blocks.modals import (
    approve_view,
    decline_view,
    edit_view,
    override_view,
    reassess_view,
    reject_view,
    withdraw_view,
    withheld_view,
    write_view,
)
from blocks.personal import personal_view
from db.log import LoggedEvent

# action id → the view it opens
VIEWS: Mapping[str, str] = {
    "cs:edit": "edit",
    "cs:reject": "reject",
    "cs:write": "write",
    "cs:decline": "decline",
    "cs:override": "override",
    "cs:reassess": "reassess",
    "cs:withdraw": "withdraw",
    "cs:history": "history",
    "cs:withheld": "withheld_draft",
    "cs:pii": "pii",
}
MODALS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "approve": approve_view,
    "edit": edit_view,
    "reject": reject_view,
    "write": write_view,
    "decline": decline_view,
    "override": override_view,
    "reassess": reassess_view,
    "withdraw": withdraw_view,
}
CLAIMS = ("cs:claim", "cs:release")
# What was done, where the case's state alone does not tell.
DONE: Mapping[str, str] = {
    "cs:undo": "Taken back. The case waits for a decision again; nothing was sent.",
    "cs:reopen": "Reopened. The case waits for a decision again; the draft was not sent.",
    "cs:settle_sent": "Recorded. The reply counts as sent.",
    "cs:settle_resend": "Recorded. The reply is sent again.",
}
MOST_HISTORY = 200
REVISED = re.compile(r"text\w*~\d{1,6}")


class Actions:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def __call__(self, ack: Ack, body: dict[str, Any]) -> None:
        action = (body.get("actions") or [{}])[0]
        action_id = str(action.get("action_id") or "")
        if action_id == "cs:open":  # a link button: Slack opens it by itself and tells us
            ack()
            return
        if action_id.startswith("cs:policy_"):
            PolicyDesk(self.desk).click(body, action)
            ack()
            return
        if action_id == NEW:
            Submissions(self.desk).open(body, Target(case_id="", **place_of(body)))
            ack()
            return
        if action_id == MORE_ROOM:
            Submissions(self.desk).more_room(body)
            ack()
            return
        if action_id == "cs:delegation_end":
            DelegationDesk(self.desk).end(body, action)
            ack()
            return
        if body.get("view") is not None and str(action.get("block_id") or "").startswith("template"):
            self._fill_in(body, action)
            ack()
            return
        target = read_target(action.get("value"))
        if action_id.startswith("cs:") and target is not None:
            self._click(body, action_id, replace(target, **place_of(body)))
        elif body.get("view") is None and action.get("type") == "button" and not action.get("url"):
            nowhere = Target(case_id="", **place_of(body))
            self.desk.whisper(user_of(body), nowhere, "This button is not one that Countersign knows any more.")
        ack()

    def _click(self, body: Payload, action_id: str, target: Target) -> None:
        user = user_of(body)
        self.desk.get_to_know(user)
        try:
            if action_id in VIEWS:
                self._open(body, target, user, VIEWS[action_id])
            elif action_id == "cs:approve":
                self._approve(body, target, user)
            elif action_id == "cs:unfold":
                Unfolding(self.desk).open(body, target, user)
            elif action_id == "cs:redrive":
                StuckDesk(self.desk).again(body, target, user)
            else:
                self._decide(body, target, user, action_id)
        except Refused as refusal:
            self.desk.tell_refused(user, target, refusal.sentence)
        except NotStored as fault:
            self.desk.tell_refused(user, target, str(fault))
        if target.home:
            Home(self.desk).show(user)

    def _fill_in(self, body: Payload, action: Payload) -> None:
        """A template was picked in a modal: its text takes the place of what stood there."""
        view = body["view"]
        target = read_target(view.get("private_metadata"))
        make = {"cs:edit": edit_view, "cs:approve": edit_view, "cs:write": write_view}.get(str(view.get("callback_id")))
        case = self.desk.case(target.case_id) if target else None
        if target is None or make is None or case is None:
            return
        around = self.desk.around(case)
        picked = str((action.get("selected_option") or {}).get("value") or "")
        text = next((text for template, _, text in around.templates if template == picked), None)
        packet = packet_of(case, target)
        if text is None or packet is None:
            return
        blocks = [str(b.get("block_id") or "") for b in view.get("blocks") or ()]
        revision = 1 + max((int(b.rpartition("~")[2]) for b in blocks if REVISED.fullmatch(b)), default=0)
        filled = make(case, packet, target.meta(), around, text=text, revision=revision)
        self.desk.later(lambda: self.desk.slack.update_view(str(view["id"]), filled))

    def _decide(self, body: Payload, target: Target, user: str, action_id: str) -> None:
        common: dict[str, Any] = {"case_id": target.case_id, "user": user, "seen": target.seen, "click": click_of(body)}
        match action_id:
            case "cs:signoff":
                case = self.desk.do(SignOff(**common, packet=target.packet))
            case "cs:undo":
                case = self.desk.do(Undo(**common))
            case "cs:reopen":
                case = self.desk.do(Reopen(**common))
            case "cs:settle_sent" | "cs:settle_resend":
                arrived = action_id == "cs:settle_sent"
                case = self.desk.do(SettleDelivery(**common, delivery=target.delivery, arrived=arrived))
            case "cs:claim":
                case = self.desk.do(ClaimCase(**common))
            case "cs:release":
                case = self.desk.do(ReleaseCase(**common))
            case _:
                raise Refused("unknown_button", "This button is not one that Countersign knows any more.")
        if action_id in CLAIMS:
            self.desk.tell_claim(user, target, case)
        else:
            self.desk.tell_done(user, target, case, DONE.get(action_id, ""))

    def _approve(self, body: Payload, target: Target, user: str) -> None:
        """One click where that is all policy asks; else the modal with the checklist (SL6)."""
        case = self.desk.case(target.case_id)
        if case is not None and case.assessment and (case.assessment.checklist or case.assessment.must_edit):
            self._open(body, target, user, "approve")
            return
        approve = Approve(case_id=target.case_id, user=user, seen=target.seen, click=click_of(body))
        self.desk.tell_done(user, target, self.desk.do(approve))

    def _open(self, body: Payload, target: Target, user: str, what: Any) -> None:
        """Refused here where doing it would be refused: nobody fills in a form for nothing."""
        view = RecordView(case_id=target.case_id, user=user, seen=target.seen, click=click_of(body), what=what)
        case = self.desk.do(view)
        trigger = str(body.get("trigger_id") or "")
        self.desk.open_form(user, target, trigger, lambda: self._view(case, target, what))

    def _view(self, case: Case, target: Target, what: str) -> dict[str, Any]:
        around = self.desk.around(case)
        if what == "history":
            with self.desk.engine.store.reading() as reader:
                entries = [_entry(event) for event in reader.events(case.id)[-MOST_HISTORY:]]
            return history_view(case, entries, around)
        if what == "withheld_draft":
            return withheld_view(case)
        if what == "pii":
            return personal_view(case)
        return MODALS[what](case, packet_of(case, target), target.meta(), around)


def _entry(event: LoggedEvent) -> dict[str, Any]:
    content = event.content
    return {"type": event.type, "actor": event.actor, "at": event.at, "reason": content.reason, "data": content.data}
