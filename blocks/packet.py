"""The case packet: one Slack message that says what is asked, why, of which text, and how it stands.

Order is by what a reader on a phone needs first: ask, deadline, reasons, the customer's words, the reply, the buttons;
everything that only helps to judge comes below the buttons.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from app.core.assessment import Reason
from app.core.case import Case, Draft, Packet
from app.core.parts import draft_parts
from blocks.buttons import packet_buttons
from blocks.details import customer_quote, details, last_word, summarises, summary_lines, why_summary_only
from blocks.kit import (
    Json,
    bold,
    bullets,
    context,
    divider,
    header,
    line,
    link,
    literal,
    literal_sections,
    moment,
    mrkdwn,
    plain,
    rich,
)
from blocks.outcome import outcome_block
from blocks.surface import SlackMessage, Surroundings, case_metadata, slack_message
from blocks.text import counted, dead, escape, hidden_count, masked, one_line, prose, safe_url, utc, when
from blocks.words import (
    CHANNEL_WORDS,
    approver,
    can_override,
    case_and_ticket,
    customer_name,
    decidable_draft,
    draft_author,
    due_at,
    due_words,
    headline,
    is_live,
    is_withheld,
    short_hash,
    signoff_open,
    steps,
    waiting_for,
)

FIRST_REASONS = 3
# Slack refuses a message whose texts are too long together, somewhere above 11,000 characters.
MAX_CHARACTERS = 10_000
MAX_BLOCKS = 50


def packet_message(case: Case, packet: Packet, around: Surroundings) -> SlackMessage:
    """The packet as it has to look now: with buttons while people are asked, closed and explained afterwards."""
    about = frozen_at(case, packet) if packet.kind == "signoff" else case
    if packet.brief:
        return _brief(case, about, packet, around)
    blocks = [header(headline(case, packet, around)), _facts_line(case, packet, around)]
    if packet.kind == "signoff":
        blocks += _signoff_status(case, packet, around)
    elif not is_live(case):
        blocks.append(outcome_block(case, around))
    else:
        blocks += _why(case)
    summary_shown = summary_first(case, around)
    if packet.kind != "signoff":
        blocks += [*why_summary_only(case), *summary_lines(case)] if summary_shown else []
        blocks += customer_quote(case)
    blocks += _reply(about, around)
    blocks += [*_state_of_play(case, packet, around), *_claimed(case, packet, around)]
    blocks.append({"type": "actions", "elements": packet_buttons(case, packet, around)})
    if packet.kind != "signoff":
        reasons_shown = FIRST_REASONS if is_live(case) else 0
        more = details(case, around, reasons_shown=reasons_shown, summary_shown=summary_shown)
        blocks = within_limits(blocks, more)
    return slack_message(
        _summary(about, packet, around),
        blocks,
        case_metadata(case, packet.request_hash, about.draft.version if about.draft else 0),
    )


def _brief(case: Case, about: Case, packet: Packet, around: Surroundings) -> SlackMessage:
    """What Slack takes where it refused the whole packet: what is asked, of which case, and the buttons."""
    blocks = [header(headline(case, packet, around)), _facts_line(case, packet, around)]
    if packet.kind == "signoff":
        blocks += _signoff_status(case, packet, around)
    elif not is_live(case):
        blocks.append(outcome_block(case, around))
    text = "Slack did not take the whole packet. The reply stands in the thread, everything else on the ticket."
    blocks.append(context(plain(text)))
    blocks.append({"type": "actions", "elements": packet_buttons(case, packet, around)})
    summary = f"{prose(headline(case, packet, around), 150)}. {dead(case_and_ticket(case))}. {text}"
    version = about.draft.version if about.draft else 0
    return slack_message(summary, blocks, case_metadata(case, packet.request_hash, version))


def summary_first(case: Case, around: Surroundings) -> bool:
    """Whoever has to write needs it before anything else; once there is a text to decide about, that comes first."""
    asked = is_live(case) or case.state == "blocked"
    return asked and summarises(case, around) and decidable_draft(case, around) is None


def frozen_at(case: Case, packet: Packet) -> Case:
    """The case as it was when a sign-off was asked: its current draft is the one with the packet's hash."""
    for count in range(len(case.drafts), 0, -1):
        before = replace(case, drafts=case.drafts[:count])
        if before.request_hash == packet.request_hash:
            return before
    return case


def characters(blocks: object) -> int:
    """Characters of all texts in blocks, as Slack adds them up."""
    if isinstance(blocks, list):
        return sum(map(characters, blocks))
    if isinstance(blocks, dict):
        return sum(len(v) if k == "text" and isinstance(v, str) else characters(v) for k, v in blocks.items())
    return 0


