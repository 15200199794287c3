"""`/approvals`: queues in digits, the next cases, and help."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app.core.case import Case, Packet
from blocks.digest import folded_packet
from blocks.kit import Json, bold, bullets, context, header, line, link, literal, moment, plain, rich
from blocks.surface import SlackMessage, Surroundings, slack_message
from blocks.text import counted, escape, one_line
from blocks.words import CLOSED, TIER_WORDS, case_and_ticket, customer_name, due_at, is_live, topic

NEXT = 10
LAG = 5.0  # seconds: a packet that waits less is on its way
HELP = (
    ("/approvals", "every queue in digits, and the next ten cases"),
    ("/approvals mine", "what waits for you"),
    ("/approvals case ID", "one case, where it stands, and what can be done with it"),
    ("/approvals #queue", "one queue and its next ten cases"),
    ("/approvals pause [#queue] REASON", "stop AI text in a queue, or in all; people's replies go on"),
    ("/approvals resume [#queue]", "let AI text go on; careful queues and all at once take two people"),
    ("/approvals delegate @somebody until WHEN", "let somebody act for you; alone, it shows who does"),
    ("/approvals new", "a reply of your own, for others to approve"),
    ("/approvals stats", "the team's figures, and how to read them"),
    ("/approvals failed", "deliveries that gave up or are in doubt, and another try"),
    ("/approvals policy", "the policy in force, and a changed one that waits for its owners"),
    ("/approvals help", "this text"),
)


class QueueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One queue: its channel's name without #, how many wait, the oldest one's age in seconds, how many are overdue."""

    channel: str
    pending: int
    oldest: float = 0.0
    overdue: int = 0
    paused: bool = False
    unposted: float = 0.0  # seconds for which the oldest packet waits to be posted


def queue_message(
    rows: Sequence[QueueRow],
    cases: Sequence[Case] = (),
    around: Surroundings | None = None,
    *,
    waiting: tuple[int, int],
) -> SlackMessage:
    """All queues, then the next cases, most urgent first as the caller ordered them.

    `waiting` counts each pending case once, and the overdue ones of them; in `rows` it is in every queue it waits in.
    """
    total, overdue = waiting
    text = f"{counted(total, 'case')} pending, {overdue} overdue"
    blocks: list[Json] = [header("Approvals"), rich(line(bold(text)))]
    shown = [row for row in rows if row.pending or row.paused][:40]
    if shown:
        blocks.append(rich(bullets(queue_line(row) for row in shown)))
    if quiet := len(rows) - len(shown):
        blocks.append(context(plain(f"{counted(quiet, 'further queue')}: nothing waits.")))
    if cases:
        blocks += [rich(line(bold("Next"))), rich(bullets(case_line(c, around) for c in cases[:NEXT]))]
    return slack_message(escape(text), blocks)


def queue_detail(row: QueueRow, cases: Sequence[Case], around: Surroundings) -> SlackMessage:
    """One queue and its next ten cases."""
    title = f"#{one_line(row.channel, 80)}"
    blocks: list[Json] = [header(title), rich(bullets([queue_line(row)]))]
    if cases:
        blocks.append(rich(bullets(case_line(c, around) for c in cases[:NEXT])))
    if len(cases) > NEXT:
        blocks.append(context(plain(f"and {len(cases) - NEXT} more")))
    return slack_message(escape(f"{title}: {counted(row.pending, 'case')} pending"), blocks)


def mine_message(cases: Sequence[Case], around: Surroundings) -> SlackMessage:
    """What waits for the one who asks, most urgent first as the caller ordered it."""
    title = f"{counted(len(cases), 'case')} waiting for you"
    blocks: list[Json] = [header(title)]
    if cases:
        blocks.append(rich(bullets(case_line(c, around) for c in cases[:NEXT])))
    if len(cases) > NEXT:
        blocks.append(context(plain(f"and {len(cases) - NEXT} more")))
    return slack_message(title, blocks)


def help_message(note: str = "") -> SlackMessage:
    """`note` says what could not be understood."""
    lines = [[literal(command, code=True), literal(f" · {what}")] for command, what in HELP]
    said = [rich(line(literal(one_line(note, 300))))] if note else []
    return slack_message("How to use /approvals", [header("Approvals"), *said, rich(bullets(lines))])


def notice_message(sentence: str) -> SlackMessage:
    """What a command came to, in a sentence."""
    return slack_message(escape(sentence), [rich(line(literal(one_line(sentence, 2_000))))])


def queue_line(row: QueueRow) -> list[Json]:
    said = [f"{row.pending} pending"]
    if row.pending:
        said.append(f"oldest {age(row.oldest)}")
    if row.overdue:
        said.append(f"⚠ {row.overdue} overdue")
    if row.unposted >= LAG:
        said.append(f"posting is {age(row.unposted)} behind")
    if row.paused:
        said.append("⏸ AI text paused")
    return [bold(f"#{one_line(row.channel, 80)}"), literal(f" · {' · '.join(said)}")]


def age(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`."""
    minutes, rest = divmod(max(int(seconds), 0), 60)
    if minutes < 1:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def main_packet(case: Case) -> Packet | None:
    """The packet where the case is decided now."""
    posted = [p for p in case.packets if p.ts]
    signoffs = [p for p in posted if p.kind == "signoff" and p.can_decide]
    return (signoffs[-1] if signoffs and case.state == "awaiting_signoff" else None) or (posted[0] if posted else None)


def case_line(case: Case, around: Surroundings | None) -> list[Json]:
    """One case: tier, what it is about, customer, ids, when it is due, and the way to its packet."""
    tier = TIER_WORDS[case.assessment.tier] if case.assessment else "Not assessed"
    state = "" if is_live(case) else CLOSED.get(case.state, ("", "received"))[1].lower()
    said = [topic(case), customer_name(case, 40), case_and_ticket(case), state]
    made = [bold(tier), literal(" · " + " · ".join(filter(None, said)))]
    if (due := due_at(case)) and is_live(case):
        made += [literal(" · due "), moment(due)]
    if case.claim and around:
        made.append(literal(f" · claimed by {around.name(case.claim.user)}"))
    packet = main_packet(case)
    url = around.permalink(packet.channel_id, packet.ts) if around and packet else ""
    if url:
        return [*made, literal(" · "), link(url, "open")]
    folded = folded_packet(case)
    if folded is None or around is None:
        return made
    url = around.permalink(*around.digests.get(folded.digest, ("", "")))
    return [*made, literal(" · "), link(url, "open it in its digest") if url else literal("in a digest")]
