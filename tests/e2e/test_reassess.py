"""One case from its card in /approvals: reassessed up and down, withdrawn, reopened (DE9)."""

from __future__ import annotations

import re

from app.sandbox.acting import DeliveryResult
from app.sandbox.model import Message
from tests.e2e.running import Office
from tests.e2e.town import AGENTS, DRAFT, LEAD, OUTSIDER, Json, Town, buttons, everything_said, low_body, wait_for

ANA, BEN = AGENTS[0], AGENTS[1]
A_DAY = 25 * 3_600


def card(town: Town, user: str, case_id: str) -> Message:
    """What `/approvals case ID` answers this person."""
    room = town.workspace.channel_named("support-review")
    town.workspace.join(room, user)
    before = {m.ts for m in town.messages()}
    assert town.people.slash(user, room.id, "/approvals", f"case {case_id}").ok
    return wait_for(
        lambda: next((m for m in town.messages() if m.ephemeral_to == user and m.ts not in before), None),
        f"a card of {case_id} for {user}",
    )


def says(
    town: Town, user: str, shown: Message, *, intent: str = "", tier: str = "", reason: str = ""
) -> DeliveryResult:
    """Opens Reassess from the card and submits it; the form stays open where it is refused."""
    assert town.click(user, shown, "cs:reassess").ok
    view = town.form(user)
    state = town.people.open_state(view.id)
    for block, value in (("intent", intent), ("tier", tier)):
        if value:
            state[block]["value"]["selected_option"] = _option(view.blocks, block, value)
    state["reason"] = {"value": {"type": "plain_text_input", "value": reason or None}}
    return town.people.submit_view(user, view.id, state)


def _option(blocks: list[Json], block: str, value: str) -> Json:
    select = next(b for b in blocks if b["block_id"] == block)["element"]
    options = [o for g in select.get("option_groups", [select]) for o in g["options"]]
    return next(o for o in options if o["value"] == value)


def packets_in(town: Town, case_id: str, channel: str) -> list[Message]:
    """Messages of this case in a channel that somebody can decide on."""
    room = town.workspace.channel_named(channel)
    shown = [m for m in town.workspace.everything(room.id) if m.ephemeral_to is None and not m.deleted]
    return [m for m in shown if case_id in m.text and {"cs:approve", "cs:edit", "cs:write"} & set(buttons(m))]


