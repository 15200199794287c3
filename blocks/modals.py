"""Modals: what people fill in before they decide, and what they only look at.

Input ids: `text`, or `text_0`, `text_1`… for a long draft; `checklist`, `category`, `then`, `reason`, `template`; the
action id is always `value`. A modal filled anew from a template gets other block ids (`text~1`), since Slack keeps
what was typed under an id it knows. `field_for_error` names the input at which a refusal has to stand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from app.core.case import Case, Channel, Packet
from blocks.details import customer_quote, summary_lines
from blocks.kit import Json, bold, button, context, divider, line, literal, literal_sections, plain, rich
from blocks.packet import frozen_at
from blocks.surface import Surroundings
from blocks.text import chunks, clip, hidden_count, one_line, spelled
from blocks.words import (
    CHANNEL_WORDS,
    TIER_WORDS,
    action_phrase,
    case_and_ticket,
    customer_name,
    decidable_draft,
    is_withheld,
    must_edit,
    short_hash,
)

MAX_INPUT = 3_000
SPLIT_INPUT = 2_500  # leaves room to write in every part
MAX_METADATA = 3_000
MAX_TEXT = 20_000
NOTHING = "none"  # chosen where a select needs a choice and there is none
MAX_OPTIONS = 100
_CHANNELS = {name: words[:1].upper() + words[1:] for name, words in CHANNEL_WORDS.items()}
_TEXT_ID = re.compile(r"text(?:_(\d+))?(?:~\d+)?")


def edit_view(
    case: Case,
    packet: Packet,
    meta: Mapping[str, str],
    around: Surroundings,
    *,
    text: str | None = None,
    revision: int = 0,
) -> Json:
    """`text` and `revision` (1, 2, …) refill the modal with a template that was picked."""
    draft = decidable_draft(case, around)
    current = text if text is not None else draft.text if draft else ""
    blocks = [
        _about(case),
        *_template_picker(around),
        *text_inputs(current, "Reply to be sent", revision=revision),
        *_checklist(case),
        context(plain(f"Saving is your own approval of this text, as far as your role allows.{_voids(case)}")),
    ]
    return _modal("Edit reply", "cs:edit", "Save", blocks, _metadata(case, packet, meta))


def _voids(case: Case) -> str:
    return " Approvals given so far will be void." if case.approvals else ""


def approve_view(case: Case, packet: Packet, meta: Mapping[str, str], around: Surroundings) -> Json:
    """The checklist beside exactly what is approved; where policy wants an edit, the text is an input."""
    draft = decidable_draft(case, around)
    text = draft.text if draft else ""
    blocks: list[Json] = [_about(case)]
    if must_edit(case):
        hint = "Policy asks for an edit by a person: put it into your own words."
        blocks += [*_template_picker(around), *text_inputs(text, "Reply to be sent", hint=hint)]
    else:
        blocks += [*_text_as_it_is(case, text), divider()]
    blocks += _checklist(case)
    return _modal("Approve reply", "cs:approve", "Approve", blocks, _metadata(case, packet, meta))


def write_view(
    case: Case,
    packet: Packet,
    meta: Mapping[str, str],
    around: Surroundings,
    *,
    text: str = "",
    revision: int = 0,
) -> Json:
    """Empty: withheld AI text is never prefilled. `text` and `revision` are those of `edit_view`."""
    blocks = [
        _about(case),
        *customer_quote(case),
        *summary_lines(case),
        *_template_picker(around),
        *text_inputs(text, "Your reply", revision=revision),
        *_checklist(case),
        context(plain("Submitting is your own approval of this text, as far as your role allows.")),
    ]
    return _modal("Write reply", "cs:write", "Submit", blocks, _metadata(case, packet, meta))


def reject_view(case: Case, packet: Packet, meta: Mapping[str, str], around: Surroundings) -> Json:
    categories = around.reject_categories or (("other", "Other"),)
    options = [_option(label, value) for value, label in categories[:100]]
    then = [
        _option("Draft again", "redraft", "Whoever sent the draft is asked for a new one."),
        _option("Write reply", "write", "A person writes it; the case stays open."),
        _option("Hand back", "hand_back", "The case ends as rejected; the ticket gets a note."),
    ]
    if is_withheld(case, around):
        then = then[1:]
    category = {"type": "static_select", "action_id": "value", "options": options}
    radio = {"type": "radio_buttons", "action_id": "value", "options": then, "initial_option": then[0]}
    blocks = [
        _about(case),
        _input("category", "What is wrong?", category),
        _input("reason", "What should be different?", _text_box(), hint="The author and the next draft get this."),
        _input("then", "What next?", radio),
    ]
    return _modal("Reject reply", "cs:reject", "Reject", blocks, _metadata(case, packet, meta))


def decline_view(case: Case, packet: Packet, meta: Mapping[str, str], around: Surroundings) -> Json:
    frozen = frozen_at(case, packet)
    note = f"The case returns to its first reviewers with your reason ({len(case.approvals)} approval(s) become void)."
    blocks = [
        _about(frozen),
        _input("reason", "Why do you decline?", _text_box()),
        context(plain(note), plain(f"Asked of {around.role(packet.role)}")),
    ]
    return _modal("Decline sign-off", "cs:decline", "Decline", blocks, _metadata(case, packet, meta))


def override_view(case: Case, packet: Packet, meta: Mapping[str, str], around: Surroundings) -> Json:
    why = "; ".join(dict.fromkeys(one_line(f.reason or f.rule_id, 150).rstrip(" .") for f in case.blocking[:5]))
    roles = " or ".join(dict.fromkeys(around.role(f.overridable_by) for f in case.blocking if f.overridable_by))
    draft = case.draft
    blocks = [
        _about(case),
        rich(line(bold("⊘ Blocked"), literal(f" · {why}"))),
        *_text_as_it_is(case, draft.text if draft else ""),
        _input("reason", "Why is the guardrail wrong about this text?", _text_box()),
        context(plain(f"Two people have to say so ({roles}). It approves nothing: the usual approvals still follow.")),
    ]
    return _modal("Override guardrail", "cs:override", "Override", blocks, _metadata(case, packet, meta))


def reassess_view(case: Case, packet: Packet | None, meta: Mapping[str, str], around: Surroundings) -> Json:
    """What the customer wants and how risky it is, in a person's words; either may stay as it is."""
    tiers = [_option(f"{word} risk", tier) for tier, word in TIER_WORDS.items()]
    intent = case.intent
    known = spelled(intent.label) if intent else "nobody could tell"
    now = f"Now: {TIER_WORDS[case.assessed.tier].lower()} risk, {known}."
    void = "Approvals so far become void, unless the same is asked of the same people as now."
    rules = "Policy's rules on the customer's words, the account and money hold whatever you say."
    hint = "Needed where less is asked of people than before; then it also takes an approver of this case."
    blocks = [
        _about(case),
        context(plain(now), plain(rules), plain(void)),
        *_intent_picker(around),
        _input("tier", "How risky is it?", _select("As the rules say", options=tiers), optional=True),
        _input("reason", "Why?", _text_box(), hint=hint, optional=True),
    ]
    return _modal("Reassess case", "cs:reassess", "Reassess", blocks, _metadata(case, packet, meta))