def within_limits(blocks: list[Json], more: list[Json]) -> list[Json]:
    """The blocks and as many of the further ones, in order, as one message may hold."""
    room = MAX_CHARACTERS - characters(blocks)
    out = list(blocks)
    for block in more:
        room -= characters(block)
        if room < 0 or len(out) >= MAX_BLOCKS - 1:
            return [*out, context(plain("More in View history and on the ticket."))]
        out.append(block)
    return out


def _facts_line(case: Case, packet: Packet, around: Surroundings) -> Json:
    """Due first: the one thing here that cannot wait."""
    elements: list[Json] = []
    due = due_at(case)
    if due and is_live(case):
        elements.append(mrkdwn(f"*Due* {when(due)}{_next_rung(case, due, around)}"))
    parts = [_place(packet), case_and_ticket(case)]
    if submitted := case.submitted_by:
        who = around.name(submitted.slack_user) if submitted.slack_user else submitted.agent or "a colleague"
        parts.append(f"from {one_line(who, 60)}")
    if case.supersedes:
        parts.append(f"follows case {case.supersedes}")
    elements.append(plain(" · ".join(parts)))
    if url := safe_url(case.ticket.url):
        elements.append(mrkdwn(f"<{escape(url)}|Open ticket>"))
    return context(*elements)


def _place(packet: Packet) -> str:
    if packet.person:
        return f"#{packet.queue}, whose cases no channel can show now: this is yours to see"
    moved = f" (moved here from #{packet.home}, which cannot be used)" if packet.home else ""
    return f"#{packet.channel}{moved}"


def _next_rung(case: Case, due: datetime, around: Surroundings) -> str:
    """Nothing where the case ends before it comes."""
    rungs = (t for t in case.timers if t.kind == "rung" and t.due_at < due)
    timer = min(rungs, key=lambda t: t.due_at, default=None)
    rung = next((r for r in case.assessed.rungs if timer and timer.key == f"rung:{r.id}"), None)
    if timer is None or rung is None:
        return ""
    does = {
        "remind": "reminder",
        "escalate": f"goes to {escape(around.role(rung.role))}",
        "holding": "holding message",
        "status": f"{escape(around.role(rung.role))} is told",
    }
    return f" · {does[rung.do]} {when(timer.due_at)}"


def reason_line(reason: Reason) -> list[Json]:
    made = [literal(one_line(reason.text, 200) or one_line(reason.rule_id, 80))]
    if safe_url(reason.link):
        made += [literal(" · "), link(reason.link, "guidance")]
    return made


def _why(case: Case) -> list[Json]:
    reasons = {r.text: r for r in case.assessed.reasons}.values()
    if not reasons:
        return []
    shown = [reason_line(r) for r in list(reasons)[:FIRST_REASONS]]
    if len(reasons) > FIRST_REASONS:
        shown[-1].append(literal(f" · and {len(reasons) - FIRST_REASONS} more below"))
    return [rich(line(bold("Why you see this")), bullets(shown))]


def _reply(case: Case, around: Surroundings) -> list[Json]:
    """The whole text, or why there is none to show."""
    draft = case.draft
    if is_withheld(case, around):
        why = "AI replies are paused" if around.paused and is_live(case) else "policy allows a summary only"
        return [rich(line(bold("The AI's draft is withheld"), literal(f": {why}. A person writes the reply.")))]
    if draft is None:
        note = " · a person writes it." if is_live(case) else ""
        return [rich(line(bold("✎ No reply yet"), literal(note)))]
    rejected = draft.version in case.rejected_versions and case.state != "rejected"
    label = "Rejected reply, will not be sent" if rejected else _label(case)
    author = draft_author(draft, around)
    title = line(bold(label), literal(f" · version {draft.version}, {author}, {CHANNEL_WORDS[case.ticket.channel]}"))
    return [divider(), rich(title), *_text_of(case, draft), divider()]


def _label(case: Case) -> str:
    if case.state == "sent":
        return "Reply as sent"
    return "Reply that was not sent" if case.is_final else "Reply to be sent"


def _text_of(case: Case, draft: Draft) -> list[Json]:
    """A text that echoes sensitive data cannot be approved, so it need not be shown letter by letter (GU1)."""
    leaks = [f for f in case.blocking if f.sensitive]
    text = masked(draft.text, leaks) if leaks else draft.text
    parts = draft_parts(text)
    blocks = literal_sections(parts[0]) or [context(plain("(The text is empty.)"))]
    if len(parts) > 1:
        rest = len(text) - len(parts[0])
        note = f"Part 1 of {len(parts)}: {counted(rest, 'more character')} follow in this thread."
        blocks.append(context(plain(note)))
    if hidden := hidden_count(text):
        blocks.append(context(plain(f"⚠ The text holds {counted(hidden, 'character')} that nobody can see.")))
    return blocks


