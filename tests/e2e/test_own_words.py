"""What people ask of Countersign themselves: a reply of their own, figures, another try, their Home (SL8, SL14)."""

from __future__ import annotations

from typing import Any

import pytest

from app.sandbox.delivery import DeliveryResult
from app.sandbox.model import Message, View
from app.sandbox.state import first_values
from tests.e2e.running import Office
from tests.e2e.town import (
    AGENTS,
    BILLING,
    LEAD,
    Json,
    Town,
    case_of,
    everything_said,
    high_body,
    low_body,
    texts_in,
    wait_for,
)

MAYA, OTHER_LEAD, GUEST, AUTOMATION = AGENTS[0], "U04DAN", "U23GUS", "U16AISHA"
LONG = "The parcel left our warehouse on Monday. " * 65
OWN = "Hello, your parcel is at the depot and comes tomorrow."


@pytest.fixture(autouse=True)
def no_burst(office: Office) -> None:
    """What earlier tests handed in came long ago: each case here has a packet of its own."""
    office.clock.advance(61)


@pytest.fixture
def here(town: Town) -> str:
    return town.workspace.channel_named("support-review").id


def ask(town: Town, user: str, words: str, here: str) -> Message:
    """What `/approvals words` answers this person."""
    before = {m.ts for m in town.messages()}
    assert town.people.slash(user, here, "/approvals", words).ok
    (answer,) = [m for m in town.messages() if m.ephemeral_to == user and m.ts not in before]
    return answer


def filled(view: View, **fields: str) -> Json:
    """The form's own values with some replaced; for a select give the option's value."""
    state = first_values(view.blocks)
    for block in view.blocks:
        if (wanted := fields.get(block["block_id"])) is None:
            continue
        element = block["element"]
        given: Json = {"type": element["type"], "value": wanted}
        if element["type"] == "static_select":
            (option,) = [o for o in element["options"] if o["value"] == wanted]
            given = {"type": element["type"], "selected_option": option}
        state[block["block_id"]] = {element["action_id"]: given}
    return state


def own_reply(ticket: str, **changes: str) -> dict[str, str]:
    known = {"ticket": ticket, "customer": f"cust-{ticket}", "message": "Where is my parcel?", "text": OWN}
    return {**known, **changes}


def opened(town: Town, user: str, here: str) -> View:
    assert town.people.slash(user, here, "/approvals", "new").ok
    view = town.form(user)
    assert view.body["callback_id"] == "cs:new"
    return view


def hand_in(town: Town, user: str, view: View, **fields: str) -> DeliveryResult:
    return town.people.submit_view(user, view.id, filled(view, **fields))


def handed_in(town: Town, user: str, here: str, **fields: str) -> str:
    """The id of the case that a person's own reply became."""
    before = len(town.private(user))
    assert hand_in(town, user, opened(town, user, here), **fields).ok
    said = town.told(user, before, "waits for approval as case")
    return said.partition("as case ")[2].partition(",")[0]