def withdraw_view(case: Case, packet: Packet | None, meta: Mapping[str, str], around: Surroundings) -> Json:
    submitted = case.submitted_by
    by = around.name(submitted.slack_user) if submitted and submitted.slack_user else "a program"
    note = f"Submitted by {by}. Its packets close, and nothing of it is sent."
    blocks = [_about(case), _input("reason", "Why is it withdrawn?", _text_box()), context(plain(note))]
    return _modal("Withdraw case", "cs:withdraw", "Withdraw", blocks, _metadata(case, packet, meta))


def reason_form(title: str, callback_id: str, submit: str, label: str, metadata: str) -> Json:
    """One field, `reason`, about something that is no case."""
    return _modal(title, callback_id, submit, [_input("reason", label, _text_box())], metadata)


def new_reply_view(actions: Sequence[str], metadata: str, *, parts: int = 1) -> Json:
    """A person's own reply for approval; `actions` are the types policy knows, `parts` the inputs for the text.

    Filled in anew with more parts it keeps what was typed: the ids stay.
    """
    segments = [
        _option("Not known", NOTHING),
        *(_option(name.capitalize(), name) for name in ("small", "standard", "enterprise")),
    ]
    channels = [_option(_CHANNELS[name], name) for name in get_args(Channel)]
    promised = [_option("Nothing", NOTHING)]
    promised += (_option(spelled(kind, 75).capitalize(), kind) for kind in actions[:99] if len(kind) <= 150)
    text = [_input("text", "Your reply", _text_box())]
    text += [_input(f"text_{n}", "Your reply, continued", _text_box(), optional=True) for n in range(1, parts)]
    room = {"type": "actions", "elements": [button("More room", "cs:more_room", str(parts))]}
    blocks = [
        context(plain("Others approve it before the customer gets it: a support lead at least, and never you.")),
        _input("ticket", "Ticket", _line_box(200), hint="A case that is open on this ticket is replaced by yours."),
        _input("url", "Link to the ticket", _line_box(2_000), optional=True),
        _input("customer", "Customer id", _line_box(200), hint="As your helpdesk or CRM knows them."),
        _input("name", "Customer name", _line_box(500), optional=True),
        _input("segment", "Segment", _one_of(segments)),
        _input("channel", "The reply goes", _one_of(channels)),
        _input("message", "What the customer wrote", _text_box()),
        *text,
        *([room] if parts * MAX_INPUT < MAX_TEXT else []),
        _input("action", "What the reply promises", _one_of(promised)),
        _input("amount", "Amount", _line_box(200), hint="Of what it promises, such as 49.90", optional=True),
        _input("currency", "Currency", _line_box(3), hint="Three letters, such as EUR", optional=True),
    ]
    return _modal("New reply", "cs:new", "Submit", blocks, metadata)


