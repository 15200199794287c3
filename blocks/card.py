"""The private card of one case: where it stands, and buttons for what its reader may do about it now."""

from __future__ import annotations

from collections.abc import Set

from app.core.case import Case
from app.core.offering import Offer
from blocks.buttons import confirmation, history_button, value
from blocks.digest import folded_packet, open_button
from blocks.kit import Json, button, line, rich, url_button
from blocks.outcome import outcome_block
from blocks.queue import case_line, main_packet
from blocks.surface import SlackMessage, Surroundings, slack_message
from blocks.text import escape
from blocks.words import is_live


def case_card(case: Case, around: Surroundings, offered: Set[Offer]) -> SlackMessage:
    """For the one person to whom `offered` applies. Its buttons carry what those of a packet do."""
    blocks: list[Json] = [rich(line(*case_line(case, around)))]
    if not is_live(case):
        blocks.append(outcome_block(case, around))
    if row := _buttons(case, around, offered):
        blocks.append({"type": "actions", "elements": row})
    return slack_message(escape(f"Case {case.id}: {case.state}"), blocks)


def _buttons(case: Case, around: Surroundings, offered: Set[Offer]) -> list[Json]:
    packet = case.packets[0] if case.packets else None
    seen = value(case, packet)
    decides = main_packet(case)
    url = around.permalink(decides.channel_id, decides.ts) if decides else ""
    sure = "Its packets close and nothing of it is sent. You will be asked for a reason."
    withdraw = confirmation("Withdraw this case?", sure, "Withdraw", danger=True)
    made: list[tuple[Offer, Json]] = [
        ("reopen", button("Reopen", "cs:reopen", seen)),
        ("claim", button("Claim", "cs:claim", seen)),
        ("release", button("Release", "cs:release", seen)),
        ("reassess", button("Reassess", "cs:reassess", seen)),
        ("history", history_button(case, packet)),
        ("withdraw", button("Withdraw", "cs:withdraw", seen, style="danger", confirm=withdraw)),
    ]
    folded = folded_packet(case)
    return [
        *([url_button("Open packet", "cs:open", url)] if url else []),
        *([open_button(case, folded)] if folded else []),
        *(each for offer, each in made if offer in offered),
    ]
