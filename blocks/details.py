"""What helps to judge a case: the customer's words, and everything below the buttons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from app.core.case import Case, Message, Signal, Source
from app.core.findings import Finding
from blocks.diff import diff_elements
from blocks.kit import Json, bold, bullets, context, divider, fields, line, link, literal, plain, quote, rich
from blocks.surface import Surroundings
from blocks.text import clip, counted, masked, money, one_line, percent, safe_url, spelled
from blocks.words import action_phrase, customer_name, is_live, is_withheld, shown_draft

QUOTE = 600  # characters of the customer's words above the buttons
QUOTE_MORE = 1_500  # and below them
SUMMARY_LINES, VALUES = 3, 3  # of a summary; of one extracted field
_EXTRACTED = {"order_id": "Reference", "amount": "Amount", "date": "Date", "asked_action": "Asked for"}
_SIGNS = {"blocked": "⊘ Blocked", "masked": "• Masked", "allowed": "ℹ Noted"}


def scanned(case: Case, source: str, text: str) -> str:
    """The text with what its scan found sensitive masked."""
    return masked(text, [f for f in case.findings if f.source == source])


def newest_words(case: Case) -> tuple[Message | None, str]:
    """The customer's newest message, and its text as it may be shown."""
    for index in range(len(case.messages) - 1, -1, -1):
        message = case.messages[index]
        if message.author == "customer":
            return message, scanned(case, f"message:{index}", message.text)
    return None, ""


def customer_quote(case: Case) -> list[Json]:
    message, text = newest_words(case)
    if message is None:
        return []
    subject = one_line(scanned(case, "subject", case.ticket.subject), 120)
    title = [bold(f"{customer_name(case)} wrote"), *([literal(f" · {subject}")] if subject else [])]
    blocks = [rich(line(*title), quote(clip(text, QUOTE) if text.strip() else "(no words)"))]
    notes = []
    if len(text) > QUOTE:
        notes.append("goes on below the buttons")
    if earlier := sum(m.author == "customer" for m in case.messages) - 1:
        notes.append(counted(earlier, "earlier message"))
    if message.attachments:
        names = ", ".join(one_line(a.name, 40) for a in message.attachments[:3])
        notes.append(f"{counted(len(message.attachments), 'attachment')}: {names}")
    return [*blocks, context(plain(" · ".join(notes)))] if notes else blocks


def summary_lines(case: Case) -> list[Json]:
    """What the customer's messages come to, and the AI's own summary, where the AI may do no more than that."""
    return [*_gist(case), *_ai_summary(case)]


def _gist(case: Case) -> list[Json]:
    """Customers' own words, so literal like all of them."""
    gist = case.gist
    lines = [one_line(said, 250) for said in gist.summary.split("\n")[:SUMMARY_LINES]] if gist else []
    said = "\n".join(filter(None, lines))
    if gist is None or not said:
        return []
    title = "Summary" if gist.source == "builtin" else "Summary by the AI"
    values: dict[str, list[str]] = {}
    for item in gist.fields:
        values.setdefault(item.field, []).append(spelled(item.value) if item.field == "asked_action" else item.value)
    return [rich(line(bold(title), literal(f"\n{said}"))), *fields(_listed(values))]


def _listed(values: Mapping[str, list[str]]) -> Iterable[tuple[str, str]]:
    for field, label in _EXTRACTED.items():
        found = values.get(field, [])
        more = f" and {len(found) - VALUES} more" if len(found) > VALUES else ""
        yield label, ", ".join(one_line(value, 50) for value in found[:VALUES]) + more


def _ai_summary(case: Case, limit: int = 600) -> list[Json]:
    draft = next((d for d in reversed(case.drafts) if d.author == "ai"), None)
    return _labelled("AI's summary", clip(scanned(case, "summary", draft.summary), limit)) if draft else []


def why_summary_only(case: Case) -> list[Json]:
    """AI4: unsure of the topic, the AI tries no harder."""
    if case.assessed.band != "low":
        return []
    intent = case.intent
    unsure = f"The topic is not sure ({intent.confidence:.2f})" if intent else "Nobody could tell the topic"
    return [context(plain(f"{unsure}, so the AI only summarises."))]


