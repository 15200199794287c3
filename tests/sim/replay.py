"""The log told once more from its beginning: it has to end where the case is (AU1)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app.core.case import Case
from db.log import LoggedEvent
from tests.sim.book import Violation

# What an event says by itself about where its case is from then on.
LEADS_TO = {
    "CaseReceived": "asked",
    "CaseReopened": "asked",
    "Rejected": "asked",
    "Declined": "asked",
    "Undone": "asked",
    "DraftSubmitted": "asked",
    "Edited": "asked",
    "ReplyWritten": "asked",
    "ReplyReleased": "sending",
    "ReplySent": "sent",
    "CaseExpired": "expired",
    "CaseSuperseded": "superseded",
    "CaseWithdrawn": "withdrawn",
}
ASKED = ("pending", "awaiting_signoff", "blocked", "approved")


class Told(msgspec.Struct, kw_only=True):
    """A case as its events tell it."""

    state: str = ""
    reply: str = ""  # the delivery by which the approved text goes out
    version: int = 0
    fired: set[str] = set()
    holding: bool = False
    claimed: bool = False
    overrides: int = 0
    reopened: bool = False
    verified: bool = False


def retell(events: Sequence[LoggedEvent], first_version: int) -> Told:
    """`first_version` is that of the draft the case came with: 0 where it had none."""
    told = Told(version=first_version)
    for event in events:
        _listen(told, event)
    return told


def _listen(told: Told, event: LoggedEvent) -> None:
    data = event.content.data
    told.state = LEADS_TO.get(event.type, told.state)
    of_reply = bool(told.reply) and data.get("delivery") == told.reply
    match event.type:
        case "CaseReopened":
            told.fired = set()
        case "Rejected" if data["then"] == "hand_back":
            told.state = "rejected"
        case "DraftSubmitted" | "Edited" | "ReplyWritten":
            told.version = int(data["draft_version"])
        case "ReplyReleased":
            told.reply = str(data["delivery"])
        case "ReplySent" if event.content.reason:
            told.state = "late"  # the case had moved on already
        case "DeliveryFailed" if of_reply and told.state == "sending":
            told.state = "failed"
        case "DeliveryIndeterminate" if of_reply and told.state in ("sending", "failed", "indeterminate"):
            told.state = "indeterminate"
        case "DeliverySettled":
            told.state = "sent" if data["arrived"] else "sending"
        case "DeliveryRedriven" if of_reply:
            told.state = "sending"
        case "DeliveryHeld" if of_reply and told.state in ("sending", "failed"):
            told.state = "asked"
        case "DeliveryHeld" if "delivery" not in data:
            told.state = "asked"
        case "TimerFired" if not str(data["timer"]).startswith(("claim:", "role:")):
            told.fired.add(str(data["timer"]))
        case "HoldingSent":
            told.holding = True
        case "CaseClaimed":
            told.claimed = True
        case "CaseReleased":
            told.claimed = False
        case "GuardrailOverridden":
            told.overrides += 1
        case "ActionResultReported":
            told.verified |= bool(data["verified"])


def check_story(case: Case, events: Sequence[LoggedEvent]) -> None:
    """Raises Violation with the first thing of which the log and the case do not say the same."""
    told = retell(events, case.drafts[0].version if case.drafts and case.drafts[0].author_id == "" else 0)
    state = "asked" if case.state in ASKED else case.state
    # once the holding message is out, a reopened case counts its rung as fired: by itself or by the expiry
    spent = {"rung:holding"} if told.holding else set()
    verified = bool(case.action and case.action.transaction_verified)
    pairs = (
        ("state", told.state, state),
        ("draft version", told.version, case.draft.version if case.draft else 0),
        ("timers that fired", sorted(told.fired - spent), sorted(set(case.fired) - spent)),
        ("holding message", told.holding, case.holding_sent),
        ("claim", told.claimed, case.claim is not None),
        ("overrides", told.overrides, len(case.overrides)),
        # a case that took another one's place starts with what was known of the action
        ("verified action", told.verified or verified, verified),
    )
    for name, log, row in pairs:
        if log != row and not (name == "state" and log == "late" and row in ("withdrawn", "superseded", "rejected")):
            raise Violation(f"Case {case.id}: by its log the {name} is {log!r}, by its row {row!r}.")
