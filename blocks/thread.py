"""Replies in a packet's thread, which together are the case's history (SL9), and direct messages to people.

`mentions` of a reply are the only people it may ping. What a reply reads from its effect's `data`: reminder {},
escalated {role, channel, reason}, draft_part {part, version}, decided {by, kind, stage, instead_of}, voided {reason},
delivered {late}, failed {error, remedy, reply}, held {reason}, holding {}, reopened {by}, reassessed {by, words, role,
channel, reason}, resolved {role, users, able}, unresolved {role, error}, moved {channel, reason}, reposted {}; direct
messages: feedback {by, category, text, then}, receipt {request_hash}, urgent {}, asked {role}, moved {packet},
submitter_decided {state}, cc_opened {}, cc_closed {state}.
"""

from __future__ import annotations

from app.core.case import Approval, Case, Packet
from app.core.effects import DirectMessage, ThreadReply
from app.core.parts import draft_parts
from blocks.kit import (
    Json,
    bold,
    context,
    line,
    link,
    literal,
    literal_sections,
    mrkdwn,
    plain,
    rich,
    section,
    url_button,
)
from blocks.outcome import outcome_block
from blocks.surface import SlackMessage, Surroundings, slack_message
from blocks.text import clip, counted, dead, escape, mention, one_line, prose, spelled, when
from blocks.words import (
    CHANNEL_WORDS,
    CLOSED,
    case_and_ticket,
    customer_name,
    due_at,
    is_withheld,
    topic,
    waiting_for,
)

_DONE = {"approve": "approved", "edit": "edited and approved", "write": "wrote the reply", "sign_off": "signed off"}
_THEN = {
    "redraft": "The AI drafts again with this feedback.",
    "write": "A person writes the reply.",
    "hand_back": "The ticket was handed back without a reply.",
}


def thread_message(case: Case, effect: ThreadReply, around: Surroundings) -> SlackMessage:
    if effect.kind == "draft_part":
        return _draft_part(case, effect, around)
    title, rest = _said(case, effect, around)
    blocks = [rich(line(bold(title), literal(f" · {rest}")))] if rest else [rich(line(bold(title)))]
    if effect.kind == "reminder" and (due := due_at(case)):
        blocks.append(context(mrkdwn(f"*Due* {when(due)}")))
    pings = " ".join(filter(None, map(mention, effect.mentions[:20])))
    if pings:
        blocks.append(section(mrkdwn(f"{pings} you can act on this.")))
    return slack_message(f"{escape(title)}. {prose(rest, 600)} {pings}".strip(), blocks)


