"""The buttons of a case: which ones stand on a packet, what each carries, and what has to be confirmed."""

from __future__ import annotations

import json

from app.core.case import Case, Packet
from blocks.kit import Json, button, plain
from blocks.personal import show_button
from blocks.surface import Surroundings
from blocks.text import clip
from blocks.words import (
    CHANNEL_WORDS,
    action_phrase,
    can_override,
    customer_name,
    decidable_draft,
    is_live,
    is_withheld,
    needs_confirm,
    short_hash,
    signoff_open,
)


def value(case: Case, packet: Packet | None, **more: str) -> str:
    """What a click tells the server: the case, the request hash the person saw, and the packet if it has one yet."""
    seen = packet.request_hash if packet and packet.kind == "signoff" and packet.request_hash else case.request_hash
    return json.dumps({"c": case.id, "h": seen, "p": packet.key if packet else "", **more}, separators=(",", ":"))


def confirmation(title: str, text: str, yes: str, *, danger: bool = False) -> Json:
    made: Json = {
        "title": plain(title),
        "text": plain(clip(text, 300)),
        "confirm": plain(yes),
        "deny": plain("Not yet"),
    }
    return {**made, "style": "danger"} if danger else made


def exactly_what(case: Case) -> str:
    """What a yes is a yes to, in full: the action, the text's version, who gets it and how, the hash."""
    version = case.draft.version if case.draft else 0
    reply = f"version {version} of the reply to {customer_name(case, 60)}, sent {CHANNEL_WORDS[case.ticket.channel]}"
    action = f"{action_phrase(case.action)} and " if case.action else ""
    return f"{action}{reply} (hash {short_hash(case.request_hash)})"


def history_button(case: Case, packet: Packet | None) -> Json:
    return button("View history", "cs:history", value(case, packet))


def packet_buttons(case: Case, packet: Packet, around: Surroundings) -> list[Json]:
    """Those that can do something now; View history always can."""
    history = history_button(case, packet)
    if case.state == "indeterminate" and packet.can_decide and packet.kind != "signoff":
        return [*_settle(case, packet), history]
    if packet.kind == "signoff":
        return [*_signoff(case, packet), history] if signoff_open(case, packet) else [history]
    if case.state == "expired" and packet.can_decide:
        return [button("Reopen", "cs:reopen", value(case, packet)), history]
    if not (is_live(case) or case.state == "blocked") or not packet.can_decide:
        return [history]
    withheld = button("View withheld draft", "cs:withheld", value(case, packet))
    return [
        *_decide(case, packet, around),
        _claim(case, packet),
        history,
        *([withheld] if is_withheld(case, around) else []),
        *show_button(case, value(case, packet)),
    ]


def _claim(case: Case, packet: Packet) -> Json:
    if case.claim:
        return button("Release", "cs:release", value(case, packet))
    return button("Claim", "cs:claim", value(case, packet))


def _decide(case: Case, packet: Packet, around: Surroundings) -> list[Json]:
    seen = value(case, packet)
    edit = button("Edit", "cs:edit", seen)
    reject = button("Reject", "cs:reject", seen, style="danger")
    write = button("Write reply", "cs:write", seen, style="primary")
    if packet.kind == "write_reply":
        return [write]
    # Nobody can approve a blocked case, but a person's own text brings it back (CO4).
    if case.state == "blocked" or decidable_draft(case, around) is None:
        return [write, reject]
    if case.state == "awaiting_signoff" or case.blocking:
        override = button("Override", "cs:override", seen)
        return [edit, reject, *([override] if can_override(case, around) else [])]
    confirm = None
    if needs_confirm(case):
        confirm = confirmation("Approve exactly this?", f"You approve {exactly_what(case)}.", "Approve")
    return [button("Approve", "cs:approve", seen, style="primary", confirm=confirm), edit, reject]


def _signoff(case: Case, packet: Packet) -> list[Json]:
    seen = value(case, packet)
    confirm = None
    if needs_confirm(case):
        confirm = confirmation("Sign off exactly this?", f"You sign off {exactly_what(case)}.", "Sign off")
    return [
        button("Sign off", "cs:signoff", seen, style="primary", confirm=confirm),
        button("Decline", "cs:decline", seen, style="danger"),
    ]


def _settle(case: Case, packet: Packet) -> list[Json]:
    delivery = value(case, packet, d=case.pending_reply)
    arrived = confirmation(
        "Did the customer get it?",
        "Confirm only if you saw the reply on the ticket. It will not be sent again.",
        "It arrived",
    )
    again = confirmation(
        "Send it again?",
        "Confirm only if you looked at the ticket and the reply is not there. "
        "If it did arrive, the customer gets it twice.",
        "Send again",
        danger=True,
    )
    return [
        button("It arrived", "cs:settle_sent", delivery, style="primary", confirm=arrived),
        button("Send again", "cs:settle_resend", delivery, style="danger", confirm=again),
    ]
