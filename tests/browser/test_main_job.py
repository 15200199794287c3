"""The daily work as people do it in the page: approve, edit, write, sign off, reject, take back."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.office import (
    CARLA,
    DISCOUNT,
    INGRID,
    MAYA,
    NAME,
    PASSWORD,
    PERSONS_REFUND,
    REFUND,
    SHIPPING,
    TOMAS,
    Office,
    scripted,
    text_of,
)

pytestmark = pytest.mark.browser

HANDED_OVER = (
    "Hi Camille,\n\nI am sorry about the boiler. Your message and the photo are with our billing team now; "
    "they decide on it and you will hear from us here.\n\nTomás"
)


def test_an_approved_reply_goes_out_word_for_word(office: Office) -> None:
    body = scripted(SHIPPING, "70101")
    case_id = office.receive(body)
    desk = office.sit(MAYA)
    desk.click(case_id, "Approve")
    expect(desk.notice).to_contain_text("Only visible to you")
    expect(desk.notice).to_contain_text("Your approval is recorded. The reply goes out in 5 s.")
    expect(desk.notice.get_by_role("button", name="Undo")).to_be_visible()
    expect(desk.packet(case_id)).to_contain_text(f"Approved · approved by {NAME[MAYA]} (Support agents)")
    expect(desk.buttons(case_id)).to_have_text(["View history"])
    office.pass_time()
    expect(desk.packet(case_id)).to_contain_text(f"Sent · approved by {NAME[MAYA]} (Support agents)")

    desk.go("pane-helpdesk")
    reply = desk.helpdesk(case_id, "reply")
    expect(reply).to_have_count(1)
    assert text_of(reply.get_by_test_id("helpdesk-text")) == body["draft"]["text"]
    expect(desk.helpdesk(case_id, "ticket.fields").first).to_contain_text("approval_outcome")
    desk.go("pane-crm")
    expect(desk.page.locator('[data-id="crm-70101"] > .table-scroll')).to_contain_text("await_customer")
    assert desk.crm("70101").items() >= CRM_OF_AN_APPROVAL.items()
    desk.go("pane-audit")
    desk.page.get_by_test_id("audit-id").fill(case_id)
    desk.page.get_by_test_id("audit-open").click()
    expect(desk.page.get_by_test_id("audit-case")).to_contain_text("Baseline mode is on: a person reviews every reply.")
    approved = desk.page.locator('[data-testid="audit-event"][data-type="Approved"]')
    expect(approved).to_contain_text("Maya Lindqvist")
    assert office.case(case_id)["draft"]["request_hash"] in text_of(approved)


CRM_OF_AN_APPROVAL = {
    "helpdesk_ticket_id": "70101",
    "crm_ticket_id": "crm-70101",
    "customer_id": "cust-70101",
    "channel": "email",
    "intent": "shipping_status",
    "intent_confidence": "0.95",
    "sentiment": "neutral",
    "risk_tier": "low",
    "confidence_band": "high",
    "ai_used": "true",
    "ai_mode": "draft_reply",
    "ai_draft_sent": "true",
    "approval_required": "true",
    "approval_outcome": "approved",
    "approver_role": "agent",
    "escalated": "false",
    "resolution_code": "answered",
    "next_action": "await_customer",
    "csat_requested": "true",
    "ai_trace_id": "tr-5f01c2",
    "model_name": "support-writer-2",
}


def test_a_medium_case_wants_the_checklist_and_an_edit(office: Office) -> None:
    body = scripted(DISCOUNT, "70102")
    case_id = office.receive(body)
    desk = office.sit(MAYA)
    desk.click(case_id, "Approve")
    reply = desk.field("Reply to be sent")
    expect(reply).to_have_value(body["draft"]["text"])
    reply.fill(body["draft"]["text"].upper() + " !")
    desk.submit()
    expect(desk.error_at("Policy link checked")).to_have_text("Please complete this required field.")
    expect(reply).to_have_value(body["draft"]["text"].upper() + " !")

    desk.field("Policy link checked").check()
    desk.field("No commitments made").check()
    edited = "Hi Joris, the multi-site price list is the right page. When does the second location open?"
    reply.fill(edited)
    desk.submit()
    expect(desk.error_at("Policy link checked")).to_contain_text("Right customer identity context")
    expect(reply).to_have_value(edited)

    desk.tick_all()
    reply.fill(body["draft"]["text"].upper() + " !")
    desk.submit()
    expect(desk.error_at("Reply to be sent")).to_contain_text("Change the text")
    expect(reply).to_have_value(body["draft"]["text"].upper() + " !")
    expect(desk.field("Policy link checked")).to_be_checked()

    reply.fill(edited)
    desk.submit()
    expect(desk.modal).to_have_count(0)
    expect(desk.notice).to_contain_text("Your approval is recorded")
    expect(desk.packet(case_id)).to_contain_text("Changed from version 1 to 2")
    office.pass_time()
    expect(desk.packet(case_id)).to_contain_text(f"Sent · edited and approved by {NAME[MAYA]}")
    desk.go("pane-helpdesk")
    assert text_of(desk.helpdesk(case_id, "reply").get_by_test_id("helpdesk-text")) == edited
    desk.go("pane-crm")
    expect(desk.page.locator('[data-id="crm-70102"] > .table-scroll')).to_contain_text("edited")


def test_a_refund_is_written_by_one_and_signed_off_by_another(office: Office) -> None:
    case_id = office.receive(scripted(REFUND, "70103"))
    tomas = office.sit(TOMAS)
    tomas.write(case_id, HANDED_OVER)
    expect(tomas.notice).to_contain_text("The reply still needs a sign-off by Billing approvers.")
    expect(tomas.packet(case_id)).to_contain_text("1 of 2, waiting for Billing approvers")

    tomas.go("channel-billing-approvals")
    tomas.sign_off(case_id)
    expect(tomas.notice).to_contain_text("This step needs someone from @billing-approvers; you are not in it.")
    assert office.case(case_id)["state"] == "awaiting_signoff"

    ingrid = office.sit(INGRID, "billing-approvals")
    thread = ingrid.open_thread(case_id)
    expect(thread).to_contain_text(f"Approved so far by {NAME[TOMAS]} (Support agents).")
    expect(thread).to_contain_text("they decide on it and you will hear from us here.")
    thread.get_by_role("button", name="Sign of").click()
    asked = ingrid.confirm()
    assert "a refund of 240 EUR and version 2 of the reply to Atelier Roussel" in asked
    expect(thread).to_contain_text(f"✔ Signed off · by {NAME[INGRID]}")
    expect(thread).to_contain_text("✉ Delivered · The customer has the reply.")
    expect(thread.get_by_role("button", name="Sign of")).to_have_count(0)
    by = f"Sent · written by {NAME[TOMAS]} (Support agents), signed off by {NAME[INGRID]} (Billing approvers)"
    expect(ingrid.packet(case_id)).to_contain_text(by)

    request_hash = office.case(case_id)["draft"]["request_hash"]
    for desk, did in ((tomas, "approved"), (ingrid, "signed off")):
        desk.go("channel-Countersign")
        receipt = desk.page.locator("main").get_by_test_id("message").filter(has_text=request_hash)
        expect(receipt).to_contain_text(f"Receipt · you {did} a refund of 240 EUR for Atelier Roussel.")
    ingrid.go("pane-helpdesk")
    assert text_of(ingrid.helpdesk(case_id, "reply").get_by_test_id("helpdesk-text")) == HANDED_OVER


def test_whoever_wrote_the_reply_never_signs_it_off(office: Office) -> None:
    case_id = office.receive(scripted(REFUND, "70104"))
    ingrid = office.sit(INGRID, "billing-approvals")
    ingrid.write(case_id, HANDED_OVER)
    ingrid.sign_off(case_id)
    expect(ingrid.notice).to_contain_text(re.compile("a second person has to sign off|somebody else has to approve it"))
    assert office.case(case_id)["state"] == "awaiting_signoff"


def test_a_rejected_case_is_handed_back_with_the_reason(office: Office) -> None:
    case_id = office.receive(scripted(PASSWORD, "70105"))
    desk = office.sit(MAYA)
    desk.click(case_id, "Reject")
    desk.field("What is wrong?").select_option(label="Facts are wrong")
    desk.field("What should be different?").fill("The link works for a day, not an hour.")
    desk.field("Hand back").check()
    desk.submit()
    expect(desk.notice).to_contain_text("Rejected. The ticket goes back to the team with your reason.")
    packet = desk.packet(case_id)
    expect(packet).to_contain_text(f"Rejected · by {NAME[MAYA]} (Support agents)")
    expect(packet).to_contain_text("Reason: wrong facts: The link works for a day, not an hour.")
    expect(desk.buttons(case_id)).to_have_text(["View history"])
    desk.go("pane-helpdesk")
    expect(desk.helpdesk(case_id, "note")).to_contain_text("The link works for a day, not an hour.")
    expect(desk.helpdesk(case_id, "note")).to_contain_text("private")
    expect(desk.helpdesk(case_id, "reply")).to_have_count(0)
    desk.go("pane-crm")
    expect(desk.page.locator('[data-id="crm-70105"] > .table-scroll')).to_contain_text("rejected")
    written = desk.crm("70105")
    assert (written["approval_outcome"], written["next_action"]) == ("rejected", "agent_writes_reply")
    assert written["ai_draft_sent"] == "false"


def test_an_outsider_is_told_why_not(office: Office) -> None:
    case_id = office.receive(scripted(SHIPPING, "70106"))
    office.invite(CARLA, "support-review")
    desk = office.sit(CARLA)
    desk.click(case_id, "Approve")
    expect(desk.notice).to_contain_text("Only visible to you")
    expect(desk.notice).to_contain_text("Not done · This step needs someone from @support-agents; you are not in it.")
    expect(office.sit(MAYA).page.get_by_test_id("ephemeral").filter(has_text=case_id)).to_have_count(0)
    assert office.case(case_id)["state"] == "pending"


def test_nobody_approves_a_refund_they_submitted(office: Office) -> None:
    case_id = office.receive(scripted(PERSONS_REFUND, "70107"))
    desk = office.sit(MAYA, "billing-approvals")
    desk.click(case_id, "Approve")
    assert "a refund of 85 GBP" in desk.confirm()
    expect(desk.notice).to_contain_text("This reply is your own submission, so somebody else has to decide on it.")
    assert office.case(case_id)["state"] == "pending"


def test_a_promise_is_refused_at_the_field_and_nothing_typed_is_lost(office: Office) -> None:
    case_id = office.receive(scripted(SHIPPING, "70108"))
    desk = office.sit(MAYA)
    desk.click(case_id, "Edit")
    promise = "Hi Nora, we have issued a refund of 60 EUR; you will receive it in 3 days."
    desk.field("Reply to be sent").fill(promise)
    desk.submit()
    expect(desk.error_at("Reply to be sent")).to_contain_text("The reply promises money back, or when it will arrive")
    expect(desk.field("Reply to be sent")).to_have_value(promise)
    assert office.case(case_id)["draft"]["version"] == 1

    desk.field("Reply to be sent").fill("Hi Nora, we are looking for your parcel and will write to you here.")
    desk.submit()
    expect(desk.modal).to_have_count(0)
    expect(desk.packet(case_id)).to_contain_text(f"edited and approved by {NAME[MAYA]}")


def test_a_mis_tap_is_taken_back(office: Office) -> None:
    case_id = office.receive(scripted(PASSWORD, "70109"))
    desk = office.sit(TOMAS)
    desk.click(case_id, "Approve")
    desk.notice.get_by_role("button", name="Undo").click()
    expect(desk.notice).to_contain_text("The case waits for a decision again; nothing was sent.")
    expect(desk.packet(case_id).get_by_role("button", name="Approve")).to_be_visible()
    office.pass_time()
    desk.go("pane-helpdesk")
    expect(desk.page.get_by_test_id("panel-helpdesk")).to_be_visible()
    assert office.case(case_id)["state"] == "pending"
    expect(desk.helpdesk(case_id, "reply")).to_have_count(0)
