"""What people read and find: hostile and long texts, queues, Home, templates, a phone, Socket Mode."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.office import (
    HOSTILE,
    INGRID,
    LONG_TEXT,
    MAYA,
    NAME,
    PHONE,
    REFUND,
    SHIPPING,
    SOFIA,
    Office,
    running,
    scripted,
    text_of,
)

pytestmark = pytest.mark.browser

LIVE_LOOKING = (
    "<!here> <@U01MAYA> *bold* _it_ `code` <https://evil.example|your bank> &amp; :smile: #general\n> not a quote"
)


def test_hostile_words_are_only_words(office: Office) -> None:
    scripted_one = scripted(HOSTILE, "70301")
    mine = scripted(SHIPPING, "70302", text=f"Hello. {LIVE_LOOKING.replace('https://evil.example', 'evil')}")
    mine["messages"][0]["text"] = LIVE_LOOKING
    mine["customer"]["name"] = "<!channel> *Approved* by <@U03PRIYA>"
    ids = [office.receive(scripted_one), office.receive(mine)]
    desk = office.sit(MAYA)
    for case_id, body in zip(ids, (scripted_one, mine), strict=True):
        packet = desk.packet(case_id)
        expect(packet).to_be_visible()
        quoted = text_of(packet.locator("blockquote").first)
        assert squeezed(body["messages"][0]["text"]) == squeezed(quoted)
        assert packet.locator(".mention, blockquote a, blockquote strong, blockquote code").count() == 0
        assert packet.get_by_role("link", name="your bank").count() == 0
    reply = text_of(desk.packet(ids[1]))
    assert squeezed(mine["draft"]["text"]) in squeezed(reply)
    channels = ("support-review", "billing-approvals", "specialist-review", "support-escalations")
    assert [ping for name in channels for ping in office.pings(name)] == []


def squeezed(text: str) -> str:
    """Without white space, which the page may break lines at."""
    return "".join(text.split())


def test_a_long_draft_can_be_read_whole(office: Office) -> None:
    body = scripted(LONG_TEXT, "70303")
    assert len(body["draft"]["text"]) >= 10_000
    case_id = office.receive(body)
    desk = office.sit(SOFIA, "vip-approvals")
    expect(desk.packet(case_id)).to_contain_text(
        re.compile(r"Part 1 of \d: [\d,]+ more characters follow in this thread")
    )
    thread = desk.open_thread(case_id)
    expect(thread).to_contain_text("End of the reply.")
    sections = thread.locator(".section-main > .text")
    assert squeezed(body["draft"]["text"]) in squeezed("".join(sections.all_text_contents()))


def test_the_queues_and_my_cases(office: Office) -> None:
    case_id = office.receive(scripted(REFUND, "70304"))
    desk = office.sit(INGRID, "billing-approvals")
    expect(desk.packet(case_id)).to_be_visible()
    desk.say("/approvals")
    expect(desk.notice).to_contain_text("Only visible to you")
    expect(desk.notice).to_contain_text(re.compile(r"\d+ cases? pending, 0 overdue"))
    expect(desk.notice).to_contain_text(re.compile(r"#billing-approvals · \d+ pending · oldest \d+ (s|min)"))
    expect(desk.notice).to_contain_text(f"case {case_id} · ticket 70304")
    expect(desk.notice.get_by_role("link", name="open").first).to_be_visible()
    desk.say("/approvals mine")
    expect(desk.notice).to_contain_text("waiting for you")
    expect(desk.notice).to_contain_text(f"case {case_id}")

    desk.go("channel-Countersign")
    desk.page.get_by_test_id("home-tab").click()
    home = desk.page.get_by_test_id("home-view")
    expect(home).to_contain_text(re.compile(rf"\d+ cases? waiting for you, {NAME[INGRID]}"))
    expect(home).to_contain_text(f"case {case_id}")
    home.locator(".block").filter(has_text=case_id).locator("xpath=following-sibling::*[1]").get_by_role(
        "button", name="View history"
    ).click()
    expect(desk.modal).to_contain_text("Case received")


def test_a_template_fills_the_reply(office: Office) -> None:
    case_id = office.receive(scripted(SHIPPING, "70305"))
    desk = office.sit(MAYA)
    desk.click(case_id, "Edit")
    desk.field("Start from a template").select_option(label="A person takes over")
    reply = desk.field("Reply to be sent")
    expect(reply).to_have_value("A member of our team takes over from here and will answer you in this conversation.")
    desk.submit()
    expect(desk.modal).to_have_count(0)
    expect(desk.packet(case_id)).to_contain_text(f"edited and approved by {NAME[MAYA]}")


SIDEWAYS = """() => [document.documentElement, ...document.querySelectorAll('.list, .modal-body, .pane, .home')]
    .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.className || box.tagName)"""


def test_a_phone_is_enough(office: Office) -> None:
    case_id = office.receive(scripted(SHIPPING, "70306", text=SIX_HUNDRED))
    desk = office.pick_up(MAYA)
    packet = desk.packet(case_id)
    packet.wait_for()
    assert below(packet.get_by_role("heading"), packet) < PHONE["height"]
    assert below(packet.get_by_text("Why you see this"), packet) < PHONE["height"]
    assert below(packet.get_by_text("Due", exact=True), packet) < PHONE["height"]
    assert below(desk.buttons(case_id).last, packet) < 2 * PHONE["height"]
    assert desk.page.evaluate(SIDEWAYS) == []
    for button in desk.buttons(case_id).all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert 0 <= box["x"] <= box["x"] + box["width"] <= PHONE["width"]

    desk.click(case_id, "Approve")
    expect(desk.notice).to_contain_text("Your approval is recorded")
    expect(desk.notice.get_by_role("button", name="Undo")).to_be_in_viewport()
    office.pass_time()
    expect(packet).to_contain_text(f"Sent · approved by {NAME[MAYA]}")
    desk.go("pane-helpdesk")
    assert text_of(desk.helpdesk(case_id, "reply").get_by_test_id("helpdesk-text")) == SIX_HUNDRED
    assert desk.page.evaluate(SIDEWAYS) == []


SIX_HUNDRED = (
    "Hi Nora,\n\nThanks for writing, and for telling us about Saturday. Order 77120 left our warehouse on Friday "
    "evening; since then it has been scanned twice, the last time on Sunday at the carrier's sorting centre in Malmö. "
    "You can follow every scan here: https://track.example.com/77120\n\nThe page shows a scan only when the next truck "
    "is loaded, which is why it looks as if nothing moved. If it has not changed by tomorrow evening, please answer "
    "this message; we will then ask the carrier to look for the parcel and tell you what they find, in good time "
    "before you open.\n\nKind regards,\nBirgit from the support team"
)


def below(inner: Locator, outer: Locator) -> float:
    """How far under the top of the packet something ends, in CSS pixels."""
    a, b = inner.bounding_box(), outer.bounding_box()
    assert a is not None
    assert b is not None
    return float(a["y"] + a["height"] - b["y"])


def test_socket_mode_does_the_same(browser: Browser, tmp_path: Path) -> None:
    with running(browser, tmp_path, socket_mode=True) as office:
        body = scripted(SHIPPING, "70307")
        case_id = office.receive(body)
        desk = office.sit(MAYA)
        desk.click(case_id, "Approve")
        expect(desk.notice).to_contain_text("Your approval is recorded")
        office.pass_time()
        expect(desk.packet(case_id)).to_contain_text(f"Sent · approved by {NAME[MAYA]}")
        desk.go("pane-helpdesk")
        assert text_of(desk.helpdesk(case_id, "reply").get_by_test_id("helpdesk-text")) == body["draft"]["text"]
        office.go_home()
