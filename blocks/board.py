"""A changed policy in its owners' channel: what it changes, who signed, and what became of it (RI9)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.core.office import Board, Proposal
from blocks.kit import Json, bold, bullets, context, header, line, literal, moment, mrkdwn, plain, rich, section
from blocks.policy import back_button, deciding_buttons, needed, short, what_changes
from blocks.surface import SlackMessage, Surroundings, slack_message
from blocks.text import escape, mention, one_line, prose

MENTIONED = 20


def board_message(
    board: Board,
    proposal: Proposal,
    missing: Sequence[str],
    around: Surroundings,
    *,
    can_roll_back: bool = False,
) -> SlackMessage:
    """The change as it stands: `missing` are roles that have yet to sign, or words."""
    candidate = board.candidate
    title, rest = _standing(board, around)
    files = one_line(", ".join(candidate.files), 300)
    policy = [literal(f" · policy {short(candidate.snapshot)} · {files}")]
    blocks: list[Json] = [header("Policy change"), rich(line(bold(title), *policy))]
    at = board.at or candidate.seen_at
    blocks.append(rich(line(literal(f"{rest} "), moment(at))))
    blocks += what_changes(proposal)
    if signed := list(_signed(board, around)):
        blocks += [rich(line(bold("Signed by"))), rich(bullets(signed))]
    said = rest
    pings = ""
    if not board.ended:
        said = f"Still needed: {needed(missing, around)}."
        people = dict.fromkeys(p.user_id for role in missing for p in around.people.members(role))
        pings = " ".join(filter(None, map(mention, list(people)[:MENTIONED])))
        blocks.append(context(plain(f"{said} New cases come under it then; open ones keep theirs.")))
        if pings:
            blocks.append(section(mrkdwn(f"{pings} you can sign this.")))
        blocks.append({"type": "actions", "elements": deciding_buttons(candidate.snapshot)})
    elif can_roll_back and board.ended == "active":
        blocks.append({"type": "actions", "elements": [back_button(candidate.snapshot)]})
    text = f"{escape(title)}: {prose(files, 300)}. {prose(said, 600)} {pings}"
    return slack_message(text.strip(), blocks)


def _standing(board: Board, around: Surroundings) -> tuple[str, str]:
    """Where the change stands, in a word and in a sentence that a time follows."""
    by, reason, then = around.name(board.by), _because(board.reason), short(board.then)
    match board.ended:
        case "":
            return "⏳ Waits for sign-off", "Offered"
        case "active" if board.reason:
            return "✔ In force again", f"{by} took back what had come after it{reason}"
        case "active":
            return "✔ In force", "For new cases, since"
        case "superseded":
            return "Superseded", f"Policy {then} is in force, since"
        case "rolled_back":
            return "↩ Rolled back", f"{by} went back to policy {then}{reason}"
        case "declined":
            return "✖ Declined", f"{by} declined it{reason}"
        case "taken_back":
            return "↩ Taken back", "The policy files are again as the policy in force has them."
        case "replaced" if board.by:
            return "Set aside", f"{by} took back the policy it was to follow{reason}"
        case "replaced":
            return "Superseded", f"The files changed again, and policy {then} took its place."


def _because(reason: str) -> str:
    said = one_line(reason, 600)
    return f": {said}{'' if said.endswith(('.', '!', '?', '…')) else '.'}" if said else "."


def _signed(board: Board, around: Surroundings) -> Iterator[list[Json]]:
    for signature in board.candidate.signatures:
        roles = ", ".join(around.role(role) for role in signature.roles)
        name = around.name(signature.user)
        yield [literal(f"{name}{f' ({roles})' if roles else ''}, "), moment(signature.at)]
