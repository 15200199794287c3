"""The private card of one case: where it stands, and buttons for what can be done about it now."""

from __future__ import annotations

from app.core.case import Case
from app.core.machine import ACCEPTED
from app.core.messages import ClaimCase, Reassess, Reopen, WithdrawByPerson
from app.core.withdrawing import may
from blocks.buttons import claim_button, confirmation, history_button, value
from blocks.kit import Json, button, line, rich, url_button
from blocks.outcome import outcome_block
from blocks.queue import case_line, main_packet
from blocks.surface import SlackMessage, Surroundings, slack_message
from blocks.text import escape
from blocks.words import is_live


def case_card(case: Case, around: Surroundings, user: str) -> SlackMessage:
    """For `user` alone. Its buttons carry what those of a packet do; each click is checked like theirs."""
    blocks: list[Json] = [rich(line(*case_line(case, around)))]
    if not is_live(case):
        blocks.append(outcome_block(case, around))
    blocks.append({"type": "actions", "elements": _buttons(case, around, user)})
    return slack_message(escape(f"Case {case.id}: {case.state}"), blocks)


def _buttons(case: Case, around: Surroundings, user: str) -> list[Json]:
    packet = case.packets[0] if case.packets else None
    seen = value(case, packet)
    decides = main_packet(case)
    url = around.permalink(decides.channel_id, decides.ts) if decides else ""
    made = [url_button("Open packet", "cs:open", url)] if url else []
    if case.state in ACCEPTED[Reopen]:
        made.append(button("Reopen", "cs:reopen", seen))
    if case.state in ACCEPTED[ClaimCase]:
        made.append(claim_button(case, packet))
    if case.state in ACCEPTED[Reassess]:
        made.append(button("Reassess", "cs:reassess", seen))
    if case.state != "received":
        made.append(history_button(case, packet))
    if case.state in ACCEPTED[WithdrawByPerson] and may(case, user, around.people):
        sure = "Its packets close and nothing of it is sent. You will be asked for a reason."
        confirm = confirmation("Withdraw this case?", sure, "Withdraw", danger=True)
        made.append(button("Withdraw", "cs:withdraw", seen, style="danger", confirm=confirm))
    return made
