"""How a case ended, or is ending: the outcome, the people by name, the time, the reason."""

from __future__ import annotations

from app.core.case import Case
from blocks.kit import Json, bold, line, literal, moment, rich
from blocks.surface import Surroundings
from blocks.text import one_line, spelled
from blocks.words import CLOSED, approval_words

_HINTS = {
    "approved": "The reply waits a moment, then it is sent. Undo is in the approver's private notice.",
    "sending": "The reply is on its way to the customer.",
    "blocked": "No draft can be sent and nobody can approve; an owner of the policy has to look at it.",
    "failed": "The helpdesk did not take the reply. It is kept and can be sent again.",
    "expired": "The draft was not sent.",
    "superseded": "Approvals so far are void.",
}


def outcome_block(case: Case, around: Surroundings) -> Json:
    sign, word = CLOSED.get(case.state, ("⏳", "Received"))
    return rich(line(bold(f"{sign} {word}"), *_who(case, around)), *_lines(case))


def _who(case: Case, around: Surroundings) -> list[Json]:
    verdict = case.verdict
    if verdict is None:
        return []
    if verdict.outcome in ("auto", "notified"):
        by = "by policy, without a person"
    elif verdict.outcome in ("approved", "edited"):
        by = approval_words(case, around) or f"approved by {around.name(verdict.by)}"
    else:
        by = f"by {around.name(verdict.by)}" + (f" ({around.role(verdict.role)})" if verdict.role else "")
    return [literal(f" · {by}, "), moment(verdict.at)]


def _lines(case: Case) -> list[Json]:
    verdict = case.verdict
    said: list[str] = []
    if case.state == "superseded" and case.superseded_by:
        said.append(f"Continues as case {case.superseded_by}. Approvals so far are void.")
    elif case.state == "indeterminate":
        said.append(one_line(case.indeterminate, 600) or "Nobody can tell whether the reply arrived.")
        said.append("Look at the ticket, then say what you found.")
    elif hint := _HINTS.get(case.state):
        said.append(hint)
    if case.state == "expired" and case.holding_sent:
        said.append("The customer got the holding message.")
    if verdict and case.is_final and case.state != "sent":
        why = one_line(verdict.reason.replace("answered_elsewhere", "answered elsewhere"), 600)
        category = spelled(verdict.category)
        said.append(
            f"Reason: {category}: {why}"
            if category and why
            else f"Reason: {why or category}"
            if why or category
            else ""
        )
    if verdict and case.is_final and verdict.next_action:
        said.append(f"Next: {spelled(verdict.next_action, 80)}")
    return [line(literal(text)) for text in said if text]
