"""App Home: what waits for this person, what they submitted, their delegations, the team's figures.

Its buttons open things and claim cases. What decides at one click is on the packet, where the whole text stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.core.case import Case
from blocks.buttons import packet_buttons
from blocks.digest import folded_packet, open_button
from blocks.kit import (
    Json,
    bold,
    bullets,
    button,
    context,
    divider,
    fields,
    header,
    line,
    literal,
    plain,
    rich,
    url_button,
)
from blocks.queue import case_line, main_packet
from blocks.surface import Surroundings
from blocks.text import counted, one_line

SHOWN = 20
SUBMITTED = 10
OPENS = frozenset(
    {"cs:edit", "cs:write", "cs:reject", "cs:decline", "cs:override", "cs:history", "cs:claim", "cs:release"}
)


def home_view(
    user: str,
    cases: Sequence[Case],
    around: Surroundings,
    *,
    submitted: Sequence[Case] = (),
    delegations: Sequence[str] = (),
    figures: Sequence[tuple[str, str]] = (),
    may_submit: bool = False,
) -> Json:
    """`cases` wait for `user`, most urgent first; `submitted` are their own, the newest first.

    `delegations` are sentences, `figures` (label, value) pairs. `may_submit`: they may hand in a reply of their own.
    """
    blocks: list[Json] = [header(f"{counted(len(cases), 'case')} waiting for you, {around.name(user)}")]
    if around.paused:
        blocks.append(rich(line(bold("⏸ AI replies are paused"), literal(" · people write all replies."))))
    if may_submit:
        blocks.append({"type": "actions", "elements": [button("New reply", "cs:new", "new")]})
    if not cases:
        blocks.append(context(plain("Nothing to decide right now.")))
    for case in cases[:SHOWN]:
        blocks += _case(case, around)
    if len(cases) > SHOWN:
        blocks.append(context(plain(f"{counted(len(cases) - SHOWN, 'further case')}: /approvals mine")))
    if submitted:
        lines = [case_line(case, around) for case in submitted[:SUBMITTED]]
        blocks += [divider(), rich(line(bold("What you submitted")), bullets(lines))]
    if delegations:
        lines = [[literal(one_line(text, 300))] for text in delegations[:10]]
        blocks += [divider(), rich(line(bold("Delegations")), bullets(lines))]
    if figures:
        blocks += [divider(), rich(line(bold("Team figures"))), *fields(figures[:20])]
    blocks.append(context(plain("/approvals help lists what else there is.")))
    return {"type": "home", "blocks": blocks}


def _case(case: Case, around: Surroundings) -> list[Json]:
    packet = main_packet(case)
    blocks = [rich(line(*case_line(case, None)))]
    if folded := folded_packet(case):
        return [*blocks, {"type": "actions", "elements": [open_button(case, folded)]}]
    if packet is None:
        return blocks
    url = around.permalink(packet.channel_id, packet.ts)
    to_packet = [url_button("Open packet", "cs:open", url)] if url else []
    opening = [one for one in packet_buttons(case, packet, around) if one["action_id"] in OPENS]
    return [*blocks, {"type": "actions", "elements": [*to_packet, *opening]}]