def withheld_view(case: Case) -> Json:
    """The AI text that policy keeps back: to read, never to send."""
    draft = next((d for d in reversed(case.drafts) if d.author == "ai"), None)
    text = draft.text if draft else ""
    blocks = [
        rich(
            line(bold("Not to be sent"), literal(" · AI text, shown for information. That you opened it is recorded."))
        ),
        divider(),
        *(literal_sections(text) or [context(plain("There is no AI draft."))]),
    ]
    return _modal("Withheld draft", "", "", blocks)


def message_view(title: str, text: str, kept_text: str = "") -> Json:
    """Stands in for a modal that cannot do its work any more; what was typed stays there to be copied."""
    blocks = [rich(line(literal(clip(text, 2_900))))]
    if kept_text.strip():
        blocks += [divider(), rich(line(bold("What you wrote"))), *literal_sections(kept_text[:MAX_TEXT])]
    return _modal(one_line(title, 24) or "Countersign", "", "", blocks)


# --- reading a submitted modal -----------------------------------------------------------------------------------


def text_from_view(view_state: Mapping[str, Any]) -> str:
    """The inputs of a long text joined unchanged; `view_state` is Slack's `view.state` or its `values`."""
    values = view_state.get("values", view_state)
    found: list[tuple[int, str]] = []
    for block_id, actions in values.items():
        if match := _TEXT_ID.fullmatch(str(block_id)):
            found.append((int(match.group(1) or 0), str((actions.get("value") or {}).get("value") or "")))
    return "".join(text for _, text in sorted(found, key=lambda one: one[0]))


def field_for_error(view_state: Mapping[str, Any]) -> str:
    """Block id of the first text input."""
    ids = [str(i) for i in view_state.get("values", view_state) if _TEXT_ID.fullmatch(str(i))]
    return min(ids, key=lambda i: int((_TEXT_ID.fullmatch(i) or [0, 0])[1] or 0), default="text")


# --- parts -------------------------------------------------------------------------------------------------------


def text_inputs(text: str, label: str, *, hint: str = "", revision: int = 0) -> list[Json]:
    """One input, or several where Slack's limit for one asks for it; all but the first may be emptied."""
    mark = f"~{revision}" if revision else ""
    if len(text) <= SPLIT_INPUT:
        made = [_input(f"text{mark}", label, _text_box(text), hint=hint)]
        if len(text) > MAX_INPUT - 1_000:
            made.append(_input(f"text_1{mark}", f"{label}, continued", _text_box(), optional=True))
        return made
    pieces = list(chunks(text, SPLIT_INPUT))
    return [
        _input(
            f"text_{number}{mark}",
            f"{label}, part {number + 1} of {len(pieces)}",
            _text_box(piece),
            hint="" if number else hint,
            optional=number > 0,
        )
        for number, piece in enumerate(pieces)
    ]


