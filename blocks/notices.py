"""Private notices: what the one who clicked sees at once, and nobody else (SL3)."""

from __future__ import annotations

from typing import Literal

from app.core.case import Case, Packet
from blocks.buttons import value
from blocks.kit import Json, bold, button, context, line, literal, plain, rich
from blocks.outcome import outcome_block
from blocks.surface import Surroundings
from blocks.text import clip
from blocks.words import case_and_ticket, headline, is_live

NoticeKind = Literal["done", "refused", "info"]
_TITLES = {"done": "✔ Done", "refused": "✖ Not done", "info": "ℹ Note"}


def notice_blocks(
    kind: NoticeKind,
    sentence: str,
    *,
    case: Case | None = None,
    packet: Packet | None = None,
    around: Surroundings | None = None,
    undo: bool = False,
    again: bool = False,
) -> list[Json]:
    """The sentence, and with a case how it stands now. `undo` and `again` (Claim) add a button; both are needed."""
    blocks = [rich(line(bold(_TITLES[kind]), literal(f" · {clip(sentence, 2_500)}")))]
    if case and undo and packet:
        blocks.append({"type": "actions", "elements": [button("Undo", "cs:undo", value(case, packet))]})
    if case and again and packet:
        blocks.append({"type": "actions", "elements": [button("Claim", "cs:claim", value(case, packet))]})
    if case and around and kind == "refused" and case.assessment:
        blocks += _as_it_is_now(case, packet, around)
    if case:
        blocks.append(context(plain(case_and_ticket(case))))
    return blocks


def _as_it_is_now(case: Case, packet: Packet | None, around: Surroundings) -> list[Json]:
    if not is_live(case):
        return [outcome_block(case, around)]
    packet = packet or (case.packets[0] if case.packets else None)
    if packet is None:
        return []
    version = f", version {case.draft.version}" if case.draft else ""
    return [rich(line(bold("Now"), literal(f" · {headline(case, packet, around)}{version}")))]
