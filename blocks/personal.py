"""What is masked in a packet, shown to one person who may see it (OP7)."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.case import Case
from app.core.findings import Finding
from blocks.kit import Json, bold, button, context, divider, line, literal, literal_sections, plain, rich
from blocks.text import clip, one_line
from blocks.words import case_and_ticket

MOST = 10  # texts, the newest message first; the ticket has them all
MOST_CHARACTERS = 20_000
MOST_BLOCKS = 90


def hides(finding: Finding) -> bool:
    """Whether people see this masked in what a customer wrote or the CRM says: all but names."""
    personal = finding.sensitive or finding.entity not in (None, "PERSON")
    return personal and finding.source.startswith(("message:", "subject", "context:"))


def show_button(case: Case, value: str) -> list[Json]:
    """Nothing to show, no button."""
    return [button("Show", "cs:pii", value)] if any(map(hides, case.findings)) else []


def personal_view(case: Case) -> Json:
    """The masked texts as they were written, for one who may see them and is on record for it."""
    note = literal(" · Shown to you alone. That you opened it is recorded.")
    blocks: list[Json] = [rich(line(bold("Personal data"), note)), context(plain(case_and_ticket(case)))]
    texts = list(_texts(case))
    for title, text in texts[:MOST]:
        made = [divider(), rich(line(bold(title))), *literal_sections(clip(text, MOST_CHARACTERS))]
        if len(blocks) + len(made) > MOST_BLOCKS:
            break
        blocks += made
    else:
        if len(texts) <= MOST:
            return _modal(blocks)
    return _modal([*blocks, context(plain("Earlier messages are on the ticket."))])


def _texts(case: Case) -> Iterator[tuple[str, str]]:
    """(where it stands, the text as it is) of each text in which something is masked."""
    sources = {f.source for f in case.findings if hides(f)}
    for index in range(len(case.messages) - 1, -1, -1):
        if f"message:{index}" in sources:
            message = case.messages[index]
            yield f"Message {index + 1} of {len(case.messages)}, {message.author}", message.text
    if "subject" in sources:
        yield "Subject", case.ticket.subject
    for index, fact in enumerate(case.context):
        if f"context:{index}" in sources:
            yield one_line(fact.label, 60) or "CRM data", fact.value


def _modal(blocks: list[Json]) -> Json:
    return {"type": "modal", "title": plain("Personal data"), "close": plain("Close"), "blocks": blocks}