def _text_box(initial: str = "") -> Json:
    box: Json = {"type": "plain_text_input", "action_id": "value", "multiline": True, "max_length": MAX_INPUT}
    return {**box, "initial_value": initial} if initial else box


def _line_box(longest: int) -> Json:
    return {"type": "plain_text_input", "action_id": "value", "max_length": longest}


def _input(block_id: str, label: str, element: Json, *, hint: str = "", optional: bool = False) -> Json:
    block: Json = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element,
        "optional": optional,
    }
    return {**block, "hint": plain(hint)} if hint else block


def _option(text: str, value: str, description: str = "") -> Json:
    option: Json = {"text": plain(one_line(text, 75) or value[:75]), "value": value[:150]}
    return {**option, "description": plain(clip(description, 75))} if description else option


def _select(placeholder: str, **options: list[Json]) -> Json:
    return {"type": "static_select", "action_id": "value", "placeholder": plain(placeholder), **options}


def _one_of(options: list[Json]) -> Json:
    """The first one is chosen until another is."""
    return {**_select("Choose", options=options), "initial_option": options[0]}


def _intent_picker(around: Surroundings) -> list[Json]:
    """By the tier each brings about at least. Slack takes a hundred options to a group."""
    groups: list[Json] = []
    for tier, word in TIER_WORDS.items():
        options = [_option(title[:1].upper() + title[1:], label) for label, title, of in around.intents if of == tier]
        groups += [
            {"label": plain(f"{word} risk"), "options": options[start : start + MAX_OPTIONS]}
            for start in range(0, len(options), MAX_OPTIONS)
        ]
    if not groups:
        return []
    select = _select("As it was understood", option_groups=groups[:MAX_OPTIONS])
    return [_input("intent", "What does the customer want?", select, optional=True)]


def _template_picker(around: Surroundings) -> list[Json]:
    options = [_option(title or key, key) for key, title, _ in around.templates[:100] if key]
    if not options:
        return []
    select = _select("Approved templates", options=options)
    return [{**_input("template", "Start from a template", select, optional=True), "dispatch_action": True}]


def _checklist(case: Case) -> list[Json]:
    """Option values are the items' indexes; that all are ticked is checked when it is submitted."""
    items = case.assessed.checklist[:10]
    if not items:
        return []
    options = [_option(item, str(i), item[74:] if len(item) > 75 else "") for i, item in enumerate(items)]
    boxes = {"type": "checkboxes", "action_id": "value", "options": options}
    return [_input("checklist", "Checklist: tick all after checking", boxes)]


def _about(case: Case) -> Json:
    """What this modal decides on, in one line."""
    action = f"{action_phrase(case.action)} · " if case.action else ""
    version = f"version {case.draft.version} · " if case.draft else ""
    how = f"to {customer_name(case)} {CHANNEL_WORDS[case.ticket.channel]}"
    return context(plain(f"{action}{version}{how} · {case_and_ticket(case)} · hash {short_hash(case.request_hash)}"))


def _text_as_it_is(case: Case, text: str) -> list[Json]:
    blocks = [rich(line(bold("Reply to be sent"))), *literal_sections(text)]
    if not text:
        blocks.append(context(plain("(The text is empty.)" if case.draft else "(There is no reply yet.)")))
    if hidden := hidden_count(text):
        blocks.append(context(plain(f"⚠ The text holds {hidden} characters that nobody can see.")))
    return blocks


def _metadata(case: Case, packet: Packet | None, meta: Mapping[str, str]) -> str:
    """JSON with c, h, p and whatever the caller knows (ch, ts, ru); the response URL goes first if it is too long."""
    known = {"c": case.id, "h": case.request_hash, "p": packet.key if packet else "", **meta}
    text = json.dumps(known, separators=(",", ":"))
    if len(text) > MAX_METADATA:
        text = json.dumps({k: v for k, v in known.items() if k in ("c", "h", "p", "ch", "ts")}, separators=(",", ":"))
    return text


def _modal(title: str, callback_id: str, submit: str, blocks: Sequence[Json], metadata: str = "") -> Json:
    view: Json = {
        "type": "modal",
        "title": plain(title),
        "close": plain("Cancel" if submit else "Close"),
        "blocks": list(blocks)[:100],
    }
    if submit:
        view |= {"submit": plain(submit), "callback_id": callback_id, "private_metadata": metadata}
    return view
