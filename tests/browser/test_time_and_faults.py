"""What happens while nobody answers, when the customer writes again, and when a far end fails."""

import pytest
from playwright.sync_api import expect

from tests.browser.office import MAYA, NAME, PATIENCE, PRIYA, SHIPPING, TOMAS, Desk, Office, scripted

pytestmark = pytest.mark.browser

HOLDING = "Your request is under review by our team"


def test_a_case_nobody_decides_is_recalled_escalated_and_never_sent(office: Office) -> None:
    body = scripted(SHIPPING, "70201")
    case_id = office.receive(body)
    desk = office.sit(MAYA)
    expect(desk.packet(case_id)).to_contain_text("reminder")
    desk.jump(2)
    thread = desk.open_thread(case_id)
    expect(thread).to_contain_text("Still waiting · for Support agents to decide on a reply about shipping status.")
    expect(thread.locator(".mention")).to_have_text(["@Maya Lindqvist", "@Tomás Herrera"])

    desk.jump(2)
    expect(desk.open_thread(case_id)).to_contain_text("↗ Escalated · to Support leads in #support-escalations.")
    lead = office.sit(PRIYA, "support-escalations")
    expect(lead.packet(case_id)).to_contain_text("Low: escalated, approve a reply about shipping status")
    expect(lead.buttons(case_id)).to_have_text(["Approve", "Edit", "Reject", "Claim", "View history"])
    expect(desk.buttons(case_id)).to_have_text(["Approve", "Edit", "Reject", "Claim", "View history"])

    desk.jump(24)
    for person in (desk, lead):
        expect(person.packet(case_id)).to_contain_text("Expired")
        expect(person.packet(case_id)).to_contain_text("The draft was not sent.")
        expect(person.buttons(case_id)).to_have_text(["Reopen", "View history"])
    desk.go("pane-helpdesk")
    expect(desk.helpdesk(case_id, "holding")).to_have_count(1)
    expect(desk.helpdesk(case_id, "holding")).to_contain_text(HOLDING)
    expect(desk.helpdesk(case_id, "reply")).to_have_count(0)
    replies = office.demo.sandbox.helpdesk.replies("70201")
    assert [reply.text for reply in replies if body["draft"]["text"] in (reply.text or "")] == []


def test_a_click_on_a_closed_case_says_how_it_ended(office: Office) -> None:
    case_id = office.receive(scripted(SHIPPING, "70202"))
    desk, other = office.sit(MAYA), office.sit(TOMAS)
    expect(other.buttons(case_id).first).to_have_text("Approve")
    other.page.route("**/page/messages?*", lambda route: route.abort())  # this window fell asleep
    desk.click(case_id, "Approve")
    expect(desk.notice).to_contain_text("Your approval is recorded")
    expect(desk.buttons(case_id)).to_have_text(["View history"])
    with other.page.expect_response("**/page/action"):
        other.click(case_id, "Approve")
    other.page.unroute("**/page/messages?*")
    office.pass_time()
    expect(other.notice).to_contain_text("Not done")
    expect(other.notice).to_contain_text(f"approved by {NAME[MAYA]}")
    expect(other.buttons(case_id)).to_have_text(["View history"])


def test_a_helpdesk_that_fails_twice_gets_the_reply_once(office: Office) -> None:
    case_id = office.receive(scripted(SHIPPING, "70204"))
    desk = office.sit(MAYA)
    office.demo.sandbox.faults.set("helpdesk_500", 2)
    approve(office, desk, case_id)
    expect(desk.packet(case_id)).to_contain_text(f"Sent · approved by {NAME[MAYA]}")
    assert office.demo.sandbox.faults.get("helpdesk_500") == 0
    desk.go("pane-helpdesk")
    expect(desk.helpdesk(case_id, "reply")).to_have_count(1)
    assert len(office.demo.sandbox.helpdesk.replies("70204")) == 1
    assert office.demo.sandbox.helpdesk.repeats == []


def test_a_reply_of_unknown_fate_is_settled_by_a_person(office: Office) -> None:
    case_id = office.receive(scripted(SHIPPING, "70205"))
    desk = office.sit(MAYA)
    break_once(desk, "helpdesk_timeout_after")
    approve(office, desk, case_id)
    packet = desk.packet(case_id)
    expect(packet).to_contain_text("Delivery unclear", timeout=2 * PATIENCE)  # the bot waits 10 s
    expect(packet).to_contain_text("Look at the ticket, then say what you found.")
    expect(desk.buttons(case_id)).to_have_text(["It arrived", "Send again", "View history"])
    desk.click(case_id, "It arrived")
    assert "It will not be sent again." in desk.confirm()
    expect(packet).to_contain_text(f"Sent · approved by {NAME[MAYA]}")
    desk.go("pane-helpdesk")
    expect(desk.helpdesk(case_id, "ticket.fields").first).to_contain_text("approved")
    expect(desk.helpdesk(case_id, "reply")).to_have_count(1)
    assert office.demo.sandbox.helpdesk.repeats == []


def test_a_crm_that_failed_gets_its_fields_later(office: Office) -> None:
    case_id = office.receive(scripted(SHIPPING, "70206"))
    desk = office.sit(MAYA)
    expect(desk.packet(case_id)).to_be_visible()
    office.demo.sandbox.faults.set("crm_500", 2)
    approve(office, desk, case_id)
    desk.go("pane-crm")
    expect(desk.page.locator('[data-id="crm-70206"] > .table-scroll')).to_contain_text("await_customer")
    assert desk.crm("70206")["approval_outcome"] == "approved"
    assert office.demo.sandbox.faults.get("crm_500") == 0


def approve(office: Office, desk: Desk, case_id: str) -> None:
    desk.click(case_id, "Approve")
    expect(desk.notice).to_contain_text("Your approval is recorded")
    office.pass_time()


def break_once(desk: Desk, fault: str) -> None:
    desk.go("pane-controls")
    desk.page.get_by_test_id(f"fault-mode-{fault}").select_option("1")
    desk.page.get_by_test_id(f"fault-{fault}").check()
    desk.go("channel-support-review")
