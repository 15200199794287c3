"""A reply of one's own, from the shortcut to the lead's approval, as people do it in the page (SL14)."""

import pytest
from playwright.sync_api import expect

from tests.browser.office import MAYA, PRIYA, Office

pytestmark = pytest.mark.browser

TEXT = "Hello, your parcel is at the depot and comes tomorrow."


def test_the_shortcut_opens_the_form_and_a_lead_approves_what_was_written(office: Office) -> None:
    desk = office.sit(MAYA)
    desk.page.get_by_test_id("shortcuts").click()
    desk.page.get_by_role("menuitem", name="New reply").click()
    expect(desk.modal).to_contain_text("never you")
    desk.field("Ticket").first.fill("70901")
    desk.field("Customer id").fill("cust-70901")
    desk.field("What the customer wrote").fill("Where is my parcel?")
    desk.field("Your reply").fill("We have issued the refund.")
    desk.field("Amount").fill("40")
    desk.submit()
    expect(desk.error_at("What the reply promises")).to_contain_text("what the amount is for")
    desk.field("Amount").fill("")
    desk.submit()
    expect(desk.error_at("Your reply")).to_contain_text("money was given back")
    expect(desk.field("What the customer wrote")).to_have_value("Where is my parcel?")
    desk.field("Your reply").fill(TEXT)
    desk.submit()
    expect(desk.modal).to_have_count(0)

    (case,) = office.api.get("/v1/cases", params={"ticket_id": "70901"}).json()["items"]
    lead = office.sit(PRIYA, "support-escalations")
    expect(lead.packet(case["id"])).to_contain_text(TEXT)
    lead.click(case["id"], "Approve")
    expect(lead.notice).to_contain_text("Your approval is recorded.")
    office.pass_time()
    lead.go("pane-helpdesk")
    expect(lead.helpdesk(case["id"], "reply").get_by_test_id("helpdesk-text")).to_have_text(TEXT)