def last_word(case: Case, around: Surroundings) -> list[list[Json]]:
    """Why the case came back to people, if the newest thing said of it was a refusal."""
    note = case.notes[-1] if case.notes else None
    if note is None or note.kind not in ("decline", "feedback"):
        return []
    word = "✖ Sign-off declined" if note.kind == "decline" else "✖ Draft rejected"
    return [[bold(word), literal(f" · {around.name(note.user)}: {one_line(note.text, 300)}")]]


def summarises(case: Case, around: Surroundings) -> bool:
    """The AI may do no more than that, by policy or because AI replies are paused."""
    return case.assessed.ai_mode == "summarize_only" or (around.paused and is_live(case))


def details(case: Case, around: Surroundings, *, reasons_shown: int, summary_shown: bool) -> list[Json]:
    """Most useful first: what does not fit a message is left out from the end."""
    groups = [
        summary_lines(case) if summarises(case, around) and not summary_shown else [],
        _findings(case),
        _change(case, around),
        _notes(case, around),
        _customer_facts(case),
        fields((fact.label, scanned(case, f"context:{i}", fact.value)) for i, fact in enumerate(case.context[:10])),
        _rest_of_quote(case),
        _from_the_ai(case, around),
        _more_reasons(case, reasons_shown),
    ]
    return [block for group in groups for block in group]


def _labelled(label: str, text: str) -> list[Json]:
    return [rich(line(bold(label), literal(f" · {text}")))] if text.strip() else []


def _findings(case: Case) -> list[Json]:
    """One line for each kind of hit, never the words that were hit."""
    current = f"draft:{case.draft.version}" if case.draft else ""
    found = [f for f in case.findings if not f.source.startswith("draft:") or f.source == current]
    if not found:
        return []
    count = Counter(map(_finding_key, found))
    first = {_finding_key(f): f for f in reversed(found)}
    order = ("blocked", "masked", "allowed")
    keys = sorted(count, key=lambda key: order.index(key[0]))
    lines = [_finding_line(first[key], count[key]) for key in keys[:8]]
    more = [context(plain(f"and {counted(len(keys) - 8, 'further finding')}"))] if len(keys) > 8 else []
    return [rich(line(bold("Guardrail findings")), bullets(lines)), *more]


def _finding_key(f: Finding) -> tuple[str, str, str]:
    return (f.action, f.rule_id, f.source.partition(":")[0])


def _finding_line(finding: Finding, count: int) -> list[Json]:
    place = {"message": "customer's message", "draft": "reply", "": "text"}
    source = finding.source.partition(":")[0]
    what = spelled(finding.entity.lower() if finding.entity else finding.type)
    where = place.get(source, spelled(source))
    reason = one_line(finding.reason, 150)
    text = f": {what} in the {where}" + (f" ({count}×)" if count > 1 else "") + (f". {reason}" if reason else "")
    made = [bold(_SIGNS[finding.action]), literal(text)]
    advice, _, url = finding.guidance.rpartition(" ")
    if safe_url(url):
        return [*made, literal(f" {one_line(advice, 150)} "), link(url, "guidance")]
    return [*made, literal(f" {one_line(finding.guidance, 200)}")] if finding.guidance.strip() else made


def _change(case: Case, around: Surroundings) -> list[Json]:
    """The newest edit. AI text that policy withholds does not come out by way of a comparison."""
    if len(case.drafts) < 2 or shown_draft(case, around) is None:
        return []
    before, after = case.drafts[-2:]
    hidden = before.author == "ai" and summarises(case, around)
    if hidden or before.text == after.text or any(f.sensitive and f.source.startswith("draft:") for f in case.findings):
        return []
    title = f"Changed from version {before.version} to {after.version}"
    hint = literal(" · struck through: removed, bold: added")
    return [rich(line(bold(title), hint), line(*diff_elements(before.text, after.text)))]


def _notes(case: Case, around: Surroundings) -> list[Json]:
    kinds = {
        "reviewer": "",
        "feedback": "rejection, ",
        "decline": "declined, ",
        "override": "override, ",
        "reassess": "reassessed, ",
    }
    lines = [
        [bold(around.name(note.user)), literal(f" · {kinds[note.kind]}{one_line(note.text, 300)}")]
        for note in case.notes[-5:]
    ]
    label = "Reviewers' notes" + (f" (newest 5 of {len(case.notes)})" if len(case.notes) > 5 else "")
    return [rich(line(bold(label)), bullets(lines))] if lines else []