class TestNew:
    def test_handed_in_approved_by_a_lead_sent_and_told(self, town: Town, office: Office, here: str) -> None:
        ticket = town.ticket()
        case_id = handed_in(town, MAYA, here, **own_reply(ticket, name="Acme Tools", segment="standard"))
        case = town.case(case_id)
        assert case["route"] == {"role": "support_lead", "channel": "support-escalations"}
        assert case["draft"]["author"] == "human"
        assert case["signals"]["language"]["source"] == "builtin"
        (received,) = town.events(case_id, "CaseReceived")
        assert received["actor"] == f"slack:{MAYA}"
        assert received["slack"]["trigger"]

        before = len(town.private(MAYA))
        town.approve(LEAD, case_id)
        office.send_delay_over()
        town.reaches(case_id, "sent")
        assert [d.text for d in town.replies(case_id)] == [OWN]
        assert "Your case was decided" in town.told(MAYA, before, case_id)

    def test_the_submitter_cannot_approve_it(self, town: Town, office: Office, here: str) -> None:
        case_id = handed_in(town, LEAD, here, **own_reply(town.ticket()))
        packet = town.message_with(case_id, "cs:approve")
        before = len(town.private(LEAD))
        town.click(LEAD, packet, "cs:approve")
        assert "your own submission" in town.told(LEAD, before)
        assert town.case(case_id)["state"] == "pending"
        town.approve(OTHER_LEAD, case_id)
        town.reaches(case_id, "approved", "sending", "sent")

    def test_a_refund_takes_billing_and_the_receipts_lead_to_the_message(
        self, town: Town, office: Office, here: str
    ) -> None:
        text = "I am sorry that it arrived broken. Our billing team looks at it today."
        fields = own_reply(town.ticket(), text=text, message="It arrived broken, please refund it.")
        case_id = handed_in(town, MAYA, here, **fields, action="refund", amount=" 240 ", currency="eur")
        case = town.case(case_id)
        assert (case["tier"], case["route"]["role"]) == ("high", "billing_approver")
        assert case["requested_action"]["amount"] == "240"
        packet = town.message_with(case_id, "cs:approve")
        before = len(town.private(BILLING))
        town.approve(BILLING, case_id)
        town.approve("U06KWAME", case_id, "cs:signoff")
        town.reaches(case_id, "sent")
        town.told(BILLING, before, "Receipt")
        (receipt,) = [
            m for m in town.messages() if "Receipt" in m.text and _is_to(town, m, BILLING) and case_id in m.text
        ]
        assert case["draft"]["request_hash"] in everything_said(receipt)
        assert f"/archives/{packet.channel}/p{packet.ts.replace('.', '')}" in str(receipt.blocks)

    @pytest.mark.parametrize(
        ("fields", "block", "said"),
        [
            ({"ticket": "a\u200bb"}, "ticket", "invisible"),
            ({"customer": "   "}, "customer", "Must not be empty"),
            ({"message": "  "}, "message", "what the customer wrote"),
            ({"text": " \n "}, "text", "blank"),
            ({"text": "We have issued the refund."}, "text", "money was given back"),
            ({"amount": "40"}, "action", "what the amount is for"),
            ({"action": "refund", "amount": "about forty", "currency": "EUR"}, "amount", "digits"),
            ({"action": "refund", "amount": "-4", "currency": "EUR"}, "amount", "digits"),
            ({"action": "refund", "amount": "40"}, "currency", "Which currency"),
            ({"action": "refund", "amount": "40", "currency": "E1"}, "currency", "Three letters"),
            ({"text": "\x00"}, "text", "NUL"),
        ],
    )
    def test_a_mistake_stands_at_its_field_and_nothing_typed_is_lost(
        self, town: Town, office: Office, here: str, fields: dict[str, str], block: str, said: str
    ) -> None:
        ticket = town.ticket()
        view = opened(town, MAYA, here)
        result = hand_in(town, MAYA, view, **{**own_reply(ticket), **fields})
        assert result.response_action == "errors", result
        assert list(result.errors) == [block]
        assert said in result.errors[block]
        (still,) = town.workspace.views.stack(MAYA)
        assert still.state["message"]["value"]["value"] == fields.get("message", "Where is my parcel?")
        assert town.call("GET", f"/v1/cases?ticket_id={ticket}").json()["items"] == []
        assert hand_in(town, MAYA, still, **own_reply(ticket), action="none", amount="", currency="").ok

    def test_it_replaces_an_open_case_and_never_another_customers(self, town: Town, office: Office, here: str) -> None:
        ticket = town.ticket()
        body = low_body(ticket)
        body["customer"]["vip"] = True
        old = town.submit(body)
        view = opened(town, MAYA, here)
        wrong = hand_in(town, MAYA, view, **own_reply(ticket, customer="somebody-else"))
        assert "another customer's" in wrong.errors["customer"]
        assert town.case(old)["state"] == "pending"
        assert hand_in(town, MAYA, view, **own_reply(ticket)).ok
        town.reaches(old, "superseded")
        new = town.case(town.case(old)["superseded_by"])
        assert new["route"]["role"] == "vip_manager"

    def test_delivered_twice_it_is_one_case(self, town: Town, office: Office, here: str) -> None:
        ticket = town.ticket()
        view = opened(town, MAYA, here)
        result = hand_in(town, MAYA, view, **own_reply(ticket))
        assert town.send(result.payload) == 200
        assert len(town.call("GET", f"/v1/cases?ticket_id={ticket}").json()["items"]) == 1

    def test_a_long_reply_gets_more_room(self, town: Town, office: Office, here: str) -> None:
        ticket = town.ticket()
        view = opened(town, MAYA, here)
        first = filled(view, **own_reply(ticket, text=LONG))
        town.people.click(MAYA, action_id="cs:more_room", view_id=view.id, state=first)
        wait_for(lambda: "text_1" in str(town.form(MAYA).blocks), "more room")
        longer = town.form(MAYA)
        assert longer.state["text"]["value"]["value"] == LONG
        state = {**longer.state, **{"text_1": {"value": {"type": "plain_text_input", "value": "and the end."}}}}
        assert town.people.submit_view(MAYA, longer.id, state).ok
        (case,) = town.call("GET", f"/v1/cases?ticket_id={ticket}").json()["items"]
        assert case["draft"]["text"] == LONG + "and the end."

    def test_the_shortcut_opens_the_same_form(self, town: Town, office: Office) -> None:
        assert town.people.shortcut(MAYA, "cs:new").ok
        view = town.form(MAYA)
        before = len(town.private(MAYA))
        assert hand_in(town, MAYA, view, **own_reply(town.ticket())).ok
        assert "asked of" in town.told(MAYA, before)

    def test_a_guest_is_told_why_not(self, town: Town, office: Office) -> None:
        town.people.shortcut(GUEST, "cs:new")
        wait_for(lambda: any("cannot submit" in said for said in town.private(GUEST)), "a word to the guest")
        assert town.workspace.views.stack(GUEST) == []

    @pytest.mark.parametrize("words", ["", "mine", "stats", "failed", "policy", "#support-review", "case {case_id}"])
    def test_a_guest_sees_no_case_by_typing(self, town: Town, office: Office, words: str) -> None:
        case_id = town.submit(low_body(town.ticket()))
        before = len(town.private(GUEST))
        asked = words.format(case_id=case_id)
        assert town.people.slash(GUEST, town.workspace.channel_named("general").id, "/approvals", asked).ok
        said = town.told(GUEST, before)
        assert "full members" in said
        assert "Acme" not in said


