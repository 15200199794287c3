"""The sandbox's browser page in Chromium: what it shows is literal, what was typed is kept, a phone fits."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page, expect

from app.sandbox.server import Sandbox, SandboxConfig
from app.sandbox.serving import run
from app.sandbox.transport import Answer
from tests.browser.office import DESKTOP, MAYA, PHONE, PRIYA

pytestmark = pytest.mark.browser

HOSTILE = (
    "<script>window.pwned=1</script><img src=x onerror='window.pwned=1'> <!channel> <@U01MAYA> "
    "*bold* <https://evil.example|your bank> &lt;b&gt; :smile: " + "W" * 400
)


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def button(action_id: str, label: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": plain(label), "value": "case", **more}


def reply_modal(initial: str = "Dear Ana,", block_id: str = "reply") -> dict[str, Any]:
    boxes = [{"text": plain(text), "value": text[0]} for text in ("Policy link checked", "No commitments made")]
    templates = [{"text": plain("Holding message"), "value": "holding"}]
    return {
        "type": "modal",
        "title": plain("Edit the reply"),
        "submit": plain("Save and approve"),
        "close": plain("Cancel"),
        "blocks": [
            {
                "type": "input",
                "block_id": "template",
                "optional": True,
                "dispatch_action": True,
                "label": plain("Template"),
                "element": {"type": "static_select", "action_id": "pick", "options": templates},
            },
            {
                "type": "input",
                "block_id": block_id,
                "label": plain("Reply to the customer"),
                "element": {
                    "type": "plain_text_input",
                    "action_id": "text",
                    "multiline": True,
                    "max_length": 3000,
                    "initial_value": initial,
                },
            },
            {
                "type": "input",
                "block_id": "checklist",
                "label": plain("Checklist"),
                "element": {"type": "checkboxes", "action_id": "boxes", "options": boxes},
            },
        ],
    }


@dataclass
class Bot:
    """A small app behind the sandbox: Edit opens a modal, a reply that says "refund" is refused."""

    payloads: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    sandbox: Sandbox = field(init=False)

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        return self.sandbox.api.call(method, values, self.sandbox.config.bot_token)

    def post(self, body: bytes, headers: dict[str, str], timeout: float) -> Answer:
        if headers["content-type"] == "application/json":
            return 200, {}, b""
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        if "payload" not in form:
            return 200, {}, f"Got {form['text']}".encode()
        payload = json.loads(form["payload"])
        self.payloads.append(payload)
        if self.status != 200:
            return self.status, {}, b""
        return 200, {"content-type": "application/json"}, self.answer(payload)

    def answer(self, payload: dict[str, Any]) -> bytes:
        if payload["type"] == "view_submission":
            said = payload["view"]["state"]["values"]["reply"]["text"]["value"]
            if "refund" in said:
                errors = {"reply": "This promises a refund that is not verified."}
                return json.dumps({"response_action": "errors", "errors": errors}).encode()
        elif payload["type"] == "block_actions":
            self.clicked(payload, payload["actions"][0]["action_id"])
        return b""

    def clicked(self, payload: dict[str, Any], action: str) -> None:
        if action == "edit":
            self.call("views.open", trigger_id=payload["trigger_id"], view=reply_modal())
        elif action == "pick":
            view = reply_modal("We are looking into it.", "from_template")
            self.call("views.update", view_id=payload["view"]["id"], view=view)
        elif action == "approve":
            message = payload["message"]
            self.call(
                "chat.update", channel=payload["channel"]["id"], ts=message["ts"], text="Approved by Maya", blocks=[]
            )

    def packet(self, words: str, channel: str = "support-review") -> str:
        quote = {"type": "rich_text_quote", "elements": [{"type": "text", "text": words}]}
        blocks = [
            {"type": "header", "text": plain("Medium: reply to Acme")},
            {"type": "rich_text", "elements": [quote]},
            {"type": "section", "text": plain(words)},
            {
                "type": "actions",
                "block_id": "decide",
                "elements": [
                    button("approve", "Approve", style="primary"),
                    button("edit", "Edit"),
                    button("reject", "Reject", style="danger"),
                    {
                        "type": "overflow",
                        "action_id": "more",
                        "options": [
                            {"text": plain("Claim"), "value": "claim"},
                            {"text": plain("Release"), "value": "r"},
                        ],
                    },
                ],
            },
        ]
        place = self.sandbox.workspace.channel_named(channel).id
        posted = self.call("chat.postMessage", channel=place, text="Medium: reply to Acme", blocks=blocks)
        return str(posted["ts"])


@dataclass
class Scene:
    bot: Bot
    url: str
    browser: Browser

    def open(self, who: str = MAYA, channel: str = "support-review", **context: Any) -> Page:
        page = self.browser.new_context(viewport=context.pop("viewport", DESKTOP), **context).new_page()
        page.set_default_timeout(8000)
        place = self.bot.sandbox.workspace.channel_named(channel).id
        page.goto(f"{self.url}/#as={who}&c={place}")
        page.get_by_test_id("composer").wait_for()
        return page


@pytest.fixture
def scene(browser: Browser) -> Iterator[Scene]:
    bot = Bot()
    bot.sandbox = Sandbox(SandboxConfig(), post=bot.post)
    with run(bot.sandbox.app) as server:
        yield Scene(bot, server.url, browser)
        for context in browser.contexts:
            context.close()
    bot.sandbox.close()


def test_hostile_text_is_shown_literally(scene: Scene) -> None:
    ts = scene.bot.packet(HOSTILE)
    page = scene.open()
    message = page.locator(f'[data-testid="message"][data-ts="{ts}"]')
    expect(message.locator("blockquote")).to_have_text(HOSTILE, use_inner_text=True)
    expect(message.locator('[data-block-id] >> text="your bank"')).to_have_count(0)
    assert message.locator("script, img, a, .mention, blockquote strong").count() == 0
    assert page.evaluate("window.pwned") is None


def test_a_refused_reply_keeps_what_was_typed_and_says_why_at_the_field(scene: Scene) -> None:
    scene.bot.packet("Hello")
    page = scene.open()
    page.locator('[data-action-id="edit"]').click()
    modal = page.get_by_test_id("modal")
    modal.locator("textarea").fill("You will get a refund.")
    modal.get_by_label("Policy link checked").check()
    page.get_by_test_id("modal-submit").click()
    expect(page.get_by_test_id("field-error")).to_have_text("This promises a refund that is not verified.")
    expect(modal.locator("textarea")).to_have_value("You will get a refund.")
    expect(modal.locator("textarea")).to_be_focused()
    expect(modal.get_by_label("Policy link checked")).to_be_checked()
    described = modal.locator("textarea").get_attribute("aria-describedby") or ""
    assert page.locator(f"#{described.split()[-1]}").inner_text() == "This promises a refund that is not verified."

    modal.locator("textarea").fill("We are looking into it.")
    expect(page.get_by_test_id("field-error")).to_have_count(0)
    page.get_by_test_id("modal-submit").click()
    expect(modal).to_have_count(0)
    expect(page.locator('[data-action-id="edit"]')).to_be_focused()
    values = scene.bot.payloads[-1]["view"]["state"]["values"]
    assert values["reply"]["text"]["value"] == "We are looking into it."
    assert [box["value"] for box in values["checklist"]["boxes"]["selected_options"]] == ["P"]


def test_an_incomplete_form_never_reaches_the_app(scene: Scene) -> None:
    scene.bot.packet("Hello")
    page = scene.open()
    page.locator('[data-action-id="edit"]').click()
    page.get_by_test_id("modal-submit").click()
    expect(page.get_by_test_id("field-error")).to_have_text("Please complete this required field.")
    assert [payload["type"] for payload in scene.bot.payloads] == ["block_actions"]


def test_an_updated_modal_takes_the_template_and_keeps_the_other_fields(scene: Scene) -> None:
    scene.bot.packet("Hello")
    page = scene.open()
    page.locator('[data-action-id="edit"]').click()
    modal = page.get_by_test_id("modal")
    modal.get_by_label("No commitments made").check()
    modal.get_by_label("Template").select_option("holding")
    expect(modal.locator("textarea")).to_have_value("We are looking into it.")
    expect(modal.get_by_label("No commitments made")).to_be_checked()
    page.keyboard.press("Escape")
    expect(modal).to_have_count(0)


def test_a_live_message_leaves_focus_and_typed_text_alone(scene: Scene) -> None:
    scene.bot.packet("Hello")
    page = scene.open()
    page.get_by_test_id("composer").fill("half a sentence")
    other = scene.bot.packet("Second")
    expect(page.locator(f'[data-ts="{other}"]')).to_be_visible()
    expect(page.get_by_test_id("composer")).to_have_value("half a sentence")
    expect(page.get_by_test_id("composer")).to_be_focused()


def test_a_decided_packet_loses_its_buttons_at_once(scene: Scene) -> None:
    ts = scene.bot.packet("Hello")
    page = scene.open()
    page.locator('[data-action-id="approve"]').click()
    expect(page.locator(f'[data-ts="{ts}"]')).to_contain_text("Approved by Maya")
    expect(page.locator(f'[data-ts="{ts}"] [data-action-id]')).to_have_count(0)


def test_a_click_the_app_fails_is_told(scene: Scene) -> None:
    scene.bot.packet("Hello")
    scene.bot.status = 500
    page = scene.open()
    page.locator('[data-action-id="approve"]').click()
    expect(page.get_by_test_id("toast")).to_contain_text("500")
    expect(page.locator(".block-warning")).to_contain_text("500")


def test_a_slash_command_is_answered_privately(scene: Scene) -> None:
    page = scene.open()
    page.get_by_test_id("composer").fill("/approvals mine")
    page.get_by_test_id("composer").press("Enter")
    expect(page.get_by_test_id("ephemeral")).to_contain_text("Only visible to you")
    expect(page.get_by_test_id("ephemeral")).to_contain_text("Got mine")
    other = scene.open(PRIYA)
    expect(other.get_by_test_id("ephemeral")).to_have_count(0)


def test_a_thread_opens_beside_the_channel_and_takes_replies(scene: Scene) -> None:
    ts = scene.bot.packet("Hello")
    page = scene.open()
    page.locator(f'[data-ts="{ts}"]').hover()
    page.locator(f'[data-ts="{ts}"] [data-testid="thread-open"]').click()
    page.get_by_test_id("thread-composer").fill("I know this customer")
    page.get_by_test_id("thread-composer").press("Enter")
    expect(page.get_by_test_id("thread-panel")).to_contain_text("I know this customer")
    expect(page.locator(f'main [data-ts="{ts}"] [data-testid="thread-open"]')).to_contain_text("1 reply")
    page.get_by_test_id("thread-close").click()
    expect(page.get_by_test_id("thread-panel")).to_have_count(0)


def test_another_person_can_be_chosen_by_keyboard(scene: Scene) -> None:
    page = scene.open()
    page.get_by_test_id("person-switch").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("priya")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("person-switch")).to_contain_text("Priya Raman")
    assert f"as={PRIYA}" in page.url


def test_a_phone_shows_everything_without_scrolling_sideways(scene: Scene) -> None:
    ts = scene.bot.packet(HOSTILE)
    page = scene.open(viewport=PHONE, has_touch=True, is_mobile=True)
    overflowing = """() => [document.documentElement, ...document.querySelectorAll('.list, .modal-body, .pane, .home')]
        .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.className || box.tagName)"""
    low = """() => [...document.querySelectorAll('main .actions button')].filter((b) => b.offsetHeight < 40).length"""
    page.locator(f'[data-ts="{ts}"]').wait_for()
    assert page.evaluate(overflowing) == []
    assert page.evaluate(low) == 0
    page.locator('[data-action-id="edit"]').click()
    modal = page.get_by_test_id("modal")
    expect(modal).to_be_visible()
    box = modal.bounding_box()
    assert box is not None
    assert (round(box["width"]), round(box["height"])) == (PHONE["width"], PHONE["height"])
    assert page.evaluate(overflowing) == []
    page.get_by_test_id("modal-close").click()
    expect(modal).to_have_count(0)
    page.get_by_label("Open the menu").click()
    page.get_by_test_id("pane-controls").click()
    page.get_by_test_id("fault-slack_down").wait_for()
    assert page.evaluate(overflowing) == []
