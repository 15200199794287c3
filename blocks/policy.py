"""`/approvals policy`: what is in force, what waits for sign-off, and what it would change (RI9)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from app.core.office import Office, Proposal
from blocks.kit import Json, bold, bullets, button, context, header, line, literal, moment, plain, rich
from blocks.modals import reason_form
from blocks.surface import SlackMessage, Surroundings, slack_message
from blocks.text import counted, one_line, prose

SHOWN = 12
LONGEST = 240  # characters of one line: all of them together stay under Slack's 3,000


def policy_message(
    office: Office, proposal: Proposal | None, missing: Sequence[str], around: Surroundings
) -> SlackMessage:
    """`missing` are roles that have yet to sign, or words."""
    blocks: list[Json] = [header("Policy"), rich(line(bold("In force"), literal(f" · {short(office.active)}")))]
    candidate = office.candidate
    if candidate is None or proposal is None:
        blocks.append(context(plain("The policy directory holds nothing that waits for sign-off.")))
        if office.previous:
            blocks += [
                rich(line(bold("Before that"), literal(f" · {short(office.previous)}"))),
                {"type": "actions", "elements": [back_button(office.active)]},
            ]
        return slack_message(f"Policy {short(office.active)} is in force", blocks)
    waits = [bold("Waits for sign-off"), literal(f" · {short(candidate.snapshot)} · {', '.join(candidate.files)} · ")]
    blocks.append(rich(line(*waits, moment(candidate.seen_at))))
    blocks += what_changes(proposal)
    signed = ", ".join(around.name(s.user) for s in candidate.signatures)
    said = f"{f'Signed by {signed}. ' if signed else ''}Still needed: {needed(missing, around)}."
    blocks += [context(plain(said)), {"type": "actions", "elements": deciding_buttons(candidate.snapshot)}]
    text = f"A changed policy waits for sign-off: {', '.join(candidate.files)}. {prose(said, 600)}"
    return slack_message(text, blocks)


def what_changes(proposal: Proposal) -> list[Json]:
    """The difference, and what stored cases would have done where they were tried."""
    blocks = [rich(line(bold("What changes"))), _lines(proposal.differences)]
    if (more := len(proposal.differences) - SHOWN) > 0:
        blocks.append(context(plain(f"and {counted(more, 'more change')}: countersign policy diff")))
    if proposal.figures:
        blocks += [rich(line(bold("Stored cases under it"))), _lines(proposal.figures)]
    return blocks


def _lines(texts: Sequence[str]) -> Json:
    shown = [text for text in texts if text][:SHOWN] or ["nothing that a rule reads"]
    return rich(bullets([literal(one_line(text, LONGEST))] for text in shown))


def needed(missing: Sequence[str], around: Surroundings) -> str:
    return " and ".join(around.role(role) for role in missing)


def deciding_buttons(snapshot: str) -> list[Json]:
    value = json.dumps({"s": snapshot})
    return [
        button("Sign off", "cs:policy_sign", value, style="primary"),
        button("Decline", "cs:policy_reject", value, style="danger"),
    ]


def back_button(snapshot: str) -> Json:
    return button("Roll back", "cs:policy_back", json.dumps({"s": snapshot}))


def policy_reason_view(do: str, snapshot: str, meta: Mapping[str, str]) -> Json:
    """Asks why, before a candidate is declined or the last policy is taken back."""
    title, label, yes = {
        "reject": ("Decline policy", "What should be different?", "Decline"),
        "roll_back": ("Roll back policy", "Why go back to the policy before?", "Roll back"),
    }[do]
    return reason_form(title, "cs:policy", yes, label, json.dumps({"do": do, "s": snapshot, **meta}))


def short(snapshot: str) -> str:
    return snapshot[:12] or "none"