class TestFailed:
    @pytest.fixture
    def stuck(self, town: Town, office: Office) -> str:
        """A case whose CRM patch gave up."""
        ticket = town.ticket()
        town.sandbox.crm.add_ticket(f"crm-{ticket}")
        town.faults.set("crm_reject_property", "risk_tier")
        body = low_body(ticket)
        body["customer"]["crm_ticket_id"] = f"crm-{ticket}"
        case_id = town.submit(body)
        wait_for(lambda: town.events(case_id, "DeliveryFailed"), "the CRM's refusal")
        town.faults.set("crm_reject_property", "")
        return case_id

    def test_a_lead_tries_again_and_it_is_on_record(self, town: Town, stuck: str, here: str) -> None:
        answer = ask(town, LEAD, "failed", here)
        assert "Fields of the CRM" in everything_said(answer)
        assert stuck in everything_said(answer)
        (again,) = [b for b in _rows(answer) if b["action_id"] == "cs:redrive" and case_of(b) == stuck]
        before = len(town.private(LEAD))
        block = next(b["block_id"] for b in answer.blocks if again in b.get("elements", ()))
        assert town.people.click(LEAD, answer.channel, answer.ts, action_id="cs:redrive", block_id=block).ok
        assert "goes out again" in town.told(LEAD, before)
        (redriven,) = town.events(stuck, "DeliveryRedriven")
        assert redriven["actor"] == f"slack:{LEAD}"
        ticket = town.case(stuck)["ticket"]["id"]
        wait_for(lambda: town.sandbox.crm.tickets[f"crm-{ticket}"].get("risk_tier") == "low", "the patch")
        assert stuck not in everything_said(ask(town, LEAD, "failed", here))

        before = len(town.private(LEAD))
        town.people.click(LEAD, answer.channel, answer.ts, action_id="cs:redrive", block_id=block)
        assert "nothing to try again" in town.told(LEAD, before)

    def test_an_agent_reads_it_and_cannot(self, town: Town, stuck: str, here: str) -> None:
        answer = ask(town, MAYA, "failed", here)
        assert stuck in everything_said(answer)
        assert "cs:redrive" not in {b["action_id"] for b in _rows(answer)}
        theirs = ask(town, AUTOMATION, "failed", here)
        (again,) = [b for b in _rows(theirs) if b["action_id"] == "cs:redrive" and case_of(b) == stuck]
        block = next(b["block_id"] for b in theirs.blocks if again in b.get("elements", ()))
        payload = town.people.click(
            AUTOMATION, theirs.channel, theirs.ts, action_id="cs:redrive", block_id=block
        ).payload
        before = len(town.private(MAYA))
        town.send({**payload, "user": {**payload["user"], "id": MAYA}, "response_url": ""})
        assert town.told(MAYA, before)
        assert [e["actor"] for e in town.events(stuck, "DeliveryRedriven")] == [f"slack:{AUTOMATION}"]