def _state_of_play(case: Case, packet: Packet, around: Surroundings) -> list[Json]:
    """What stands between this case and its reply, right above the buttons."""
    if not is_live(case) or packet.kind == "signoff":
        return []
    lines: list[list[Json]] = []
    if case.blocking and not is_withheld(case, around):
        why = "; ".join(dict.fromkeys(one_line(f.reason or f.rule_id, 150).rstrip(" .") for f in case.blocking[:5]))
        lines.append([bold("⊘ Cannot be approved as it is"), literal(f" · {why}. {_way_out(case, around)}")])
    given, total = steps(case)
    if total > 1:
        so_far = [literal(f" · {given} of {total}, waiting for {waiting_for(case, around)}")]
        names = ", ".join(approver(a, around) for a in case.approvals[-6:])
        lines.append([bold("Approvals"), *so_far, *([literal(f" · approved by {names}")] if names else [])])
    lines += last_word(case, around)
    if not packet.can_decide:
        lines.append([literal(f"{waiting_for(case, around)} decides; this is for your information.")])
    return [rich(line(*one)) for one in lines]


def _claimed(case: Case, packet: Packet, around: Surroundings) -> list[Json]:
    """Right above the buttons, which refuse everybody else."""
    if case.claim is None or (packet.kind == "signoff" and not signoff_open(case, packet)):
        return []
    until = literal(f" by {around.name(case.claim.user)} until ")
    return [rich(line(bold("Claimed"), until, moment(case.claim.until)))]


def _way_out(case: Case, around: Surroundings) -> str:
    """What can be done about a block, and who said already that it is wrong here."""
    if not can_override(case, around):
        return "Edit or reject it."
    roles = " or ".join(dict.fromkeys(around.role(f.overridable_by) for f in case.blocking if f.overridable_by))
    words = [o for o in case.overrides if o.request_hash == case.request_hash]
    said = "; ".join(f"{around.name(o.user)} did: {one_line(o.reason, 200)}" for o in words)
    return f"Edit it, or two people of {roles} override it, each with a reason{f' ({said})' if said else ''}."


def _signoff_status(case: Case, packet: Packet, around: Surroundings) -> list[Json]:
    signed = next((a for a in case.approvals if a.kind == "sign_off" and a.role == packet.role), None)
    if signoff_open(case, packet):
        first = [a for a in case.approvals if a.request_hash == packet.request_hash]
        by = ", ".join(approver(a, around) for a in first)
        asked = f"{around.role(packet.role)}, please sign off exactly this text or decline it."
        note = f" Approved so far by {by}." if by else ""
        frozen = f" Frozen as {short_hash(packet.request_hash)}."
        return [rich(line(bold("Second pair of eyes"), literal(f" · {asked}{note}{frozen}")))]
    if signed and signed.request_hash == packet.request_hash:
        return [rich(line(bold("✔ Signed off"), literal(f" · by {approver(signed, around)}, "), moment(signed.at)))]
    declined = next((n for n in reversed(case.notes) if n.kind == "decline"), None)
    if case.state == "pending" and declined and case.request_hash == packet.request_hash:
        text = f" · by {around.name(declined.user)}: {one_line(declined.text, 300)}"
        return [rich(line(bold("✖ Declined"), literal(text)))]
    if case.request_hash != packet.request_hash:
        why = "the text was changed, so earlier approvals are void"
    elif is_live(case):
        why = "this request is no longer open; see the packet above"
    else:
        return [outcome_block(case, around)]
    return [rich(line(bold("Closed"), literal(f" · {why}.")))]


def _summary(case: Case, packet: Packet, around: Surroundings) -> str:
    """The whole packet in words, for notifications and screen readers."""
    draft = case.draft
    said = next((m for m in reversed(case.messages) if m.author == "customer"), None)
    index = case.messages.index(said) if said else 0
    quote = masked(said.text, [f for f in case.findings if f.source == f"message:{index}"]) if said else ""
    parts = [prose(headline(case, packet, around), 150), dead(case_and_ticket(case))]
    if case.claim:
        parts.append(f"Claimed by {prose(around.name(case.claim.user), 60)} until {utc(case.claim.until)}")
    if is_live(case):
        parts += [due_words(case), *(prose(r.text, 200) for r in case.assessed.reasons[:FIRST_REASONS])]
    parts.append(f"{prose(customer_name(case), 60)} wrote: {prose(quote, 300)}")
    if summary_first(case, around) and case.gist:
        parts.append(f"Summary: {prose(case.gist.summary, 400)}")
    if is_withheld(case, around):
        parts.append("The AI's draft is withheld")
    elif draft and not any(f.sensitive for f in case.blocking):
        parts.append(f"Reply, version {draft.version}: {prose(draft.text, 600)}")
    return ". ".join(part.rstrip(".") for part in parts if part) + "."