def _said(case: Case, effect: ThreadReply, around: Surroundings) -> tuple[str, str]:
    """(what happened, the rest of the sentence) as plain words."""
    data = effect.data
    reason = one_line(str(data.get("reason", "")), 500)
    match effect.kind:
        case "reminder":
            return "Still waiting", f"for {waiting_for(case, around)} to decide on {topic(case)}."
        case "escalated":
            channel = one_line(str(data.get("channel", "")), 80)
            to = around.role(str(data.get("role", "")))
            return "↗ Escalated", f"to {to}{f' in #{channel}' if channel else ''}. {reason}".strip()
        case "decided":
            done = _DONE.get(str(data.get("kind", "")), "decided")
            missing = f" Now waiting for {waiting_for(case, around)}." if case.state == "awaiting_signoff" else ""
            instead = str(data.get("instead_of", ""))
            who = f"{around.name(str(data.get('by', '')))}{f', for {around.name(instead)},' if instead else ''}"
            return "✔ Step done", f"{who} {done}.{missing}"
        case "voided":
            return "↩ Approvals so far are void", reason
        case "delivered":
            late = f" The case was already {CLOSED.get(case.state, ('', case.state))[1].lower()}."
            return "✉ Delivered", f"The customer has the reply.{late if data.get('late') else ''}"
        case "failed":
            what = "The reply was not delivered" if data.get("reply") else "A delivery did not go through"
            parts = [str(data.get("error", "")), str(data.get("remedy", ""))]
            return f"⚠ {what}", one_line(" ".join(p for p in parts if p), 800)
        case "held":
            return "⊘ Held back before sending", reason
        case "holding":
            return (
                "✉ Holding message sent",
                "The customer knows that the request is under review. The draft was not sent.",
            )
        case "resolved":
            names = ", ".join(around.name(str(user)) for user in list(data.get("users", ()))[:10])
            unable = "" if data.get("able") else ", who cannot decide on this case"
            return "Looked up", f"{around.role(str(data.get('role', '')))}: {names}{unable}."
        case "unresolved":
            error = one_line(str(data.get("error", "")), 500)
            return "⚠ Nobody found", f"as {around.role(str(data.get('role', '')))}. {error}".strip()
        case "reopened":
            return "↻ Reopened", f"by {around.name(str(data.get('by', '')))}. It waits for a decision again."
        case "moved":
            place = one_line(str(data.get("channel", "")), 80)
            return (
                "↪ Moved here",
                f"from #{place}, which cannot be used. Who may decide has not changed. {reason}".strip(),
            )
        case "reposted":
            return "↻ Posted again", "The packet was deleted from Slack, and its case is not closed by that."
        case "reassessed":
            by, words = around.name(str(data.get("by", ""))), one_line(str(data.get("words", "")), 200)
            channel = one_line(str(data.get("channel", "")), 80)
            decides = f"{around.role(str(data.get('role', '')))}{f' in #{channel}' if channel else ''}"
            return "↕ Reassessed", f"by {by}: {words}. It is decided by {decides}. {reason}".strip()
        case "draft_part":
            raise AssertionError("a part of the draft is a message of its own")


def _draft_part(case: Case, effect: ThreadReply, around: Surroundings) -> SlackMessage:
    """Rendered when sent, like everything: a text that changed or was withheld meanwhile is not shown any more."""
    part = int(effect.data.get("part", 0))
    version = int(effect.data.get("version", case.draft.version if case.draft else 0))
    draft = next((d for d in case.drafts if d.version == version), None)
    parts = draft_parts(draft.text) if draft else ()
    gone = draft is None or draft is not case.draft or is_withheld(case, around) or not 0 <= part < len(parts)
    if gone or any(f.sensitive for f in case.blocking):
        text = f"Part {part + 1} of version {version} is not shown: the reply has changed or is withheld."
        return slack_message(text, [context(plain(text))])
    title = f"Reply to be sent, part {part + 1} of {len(parts)}"
    blocks = [rich(line(bold(title), literal(f" · version {version}"))), *literal_sections(parts[part])]
    if part == len(parts) - 1:
        blocks.append(context(plain("End of the reply.")))
    return slack_message(f"{title}, version {version}. {prose(parts[part], 600)}", blocks)


# --- direct messages ---------------------------------------------------------------------------------------------


def direct_message(case: Case, effect: DirectMessage, around: Surroundings) -> SlackMessage:
    title, rest = _told(case, effect, around)
    blocks: list[Json] = [rich(line(bold(title), literal(f" · {rest}")))]
    if effect.kind in ("urgent", "asked") and (due := due_at(case)):
        blocks.append(context(mrkdwn(f"*Due* {when(due)}")))
    if effect.kind == "submitter_decided":
        blocks.append(outcome_block(case, around))
    if effect.kind == "receipt":
        blocks += _receipt_lines(case, effect, around)
    blocks.append(context(plain(f"{case_and_ticket(case)} · {customer_name(case)}")))
    packet = case.packet(str(effect.data.get("packet", ""))) or (case.packets[0] if case.packets else None)
    if packet and (url := around.permalink(packet.channel_id, packet.ts)):
        if effect.kind in ("cc_opened", "cc_closed"):  # who only has to know gets no button (DE7)
            blocks.append(rich(line(link(url, f"The case in #{one_line(packet.channel, 80)}"))))
        else:
            blocks.append({"type": "actions", "elements": [url_button("Open packet", "cs:open", url)]})
    return slack_message(f"{escape(title)}. {prose(rest, 600)} ({dead(case_and_ticket(case))})", blocks)


