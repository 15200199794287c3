"""`/approvals failed`: deliveries that gave up or are in doubt, and what can be done about each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from app.core.case import Case
from blocks.buttons import confirmation
from blocks.kit import Json, bold, button, context, header, line, literal, plain, rich, url_button
from blocks.queue import age, main_packet
from blocks.surface import SlackMessage, Surroundings, slack_message
from blocks.text import counted, one_line
from blocks.words import case_and_ticket, customer_name

# effect → what it would have been to those who wait for it
WHAT: Mapping[str, str] = {
    "PacketPost": "A packet",
    "PacketUpdate": "An update of a packet",
    "ThreadReply": "A reply in a thread",
    "DirectMessage": "A direct message",
    "HelpdeskReply": "A reply to the customer",
    "HelpdeskNote": "An internal note",
    "HelpdeskFields": "Fields of the ticket",
    "CrmPatch": "Fields of the CRM",
    "Callback": "A callback",
    "ModelReading": "A question to the language model",
    "ModelDraft": "A draft by the language model",
    "RoleLookup": "A question who holds a role",
}


class StuckRow(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery: `effect` is the name of its type, `age` the seconds since it got stuck."""

    delivery: str
    effect: str
    dead: bool
    error: str
    age: float
    case: Case


def stuck_message(rows: Sequence[StuckRow], around: Surroundings, *, may: bool, more: bool = False) -> SlackMessage:
    """The newest first. `may`: whoever asks may drive them again. `more`: there are others behind these."""
    title = f"{counted(len(rows), 'delivery', 'deliveries')} stuck" if rows else "Nothing is stuck"
    blocks: list[Json] = [header(title)]
    for row in rows:
        blocks += _row(row, around, may)
    if more:
        blocks.append(context(plain("There are older ones: countersign deliveries list.")))
    if rows and not may:
        blocks.append(context(plain("A support lead or an automation owner can try them again.")))
    return slack_message(title, blocks)


def _row(row: StuckRow, around: Surroundings, may: bool) -> list[Json]:
    what = WHAT.get(row.effect, "A delivery")
    fate = "gave up" if row.dead else "nobody can tell whether it arrived"
    said = f" · {fate} {age(row.age)} ago · {customer_name(row.case)}"
    error = one_line(row.error, 400) or "No reason is known."
    blocks = [rich(line(bold(f"⚠ {what}"), literal(said)), line(literal(error)))]
    blocks.append(context(plain(f"{case_and_ticket(row.case)} · delivery {one_line(row.delivery, 80)}")))
    buttons = [_again(row)] if row.dead and may else []
    packet = main_packet(row.case)
    if packet and (url := around.permalink(packet.channel_id, packet.ts)):
        buttons.append(url_button("Open packet" if row.dead else "Settle it on the packet", "cs:open", url))
    return [*blocks, {"type": "actions", "elements": buttons}] if buttons else blocks


def _again(row: StuckRow) -> Json:
    value = msgspec.json.encode({"c": row.case.id, "d": row.delivery}).decode()
    sure = confirmation(
        "Try it again?", "Confirm once the cause is mended: it goes out as it was decided.", "Try again"
    )
    return button("Try again", "cs:redrive", value, confirm=sure)
