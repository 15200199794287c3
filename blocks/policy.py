"""`/approvals policy`: what is in force, what waits for sign-off, and what it would change (RI9)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import msgspec

from app.core.office import Office
from blocks.kit import Json, bold, bullets, button, context, header, line, literal, moment, plain, rich
from blocks.modals import reason_form
from blocks.surface import SlackMessage, Surroundings, slack_message
from blocks.text import counted, one_line, spelled

SHOWN = 12


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate as its owners judge it: what differs, what stored cases would have done, who has yet to sign."""

    differences: Sequence[str]
    figures: Sequence[str]
    missing: Sequence[str]


def policy_message(office: Office, proposal: Proposal | None, around: Surroundings) -> SlackMessage:
    blocks: list[Json] = [header("Policy"), rich(line(bold("In force"), literal(f" · {short(office.active)}")))]
    candidate = office.candidate
    if candidate is None or proposal is None:
        blocks.append(context(plain("The policy directory holds nothing that waits for sign-off.")))
        if office.previous:
            back = button("Roll back", "cs:policy_back", json.dumps({"s": office.active}))
            blocks += [
                rich(line(bold("Before that"), literal(f" · {short(office.previous)}"))),
                {"type": "actions", "elements": [back]},
            ]
        return slack_message(f"Policy {short(office.active)} is in force", blocks)
    waits = [bold("Waits for sign-off"), literal(f" · {short(candidate.snapshot)} · {', '.join(candidate.files)} · ")]
    blocks.append(rich(line(*waits, moment(candidate.seen_at))))
    blocks.append(rich(line(bold("What changes"))))
    blocks.append(rich(bullets([literal(one_line(text, 300))] for text in proposal.differences[:SHOWN])))
    if more := len(proposal.differences) - SHOWN:
        blocks += [context(plain(f"and {counted(more, 'more change')}: countersign policy diff"))] if more > 0 else []
    blocks.append(rich(line(bold("Stored cases under it"))))
    blocks.append(rich(bullets([literal(one_line(text, 300))] for text in proposal.figures[:SHOWN])))
    signed = ", ".join(around.name(s.user) for s in candidate.signatures)
    needed = " and ".join(around.role_titles.get(role) or spelled(role) for role in proposal.missing)
    said = f"{f'Signed by {signed}. ' if signed else ''}Still needed: {needed}."
    value = json.dumps({"s": candidate.snapshot})
    blocks += [
        context(plain(said)),
        {
            "type": "actions",
            "elements": [
                button("Sign off", "cs:policy_sign", value, style="primary"),
                button("Decline", "cs:policy_reject", value, style="danger"),
            ],
        },
    ]
    return slack_message(f"A changed policy waits for sign-off: {', '.join(candidate.files)}. {said}", blocks)


def policy_reason_view(do: str, snapshot: str, meta: Mapping[str, str]) -> Json:
    """Asks why, before a candidate is declined or the last policy is taken back."""
    title, label, yes = {
        "reject": ("Decline policy", "What should be different?", "Decline"),
        "roll_back": ("Roll back policy", "Why go back to the policy before?", "Roll back"),
    }[do]
    return reason_form(title, "cs:policy", yes, label, json.dumps({"do": do, "s": snapshot, **meta}))


def short(snapshot: str) -> str:
    return snapshot[:12] or "none"
