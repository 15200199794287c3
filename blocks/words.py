"""What a case is about, what is asked of people and how it stands, in a few words."""

from __future__ import annotations

from datetime import datetime

from app.core.case import Action, Approval, Case, Draft, Packet
from app.core.stages import needed, open_roles, roles_at
from blocks.surface import Surroundings
from blocks.text import article, money, one_line, spelled, utc

# Word and sign for each state in which people are no longer asked; the word alone says it all.
CLOSED = {
    "approved": ("✔", "Approved"),
    "sending": ("✉", "Approved, being sent"),
    "sent": ("✔", "Sent"),
    "rejected": ("✖", "Rejected"),
    "superseded": ("↻", "Superseded"),
    "expired": ("⌛", "Expired"),
    "withdrawn": ("↩", "Withdrawn"),
    "blocked": ("⊘", "Blocked"),
    "failed": ("⚠", "Not delivered"),
    "indeterminate": ("⚠", "Delivery unclear"),
}
TIER_WORDS = {"low": "Low", "medium": "Medium", "high": "High"}
CHANNEL_WORDS = {
    "email": "by e-mail",
    "chat": "in chat",
    "web": "on the web",
    "phone": "by phone",
    "social": "on social media",
    "other": "on another channel",
}


def is_live(case: Case) -> bool:
    return case.state in ("pending", "awaiting_signoff")


def is_withheld(case: Case, around: Surroundings) -> bool:
    """AI text that must not be shown beside a button: policy keeps it back, or AI replies are paused."""
    draft = case.draft
    if draft is None or draft.author != "ai":
        return False
    return case.withheld or (around.paused and is_live(case))


def shown_draft(case: Case, around: Surroundings) -> Draft | None:
    return None if is_withheld(case, around) else case.draft


def decidable_draft(case: Case, around: Surroundings) -> Draft | None:
    """The text that people may approve or edit as it stands."""
    return None if is_withheld(case, around) else case.sendable_draft


def needs_confirm(case: Case) -> bool:
    assessment = case.assessed
    return assessment.confirm or assessment.tier == "high" or bool(case.action and case.action.irreversible)


def customer_name(case: Case, limit: int = 60) -> str:
    customer = case.customer
    return one_line(customer.name, limit) or one_line(customer.id, limit) or "customer"


def case_and_ticket(case: Case) -> str:
    return f"case {case.id} · ticket {one_line(case.ticket.id, 200)}"


def action_phrase(action: Action) -> str:
    """`a refund of 240 EUR`; an amount nobody could read stands as it came."""
    kind = spelled(action.type, 40) or "action"
    phrase = f"bulk {kind}" if action.scope == "bulk" else article(kind)
    if action.amount is not None:
        return f"{phrase} of {money(action.amount, action.currency)}"
    if action.amount_text:
        return f"{phrase} of “{one_line(action.amount_text, 30)}” (amount unclear)"
    return phrase


def topic(case: Case) -> str:
    if case.action:
        return action_phrase(case.action)
    intent = case.intent
    return f"a reply about {spelled(intent.label, 40)}" if intent else "a reply"


def steps(case: Case) -> tuple[int, int]:
    """(approvals given, approvals needed in all)."""
    return len(case.approvals), sum(needed(stage) for stage in case.assessed.stages)


def waiting_for(case: Case, around: Surroundings) -> str:
    """Titles of the roles whose approval is missing now."""
    roles = open_roles(case, case.stage) or roles_at(case, case.stage)
    stage = case.current_stage
    joint = " and " if stage and stage.mode in ("each", "all_of") else " or "
    return joint.join(around.role(role) for role in roles[:6])


def ask(case: Case, packet: Packet, around: Surroundings) -> str:
    """What this packet asks of whoever reads it, without the customer."""
    about = topic(case)
    reply = f"write a reply about {about}" if case.action else f"write {about}"
    if packet.kind == "signoff":
        return f"sign-off for {about}"
    if not packet.can_decide:
        return f"for your information, {about}"
    if packet.kind == "write_reply" and case.state == "pending":
        return reply
    if case.state == "awaiting_signoff":
        return f"waiting for sign-off on {about}"
    if decidable_draft(case, around) is None:
        return reply
    given, total = steps(case)
    if total > 1:
        return f"approval {min(given + 1, total)} of {total} for {about}"
    if must_edit(case):
        return f"edit and approve {about}"
    return f"approve {about}"


def can_override(case: Case, around: Surroundings) -> bool:
    """Every guardrail that blocks the text names a role that may lift it (GU3)."""
    shown = case.state == "pending" and decidable_draft(case, around) is not None
    return shown and bool(case.blocking) and all(f.overridable_by for f in case.blocking)


def must_edit(case: Case) -> bool:
    """A person's own text has been edited enough."""
    return case.assessed.must_edit and bool(case.draft and case.draft.author == "ai")


def headline(case: Case, packet: Packet, around: Surroundings) -> str:
    tier = TIER_WORDS[case.assessed.tier]
    if is_live(case) and not (packet.kind == "signoff" and not signoff_open(case, packet)):
        escalated = "escalated, " if packet.can_decide and was_escalated(case, packet) else ""
        asked = f"{escalated}{ask(case, packet, around)}"
    elif packet.kind == "signoff" and is_live(case):
        asked = f"sign-off closed, {topic(case)}"
    else:
        asked = f"{CLOSED.get(case.state, ('', 'Received'))[1].lower()}, {topic(case)}"
    return one_line(f"{tier}: {one_line(asked, 105)}, {customer_name(case, 36)}", 150)


def was_escalated(case: Case, packet: Packet) -> bool:
    """Not where the packet was only posted for a sign-off that policy asks for anyway."""
    return packet.kind == "escalation" and any(e.to_role == packet.role for e in case.escalations)


def signoff_open(case: Case, packet: Packet) -> bool:
    """A sign-off request stands for one text at one step; anything else closes it."""
    return packet.can_decide and case.state == "awaiting_signoff" and packet.request_hash == case.request_hash


def draft_author(draft: Draft, around: Surroundings) -> str:
    if draft.author == "ai":
        return "AI draft"
    return f"written by {around.name(draft.author_id)}" if draft.author_id else "written by a person"


def short_hash(request_hash: str) -> str:
    return request_hash[:12]


def approval_words(case: Case, around: Surroundings) -> str:
    """`approved by Ana Ruiz (Support agent), signed off by Hana Sato (Billing)`."""
    verbs = {"approve": "approved", "edit": "edited and approved", "write": "written", "sign_off": "signed off"}
    return ", ".join(f"{verbs[a.kind]} by {approver(a, around)}" for a in case.approvals[-10:])


def approver(approval: Approval, around: Surroundings) -> str:
    """`Ana Ruiz (Support agents)`, and for whom where they acted for somebody."""
    instead = f", for {around.name(approval.instead_of)}" if approval.instead_of else ""
    return f"{around.name(approval.user)} ({around.role(approval.role)}{instead})"


def due_at(case: Case) -> datetime | None:
    return next((t.due_at for t in case.timers if t.kind == "expire"), case.deadline)


def due_words(case: Case) -> str:
    due = due_at(case)
    return f"due {utc(due)}" if due else ""