def metric(town: Town, line: str) -> float:
    text = town.call("GET", "/metrics").text
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_an_agent_raises_and_only_who_approves_lowers(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    town.message_with(case_id, "cs:approve")
    raised = 'countersign_overrides_total{direction="raised",kind="intent"}'
    before, heard = metric(town, raised), len(town.private(ANA))
    assert says(town, ANA, card(town, ANA, case_id), intent="legal_question").ok
    assert "Reassessed: high risk. It waits for" in town.told(ANA, heard + 1, "Reassessed")
    found = town.case(case_id)
    assert (found["tier"], found["route"]["role"], found["state"]) == ("high", "legal_approver", "pending")
    assert found["signals"]["intent"] == {"label": "legal_question", "confidence": 1.0, "source": "person"}
    wait_for(lambda: packets_in(town, case_id, "legal-approvals"), "a packet for Legal")
    assert metric(town, raised) == before + 1

    lowering = {"intent": "shipping_status", "reason": "They only ask where it is."}
    refused = says(town, BEN, card(town, BEN, case_id), **lowering)
    assert not refused.ok
    assert "lowers the risk from high to low" in refused.errors["tier"]
    town.workspace.views.clear(BEN)
    wordless = says(town, LEAD, card(town, LEAD, case_id), intent="shipping_status")
    assert "say why" in wordless.errors["reason"]
    town.workspace.views.clear(LEAD)
    assert town.case(case_id)["tier"] == "high"

    assert says(town, LEAD, card(town, LEAD, case_id), **lowering).ok
    assert (town.case(case_id)["tier"], town.case(case_id)["route"]["role"]) == ("low", "support_agent")
    wait_for(lambda: not packets_in(town, case_id, "legal-approvals"), "Legal's packet to lose its buttons")
    town.message_with(case_id, "cs:approve")
    town.approve(BEN, case_id)
    office.send_delay_over()
    town.reaches(case_id, "sent")
    assert [d.text for d in town.replies(case_id)] == [DRAFT]
    told = [(e["actor"], e["reason"]) for e in town.events(case_id, "Reassessed")]
    assert told == [(f"slack:{ANA}", ""), (f"slack:{LEAD}", lowering["reason"])]


def test_each_person_has_the_buttons_they_may_use_and_each_click_is_checked(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    wait_for(lambda: town.events(case_id, "PacketPosted"), "the packet's place to be known")
    mine, theirs, leads = (card(town, user, case_id) for user in (ANA, OUTSIDER, LEAD))
    assert set(buttons(mine)) == {"cs:open", "cs:claim", "cs:reassess", "cs:history"}
    assert set(buttons(theirs)) == {"cs:open", "cs:history"}
    assert set(buttons(leads)) == {"cs:open", "cs:reassess", "cs:history", "cs:withdraw"}
    assert buttons(mine)["cs:open"]["url"].startswith("http")

    before = len(town.private(BEN))
    stolen = town.click(ANA, mine, "cs:claim").payload
    stolen["actions"][0].update(action_id="cs:withdraw")
    stolen["user"].update(id=BEN)
    assert town.send(stolen | {"response_url": ""}) == 200
    assert "Only who submitted this case, or a support lead" in town.told(BEN, before)
    assert town.case(case_id)["state"] == "pending"

    town.click(LEAD, leads, "cs:withdraw")
    view = town.form(LEAD)
    state: Json = {"reason": {"value": {"type": "plain_text_input", "value": "Answered on the phone."}}}
    assert town.people.submit_view(LEAD, view.id, state).ok
    town.reaches(case_id, "withdrawn")
    (event,) = town.events(case_id, "CaseWithdrawn")
    assert (event["actor"], event["reason"]) == (f"slack:{LEAD}", "Answered on the phone.")

    before = len(town.private(ANA))
    town.click(ANA, mine, "cs:reassess")
    assert "This case was withdrawn" in town.told(ANA, before)
    assert town.replies(case_id) == []


def test_an_expired_case_is_reopened_from_its_card(town: Town, office: Office) -> None:
    case_id = town.submit(low_body(town.ticket()))
    town.message_with(case_id, "cs:approve")
    office.clock.advance(A_DAY)
    town.reaches(case_id, "expired")
    assert "cs:reopen" not in buttons(card(town, OUTSIDER, case_id))
    shown = card(town, ANA, case_id)
    assert "expired" in everything_said(shown).casefold()
    town.click(ANA, shown, "cs:reopen")
    town.reaches(case_id, "pending")
    assert [e["actor"] for e in town.events(case_id, "CaseReopened")] == [f"slack:{ANA}"]


def test_slash_commands_are_counted_by_word_and_outcome_and_nothing_typed_is_a_label(
    town: Town, office: Office
) -> None:
    room = town.workspace.channel_named("support-review")
    asked = {
        "": ("queues", "answered"),
        "mine": ("mine", "answered"),
        "#support-review": ("#queue", "answered"),
        "support-review": ("#queue", "answered"),
        "case c_neverexisted": ("case", "refused"),
        "pause no-right-to": ("pause", "refused"),
        "maria@acme.example": ("unknown", "answered"),
    }
    lines = {
        text: f'countersign_slash_commands_total{{outcome="{outcome}",word="{word}"}}'
        for text, (word, outcome) in asked.items()
    }
    before = {line: metric(town, line) for line in lines.values()}
    for text in asked:
        assert town.people.slash(ANA, room.id, "/approvals", text).ok
    wanted = {line: list(lines.values()).count(line) for line in before}
    assert {line: metric(town, line) - before[line] for line in before} == wanted
    assert "maria" not in town.call("GET", "/metrics").text
