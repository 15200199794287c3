"""A digest: a burst of low-risk cases, one line each, and a button that opens the whole packet. None decides."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.case import Case, Packet
from app.core.digest import LINES, Digest, waits
from blocks.buttons import value
from blocks.kit import Json, button, context, header, plain, section, url_button
from blocks.surface import SlackMessage, Surroundings, slack_message
from blocks.text import counted, dead, one_line
from blocks.words import CLOSED, approval_words, case_and_ticket, customer_name, due_words, is_live, topic

EVENT = "countersign_digest"
_MOST_NAMED = 8  # cases in a notification's text


def digest_message(digest: Digest, cases: Sequence[Case], around: Surroundings) -> SlackMessage:
    """`cases` in the order of their lines."""
    waiting = [case for case in cases if waits(case, digest.key)]
    title = f"Low: {counted(len(cases), 'reply', 'replies')} to review"
    said = f"{len(waiting)} not opened yet" if waiting else "All are opened or over"
    how = "Open shows the whole packet, with its buttons, in this channel. Nothing is sent before somebody approves it."
    blocks: list[Json] = [header(title), context(plain(f"{said}. {how}"))]
    blocks += [_line(digest, case, around) for case in cases[:LINES]]
    names = ", ".join(case_and_ticket(case) for case in cases[:_MOST_NAMED])
    more = f", and {len(cases) - _MOST_NAMED} more" if len(cases) > _MOST_NAMED else ""
    metadata = {"event_type": EVENT, "event_payload": {"message": digest.key}}
    return slack_message(f"{title}. {said}. {dead(names)}{more}", blocks, metadata)


def open_button(case: Case, packet: Packet) -> Json:
    return button("Open", "cs:unfold", value(case, packet))


def folded_packet(case: Case) -> Packet | None:
    """The packet of an open case that is only a line so far."""
    return None if case.is_final else next((p for p in case.packets if p.folded), None)


def _line(digest: Digest, case: Case, around: Surroundings) -> Json:
    packet = next((p for p in case.packets if p.digest == digest.key), None)
    about = f"{topic(case)} · {customer_name(case, 40)} · {case_and_ticket(case)}"
    text = plain(one_line(f"{about} · {_standing(case, packet, around)}", 600))
    block = section(text, block_id=f"line:{case.id}")
    if packet and packet.folded and not case.is_final:
        return {**block, "accessory": open_button(case, packet)}
    url = around.permalink(packet.channel_id, packet.ts) if packet else ""
    return {**block, "accessory": url_button("Go to packet", "cs:open", url)} if url else block


def _standing(case: Case, packet: Packet | None, around: Surroundings) -> str:
    if not is_live(case):
        sign, word = CLOSED.get(case.state, ("⏳", "Received"))
        by = approval_words(case, around)
        follower = f", goes on as case {case.superseded_by}" if case.superseded_by else ""
        return f"{sign} {word}{f', {by}' if by else ''}{follower}"
    claimed = f", claimed by {around.name(case.claim.user)}" if case.claim else ""
    if packet and packet.folded:
        return f"{due_words(case) or 'waits'}{claimed}"
    return f"↗ Opened{claimed}"