def test_people_in_copy_hear_of_start_and_end_without_buttons(town: Town, office: Office) -> None:
    by_id, by_mail = AGENTS[8], "U17GRACE"
    case_id = town.submit(low_body(town.ticket(), cc=[by_id, "grace@countersign.example", "nobody@elsewhere.example"]))
    for user in (by_id, by_mail):
        town.told(user, 0, "waits for approval")
    town.approve(MAYA, case_id)
    office.send_delay_over()
    town.reaches(case_id, "sent")
    for user in (by_id, by_mail):
        wait_for(lambda user=user: len(_direct(town, user, case_id)) == 2, f"the second word to {user}")
        assert [_rows(message) for message in _direct(town, user, case_id)] == [[], []]
    told = [event["data"]["what"] for event in town.events(case_id, "CcTold")]
    assert told == ["start", "end"]


def _direct(town: Town, user: str, case_id: str) -> list[Message]:
    return [m for m in town.messages() if _is_to(town, m, user) and case_id in m.text]


def test_stats_count_what_waits_and_what_was_decided(town: Town, office: Office, here: str) -> None:
    before = everything_said(ask(town, MAYA, "stats", here))
    case_id = town.submit(low_body(town.ticket()))
    town.approve(MAYA, case_id)
    town.submit(high_body(town.ticket()))
    said = everything_said(ask(town, MAYA, "stats", here))
    assert "Team figures" in said
    assert "#billing-approvals" in said
    assert _decided(said) == _decided(before) + 1


def _decided(said: str) -> int:
    return int(said.partition(" case")[0].split()[-1])


class TestHome:
    def test_it_shows_what_i_handed_in_what_waits_and_the_figures(self, town: Town, office: Office, here: str) -> None:
        mine = handed_in(town, AGENTS[5], here, **own_reply(town.ticket()))
        waiting = town.submit(low_body(town.ticket()))
        for case_id in (waiting, mine):
            _posted(town, case_id)
        view = self.home(town, AGENTS[5], "What you submitted")
        said = "\n".join(texts_in(view.blocks))
        submitted = said.partition("What you submitted")[2]
        assert mine in submitted
        assert waiting in said
        assert "Time to decide" in said
        actions = {e["action_id"] for b in view.blocks if b["type"] == "actions" for e in b["elements"]}
        assert {"cs:new", "cs:open", "cs:edit", "cs:history"} <= actions
        assert "cs:approve" not in actions

    def test_its_buttons_work_and_show_what_came_of_it(self, town: Town, office: Office, here: str) -> None:
        user = AGENTS[6]
        case_id = town.submit(low_body(town.ticket()))
        _posted(town, case_id)
        view = self.home(town, user, case_id)
        row = next(b for b in view.blocks if b["type"] == "actions" and case_of(_named(b, "cs:claim")) == case_id)
        assert town.people.click(user, action_id="cs:claim", view_id=view.id, block_id=row["block_id"]).ok
        wait_for(lambda: town.events(case_id, "CaseClaimed"), "the claim")
        wait_for(lambda: "cs:release" in str(town.workspace.views.homes[user].blocks), "Home to show the claim")

    def test_a_new_reply_can_be_begun_there(self, town: Town, office: Office) -> None:
        user = AGENTS[7]
        view = self.home(town, user, "New reply")
        assert town.people.click(user, action_id="cs:new", view_id=view.id).ok
        ticket = town.ticket()
        assert hand_in(town, user, town.form(user), **own_reply(ticket)).ok
        (case,) = town.call("GET", f"/v1/cases?ticket_id={ticket}").json()["items"]
        wait_for(lambda: case["id"] in str(town.workspace.views.homes[user].blocks), "Home to show it")

    def test_a_guest_is_offered_nothing(self, town: Town, office: Office) -> None:
        view = self.home(town, GUEST, "Nothing to decide")
        assert "cs:new" not in str(view.blocks)
        assert "Team figures" not in str(view.blocks)

    def home(self, town: Town, user: str, what: str) -> View:
        assert town.people.open_home(user).ok

        def look() -> View | None:
            home = town.workspace.views.homes.get(user)
            return home if home and what in str(home.blocks) else None

        return wait_for(look, f"the Home of {user} with {what!r}")


def _posted(town: Town, case_id: str) -> None:
    """Home leads to packets that are known to stand in Slack."""
    wait_for(lambda: town.events(case_id, "PacketPosted"), f"the packet of {case_id}")


def _rows(message: Message) -> list[dict[str, Any]]:
    return [e for b in message.blocks if b["type"] == "actions" for e in b["elements"]]


def _named(row: Json, action: str) -> Json | None:
    return next((e for e in row["elements"] if e["action_id"] == action), None)


def _is_to(town: Town, message: Message, user: str) -> bool:
    return town.workspace.channels[message.channel].im_user == user
