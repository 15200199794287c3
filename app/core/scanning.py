"""Which texts of a case are scanned, on which side, with what context (GU1, GU2)."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from app.core.case import Case, Draft
from app.core.findings import Finding, Side
from app.core.guards import Rules, ScanContext, scan


def scan_messages(case: Case, rules: Rules) -> tuple[Finding, ...]:
    """Input findings of every customer message; each is read with the turn it answers."""
    found: list[Finding] = []
    previous = ""
    for index, message in enumerate(case.messages):
        if message.author == "customer":
            context = ScanContext(previous=previous)
            found += _named(scan(message.text, "input", rules, context), "input", f"message:{index}")
        else:
            previous = message.text
    return (*found, *_personal(case, rules))


def _personal(case: Case, rules: Rules) -> Iterable[Finding]:
    """Personal data in what stands beside the messages: people see it masked too (OP7)."""
    texts = [("subject", case.ticket.subject), *((f"context:{i}", fact.value) for i, fact in enumerate(case.context))]
    for source, text in texts:
        if text:
            found = scan(text, "input", rules, ScanContext())
            yield from _named((f for f in found if f.entity is not None), "input", source)


def scan_reply(case: Case, text: str, rules: Rules, source: str) -> tuple[Finding, ...]:
    """Output findings of a text that could reach the customer."""
    return tuple(_named(scan(text, "output", rules, _output_context(case)), "output", source))


def scan_draft(case: Case, draft: Draft, rules: Rules) -> tuple[Finding, ...]:
    """Output findings of a draft and of everything that came with it: summary, note, macros, questions."""
    texts = [
        (f"draft:{draft.version}", draft.text),
        ("summary", draft.summary),
        ("internal_note", draft.internal_note),
        *((f"macro:{i}", text) for i, text in enumerate(draft.suggested_macros)),
        *((f"question:{i}", text) for i, text in enumerate(draft.next_questions)),
    ]
    return tuple(f for source, text in texts if text for f in scan_reply(case, text, rules, source))


def blocked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(f for f in findings if f.action == "blocked")


def _output_context(case: Case) -> ScanContext:
    customer = case.customer
    facts = {"name": customer.name, "email": customer.email}
    return ScanContext(
        transaction_verified=bool(case.action and case.action.transaction_verified),
        customer={key: value for key, value in facts.items() if value},
        message="\n".join(m.text for m in case.messages if m.author == "customer"),
    )


def _named(findings: Iterable[Finding], side: Side, source: str) -> Iterable[Finding]:
    return (replace(f, side=side, source=source) for f in findings)
