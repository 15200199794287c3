"""One case between several people: all are played in one window, by being one after the other."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.office import (
    DAN,
    HELENE,
    INGRID,
    KWAME,
    MAYA,
    NAME,
    PASSWORD,
    PRIYA,
    REFUND,
    SHIPPING,
    TOMAS,
    Desk,
    Office,
    running,
    scripted,
    text_of,
)
from tests.e2e.running import policy_with

pytestmark = pytest.mark.browser

BY_TOMAS = (
    "Hi Camille,\n\nI am sorry about the boiler. Your message and the photo are with our billing team now; "
    "they decide on it and you will hear from us here.\n\nTomás"
)
BY_INGRID = BY_TOMAS.replace("Tomás", "Ingrid, for the billing team")
BY_MAYA = "Hi Nora, we have asked the carrier where your parcel is and will write to you here.\n\nMaya"

# One step of the shipped policy wants one from each of two roles; here these are legal and billing.
SHIPPED = """label: Sign-off by billing and by a lead
    when: action.irreversible && action.money
    each: [billing_approver, support_lead]"""
SIDE_BY_SIDE = """label: Sign-off by legal and by billing
    when: action.irreversible && action.money
    each: [legal_approver, billing_approver]"""
LEGAL_PEOPLE = "users: [helene@countersign.example, rafael@countersign.example, kwame@countersign.example]"


def test_legal_and_billing_sign_side_by_side_in_either_order(browser: Browser, tmp_path: Path) -> None:
    policies = policy_with(tmp_path, "risk.yaml", SHIPPED, SIDE_BY_SIDE)
    policy_with(tmp_path, "roles.yaml", "group: legal-approvers", LEGAL_PEOPLE)
    with running(browser, tmp_path, policies=policies) as office:
        office.invite(KWAME, "legal-approvals")
        first, second = (office.receive(irreversible(ticket)) for ticket in ("70601", "70602"))
        desk = office.sit(TOMAS)
        for case_id in (first, second):
            desk.write(case_id, BY_TOMAS)
            waits = f"1 of 3, waiting for Legal approvers and Billing approvers · approved by {NAME[TOMAS]}"
            expect(progress(desk, case_id)).to_contain_text(f"{waits} (Support agents)")

        desk.become(KWAME)
        desk.go("channel-legal-approvals")
        expect(desk.packet(first)).to_contain_text("High: waiting for sign-off on a refund of 240 EUR")
        desk.go("channel-billing-approvals")
        desk.sign_off(first)
        expect(desk.notice).to_contain_text("The reply still needs a sign-off by Legal approvers.")
        expect(desk.thread).to_contain_text(f"✔ Signed off · by {NAME[KWAME]} (Billing approvers)")
        desk.go("channel-legal-approvals")
        expect(progress(desk, first)).to_contain_text("2 of 3, waiting for Legal approvers · approved by ")
        expect(progress(desk, first)).to_contain_text(f"{NAME[KWAME]} (Billing approvers)")
        desk.sign_off(first)
        expect(desk.notice).to_contain_text("You approved an earlier step; a second person has to sign off.")
        assert office.case(first)["state"] == "awaiting_signoff"

        desk.become(HELENE)
        desk.sign_off(first)
        expect(desk.packet(first)).to_contain_text(f"signed off by {NAME[HELENE]} (Legal approvers)")
        desk.sign_off(second)
        expect(progress(desk, second)).to_contain_text("2 of 3, waiting for Billing approvers")
        desk.become(INGRID)
        desk.go("channel-billing-approvals")
        desk.sign_off(second)
        for case_id, legal, billing in ((first, HELENE, KWAME), (second, HELENE, INGRID)):
            expect(desk.packet(case_id)).to_contain_text(f"Sent · written by {NAME[TOMAS]} (Support agents)")
            expect(desk.packet(case_id)).to_contain_text(f"signed off by {NAME[legal]} (Legal approvers)")
            expect(desk.packet(case_id)).to_contain_text(f"signed off by {NAME[billing]} (Billing approvers)")
        desk.go("pane-helpdesk")
        for case_id in (first, second):
            the_customer_got(desk, case_id, BY_TOMAS)
        office.go_home()


def irreversible(ticket: str) -> dict[str, object]:
    body = scripted(REFUND, ticket)
    body["requested_action"]["irreversible"] = True
    return body


def test_an_edit_voids_what_was_approved_and_only_the_new_text_goes_out(office: Office) -> None:
    case_id = office.receive(scripted(REFUND, "70603"))
    desk = office.sit(TOMAS)
    desk.write(case_id, BY_TOMAS)
    desk.become(INGRID)
    desk.go("channel-billing-approvals")
    desk.click(case_id, "Edit")
    expect(desk.field("Reply to be sent")).to_have_value(BY_TOMAS)
    expect(desk.modal).to_contain_text("Approvals given so far will be void.")
    desk.field("Reply to be sent").fill(BY_INGRID)
    desk.submit()
    expect(desk.modal).to_have_count(0)
    thread = desk.open_thread(case_id)
    expect(thread).to_contain_text("Closed · the text was changed, so earlier approvals are void.")
    expect(thread).to_contain_text("↩ Approvals so far are void · The text was edited.")
    expect(thread).to_contain_text(f"Approved so far by {NAME[INGRID]} (Billing approvers).")
    expect(thread.get_by_role("button", name="Sign off", exact=True)).to_have_count(1)

    desk.become(TOMAS)
    desk.go("channel-support-review")
    waits = f"1 of 2, waiting for Billing approvers · approved by {NAME[INGRID]} (Billing approvers)"
    expect(progress(desk, case_id)).to_contain_text(waits)
    expect(progress(desk, case_id)).not_to_contain_text(NAME[TOMAS])
    expect(desk.packet(case_id)).to_contain_text("Changed from version 2 to 3")

    desk.become(KWAME)
    desk.go("channel-billing-approvals")
    assert "version 3 of the reply" in desk.sign_off(case_id)
    people = f"edited and approved by {NAME[INGRID]} (Billing approvers), signed off by {NAME[KWAME]}"
    expect(desk.packet(case_id)).to_contain_text(f"Sent · {people} (Billing approvers)")
    desk.go("pane-helpdesk")
    the_customer_got(desk, case_id, BY_INGRID)
    approvals = office.case(case_id)["approval"]["approvals"]
    assert [approval["by"] for approval in approvals] == [INGRID, KWAME]


def test_a_deputy_decides_and_everything_says_for_whom(office: Office) -> None:
    case_id = office.receive(scripted(REFUND, "70604"))
    desk = office.sit(TOMAS)
    desk.write(case_id, BY_TOMAS)
    desk.become(INGRID)
    desk.go("channel-billing-approvals")
    desk.say("/approvals delegate @priya until friday")
    expect(desk.notice).to_contain_text(f"Recorded. {NAME[PRIYA]} is told, and every decision in your place says so.")
    expect(desk.notice).to_contain_text(f"{NAME[PRIYA]} acts for you")
    desk.say("/approvals mine")
    expect(desk.notice).not_to_contain_text(case_id)

    desk.become(PRIYA)
    desk.go("channel-Countersign")
    told = desk.page.locator("main").get_by_test_id("message").filter(has_text=f"You act for {NAME[INGRID]}")
    expect(told).to_contain_text("Their cases are in #billing-approvals")
    desk.go("channel-billing-approvals")
    desk.say("/approvals mine")
    expect(desk.notice).to_contain_text(case_id)
    desk.sign_off(case_id)
    for_whom = f"{NAME[PRIYA]} (Billing approvers, for {NAME[INGRID]})"
    expect(desk.thread).to_contain_text(f"✔ Signed off · by {for_whom}")
    expect(desk.packet(case_id)).to_contain_text(
        f"Sent · written by {NAME[TOMAS]} (Support agents), signed off by {for_whom}"
    )
    desk.click(case_id, "View history")
    expect(desk.modal).to_contain_text(f"Signed off · {NAME[PRIYA]} · Billing approvers · for {NAME[INGRID]}")
    expect(desk.modal).to_contain_text(f"Case handed over · {NAME[INGRID]} · from {NAME[INGRID]} · to {NAME[PRIYA]}")
    desk.page.get_by_test_id("modal-close").click()

    written = office.receive(scripted(REFUND, "70605"))
    desk.become(INGRID)
    desk.write(written, BY_INGRID)
    desk.become(PRIYA)
    desk.sign_off(written)
    refused = f"You act for {NAME[INGRID]}, who has a part in this case already: somebody else has to decide on it."
    expect(desk.notice).to_contain_text(f"Not done · {refused}")
    assert office.case(written)["state"] == "awaiting_signoff"

    desk.become(INGRID)
    desk.say("/approvals delegate")
    desk.notice.get_by_role("button", name="End", exact=True).click()
    expect(desk.notice).to_contain_text("Ended. Both of you are told.")
    desk.go("pane-helpdesk")
    the_customer_got(desk, case_id, BY_TOMAS)
    the_customer_got(desk, written)


def test_an_expired_case_is_reopened_on_a_phone_and_the_customer_is_held_once(office: Office) -> None:
    body = scripted(SHIPPING, "70606")
    case_id = office.receive(body)
    desk = office.pick_up(MAYA)
    expect(desk.buttons(case_id).first).to_have_text("Approve")
    for who in (MAYA, TOMAS):
        desk.jump(24)
        expect(desk.packet(case_id)).to_contain_text("Expired")
        expect(desk.packet(case_id)).to_contain_text("The draft was not sent.")
        expect(desk.packet(case_id)).to_contain_text("The customer got the holding message.")
        expect(desk.buttons(case_id)).to_have_text(["Reopen", "View history"])
        desk.go("pane-helpdesk")
        expect(desk.helpdesk(case_id, "holding")).to_have_count(1)
        expect(desk.helpdesk(case_id, "reply")).to_have_count(0)
        desk.go("channel-support-review")
        desk.click(case_id, "Reopen")
        in_sight(desk.notice.get_by_text("Reopened. The case waits for a decision again"))
        expect(desk.buttons(case_id).first).to_have_text("Approve")
        expect(desk.open_thread(case_id)).to_contain_text(f"↻ Reopened · by {NAME[who]}.")
        desk.page.get_by_test_id("thread-close").click()
        desk.become(TOMAS)

    desk.click(case_id, "Approve")
    in_sight(desk.notice.get_by_role("button", name="Undo"))
    another = office.receive(scripted(PASSWORD, "70610"))
    expect(desk.packet(another)).to_be_attached()
    in_sight(desk.notice.get_by_text("Your approval is recorded"))
    in_sight(desk.notice.get_by_role("button", name="Undo"))
    office.pass_time()
    expect(desk.packet(case_id)).to_contain_text(f"Sent · approved by {NAME[TOMAS]}")
    desk.go("pane-helpdesk")
    the_customer_got(desk, case_id, body["draft"]["text"])
    expect(desk.helpdesk(case_id, "holding")).to_have_count(1)


def in_sight(words: Locator) -> None:
    """In the window, and nothing lies above it: whoever tapped has seen it."""
    expect(words).to_be_in_viewport(ratio=1)
    on_top = "node => { const r = node.getBoundingClientRect();"
    on_top += "return node.contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2)); }"
    assert words.evaluate(on_top)


def test_a_pause_stops_what_the_ai_wrote_on_its_way_and_nothing_else(office: Office) -> None:
    waiting = office.receive(scripted(PASSWORD, "70607"))
    case_id = office.receive(scripted(SHIPPING, "70608"))
    desk = office.sit(MAYA)
    with office.time_stands_still():
        desk.click(case_id, "Approve")
        expect(desk.notice).to_contain_text("The reply goes out in 5 s.")
        desk.become(PRIYA)
        desk.say("/approvals pause it invents delivery dates")
        expect(desk.notice).to_contain_text("AI text is paused in all queues. People's own replies go on")
        office.pass_time()
    expect(desk.packet(case_id)).to_contain_text("The AI's draft is withheld: AI replies are paused.")
    expect(desk.buttons(case_id).first).to_have_text("Write reply")
    expect(desk.buttons(waiting).first).to_have_text("Write reply")
    thread = desk.open_thread(case_id)
    expect(thread).to_contain_text("⊘ Held back before sending · AI text was paused before the reply left.")
    desk.go("channel-support-escalations")
    said = desk.page.locator("main").get_by_test_id("message").filter(has_text="⏸ AI text is paused in all queues")
    expect(said).to_contain_text(f"{NAME[PRIYA]} paused it: it invents delivery dates")

    desk.become(MAYA)
    desk.go("channel-support-review")
    desk.write(case_id, BY_MAYA)
    office.pass_time()
    expect(desk.packet(case_id)).to_contain_text(f"Sent · written by {NAME[MAYA]}")

    desk.become(PRIYA)
    desk.say("/approvals resume")
    expect(desk.notice).to_contain_text("Recorded. A second person has to resume AI text in all queues.")
    desk.say("/approvals resume")
    expect(desk.notice).to_contain_text("You asked for it already; a second person has to resume it.")
    expect(desk.buttons(waiting).first).to_have_text("Write reply")
    desk.become(DAN)
    desk.say("/approvals resume")
    expect(desk.notice).to_contain_text("AI text goes on in all queues.")
    expect(desk.buttons(waiting).first).to_have_text("Approve")
    desk.go("pane-helpdesk")
    the_customer_got(desk, case_id, BY_MAYA)
    the_customer_got(desk, waiting)


def test_a_new_message_overtakes_an_open_form_and_nothing_typed_is_lost(office: Office) -> None:
    old = office.receive(scripted(SHIPPING, "70609"))
    desk = office.sit(MAYA)
    desk.click(old, "Edit")
    desk.field("Reply to be sent").fill(BY_MAYA)
    words = "It is here, thank you! When do you open on Saturday?"
    answer = office.api.post(f"/v1/cases/{old}/messages", json={"text": words})
    assert answer.status_code == 202, answer.text
    new = answer.json()["id"]
    expect(desk.packet(new)).to_contain_text(words)
    expect(desk.field("Reply to be sent")).to_have_value(BY_MAYA)
    desk.submit()
    expect(desk.modal).to_contain_text(f"This case was replaced by case {new}; nothing was sent from here.")
    expect(desk.modal).to_contain_text("What you wrote")
    expect(desk.modal.get_by_text("we have asked the carrier")).to_have_text(BY_MAYA, use_inner_text=True)
    desk.page.get_by_test_id("modal-close").click()
    expect(desk.modal).to_have_count(0)

    desk.become(TOMAS)
    expect(desk.packet(old)).to_contain_text("Superseded")
    expect(desk.packet(old)).to_contain_text(f"Continues as case {new}.")
    expect(desk.buttons(old)).to_have_text(["View history"])
    expect(desk.packet(new)).to_contain_text(f"follows case {old}")
    desk.write(new, BY_TOMAS)
    office.pass_time()
    expect(desk.packet(new)).to_contain_text(f"Sent · written by {NAME[TOMAS]}")
    desk.go("pane-helpdesk")
    the_customer_got(desk, new, BY_TOMAS)
    the_customer_got(desk, old)


def progress(desk: Desk, case_id: str) -> Locator:
    """The packet's line that says who has signed and who is missing."""
    return desk.packet(case_id).get_by_text("waiting for").filter(has_text="Approvals")


def the_customer_got(desk: Desk, case_id: str, *texts: str) -> None:
    """These replies to the letter, as the open helpdesk pane has them. Ask first for a case that has some."""
    replies = desk.helpdesk(case_id, "reply").get_by_test_id("helpdesk-text")
    expect(replies).to_have_count(len(texts))
    assert tuple(text_of(reply) for reply in replies.all()) == texts