def _customer_facts(case: Case) -> list[Json]:
    customer, signals = case.customer, case.signals
    value = customer.contract_value
    pairs = [
        ("Action", _action(case)),
        ("Segment", customer.segment),
        ("Contract", money(value, customer.currency) if value is not None else ""),
        ("VIP", "yes" if customer.vip else ""),
        ("Regulated", (spelled(customer.industry) or "yes") if customer.regulated else ""),
        ("Escalation", "active" if customer.active_escalation else ""),
        ("Admin roles", ", ".join(customer.privileged_roles[:4])),
        ("Intent", _signal(case.intent)),
        ("Sentiment", _signal(signals.sentiment)),
        ("Language", _signal(signals.language)),
        ("Confidence", f"{case.assessed.band} band"),
    ]
    return [divider(), *fields(pairs)]


def _action(case: Case) -> str:
    action = case.action
    if action is None:
        return ""
    said = [action_phrase(action), "irreversible" if action.irreversible else ""]
    said.append("transaction verified" if action.transaction_verified else "transaction not verified")
    return ", ".join(filter(None, [*said, action.reference]))


def _signal(signal: Signal | None) -> str:
    if signal is None:
        return "unknown"
    sure = "as a person says" if signal.source == "person" else percent(signal.confidence)
    return f"{spelled(signal.label, 40)}, {sure}"


def _rest_of_quote(case: Case) -> list[Json]:
    _, text = newest_words(case)
    if len(text) <= QUOTE:
        return []
    start = len(clip(text, QUOTE)) - 1
    rest = clip(text[start:], QUOTE_MORE)
    cut = len(text) - start - QUOTE_MORE
    more = [context(plain(f"{counted(cut, 'more character')} on the ticket"))] if cut > 0 else []
    return [rich(line(bold("The customer's message goes on")), quote(rest if rest.strip() else "(blank lines)")), *more]


def _from_the_ai(case: Case, around: Surroundings) -> list[Json]:
    draft = next((d for d in reversed(case.drafts) if d.author == "ai"), None)
    if draft is None:
        return []
    # Where the AI only summarises, its summary stands with the case's own.
    shown = [] if summarises(case, around) else _ai_summary(case, 500)
    if is_withheld(case, around) or case.withheld:
        return shown
    confidence = f" · confidence {percent(draft.confidence)}" if draft.confidence is not None else ""
    reasoning = clip(draft.reasoning, 500)
    if reasoning.strip():
        shown += [rich(line(bold("AI's reasoning"), literal(f"{confidence} · {reasoning}")))]
    sources = [_source(s) for s in draft.sources[:5]]
    if sources:
        shown.append(rich(line(bold("Sources")), bullets(sources)))
    shown += _list_of(
        "Suggested macros", (scanned(case, f"macro:{i}", t) for i, t in enumerate(draft.suggested_macros))
    )
    shown += _list_of("Next questions", (scanned(case, f"question:{i}", t) for i, t in enumerate(draft.next_questions)))
    return shown + _labelled("Internal note", clip(scanned(case, "internal_note", draft.internal_note), 500))


def _source(source: Source) -> list[Json]:
    """The title is only words; the link says where it leads."""
    title = literal(one_line(source.title, 100) or "Source")
    host = safe_url(source.url).split("/")[2] if safe_url(source.url) else ""
    return [title, literal(" · "), link(source.url, host)] if host else [title]


def _list_of(label: str, texts: Iterable[str]) -> list[Json]:
    lines = [[literal(shown)] for text in list(texts)[:5] if (shown := one_line(text, 200))]
    return [rich(line(bold(label)), bullets(lines))] if lines else []


def _more_reasons(case: Case, shown: int) -> list[Json]:
    reasons = list({r.text: r for r in case.assessed.reasons}.values())
    lines = []
    for reason in reasons[shown:][:15]:
        lines.append([literal(one_line(reason.text, 200) or one_line(reason.rule_id, 80))])
    guidance = [[literal(one_line(r.guidance, 200))] for r in reasons[:5] if r.guidance.strip()]
    blocks = [rich(line(bold("Further reasons" if shown else "Why people saw this")), bullets(lines))] if lines else []
    return blocks + ([rich(line(bold("Guidance")), bullets(guidance))] if guidance else [])