def _told(case: Case, effect: DirectMessage, around: Surroundings) -> tuple[str, str]:
    data = effect.data
    match effect.kind:
        case "urgent":
            return "⚠ Needs you now", f"{topic(case)}, {customer_name(case)}: waiting for {waiting_for(case, around)}."
        case "asked":
            role = around.role(str(data.get("role", "")))
            return "You are asked", f"as {role}: {topic(case)}, {customer_name(case)}."
        case "moved":
            return "↪ Needs you in another place", (
                f"{topic(case)}, {customer_name(case)}: its channel cannot be used, so its packet stands elsewhere. "
                "You may decide as before."
            )
        case "opened":
            return "↗ Opened", f"{topic(case)}, {customer_name(case)}: its packet stands in the channel now."
        case "feedback":
            why = ": ".join(
                filter(None, [spelled(str(data.get("category", ""))), one_line(str(data.get("text", "")), 600)])
            )
            then = _THEN.get(str(data.get("then", "")), "")
            return (
                "✖ Your draft was rejected",
                f"by {around.name(str(data.get('by', '')))}. {why or 'No reason given'}. {then}",
            )
        case "receipt":
            mine = next((a for a in case.approvals if a.user == effect.user), None)
            word = "signed off" if mine and mine.kind == "sign_off" else "approved"
            return "Receipt", f"you {word} {topic(case)} for {customer_name(case)}."
        case "submitter_decided":
            return "Your case was decided", f"{topic(case)} for {customer_name(case)}: {_ended(case, effect)}."
        case "cc_opened":
            asked = around.role(case.assessed.route.role)
            about = f"{topic(case)} for {customer_name(case)} waits for approval; {asked} were asked."
            return "For your information", f"{about} You get a second word when it ends."
        case "cc_closed":
            return "For your information", f"{topic(case)} for {customer_name(case)}: {_ended(case, effect)}."


def _ended(case: Case, effect: DirectMessage) -> str:
    """The state the message was written about: a case may be reopened before it is read."""
    state = str(effect.data.get("state", case.state))
    return CLOSED.get(state, ("", "In progress"))[1].lower()


def _receipt_lines(case: Case, effect: DirectMessage, around: Surroundings) -> list[Json]:
    """What they approved, its hash, when, and on which message (SL13)."""
    request_hash = one_line(str(effect.data.get("request_hash", case.request_hash)), 64)
    mine = next((a for a in case.approvals if a.user == effect.user), None)
    draft = case.draft
    lines = [line(bold("Request hash"), literal(f" · {request_hash}"))]
    if draft:
        said = f" · version {draft.version}, {CHANNEL_WORDS[case.ticket.channel]}: {clip(draft.text, 300)}"
        lines.append(line(bold("Text"), literal(said)))
        if len(draft.text) > 300:
            lines.append(line(literal(f"{counted(len(draft.text), 'character')} in all.")))
    packet = _decided_on(case, mine)
    if packet and (url := around.permalink(packet.channel_id, packet.ts)):
        lines.append(line(bold("Message"), literal(" · "), link(url, f"in #{one_line(packet.channel, 80)}")))
    blocks = [rich(*lines)]
    return [*blocks, context(mrkdwn(f"*Approved* {when(mine.at)}"))] if mine else blocks


def _decided_on(case: Case, mine: Approval | None) -> Packet | None:
    """The message on which they clicked; the case's first one where that was none of its packets (App Home)."""
    on = (mine.channel_id, mine.ts) if mine else None
    return next((p for p in case.packets if (p.channel_id, p.ts) == on), case.packets[0] if case.packets else None)
