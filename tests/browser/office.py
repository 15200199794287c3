"""The demo as people meet it: cases come in by the API, everything else is done in the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect

from app.cli.demo import API_SECRET, Demo
from app.sandbox.scripted import cases

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 375, "height": 812}
PATIENCE = 12_000  # ms; a loaded machine, Slack's one message a second, and one retry

MAYA, TOMAS, PRIYA = "U01MAYA", "U02TOMAS", "U03PRIYA"
DAN, HELENE = "U04DAN", "U07HELENE"
INGRID, KWAME, SOFIA, CARLA = "U05INGRID", "U06KWAME", "U11SOFIA", "U21CARLA"
# As their Slack profiles have it.
NAME = {
    MAYA: "Maya Lindqvist",
    TOMAS: "Tomás Herrera",
    PRIYA: "Priya Raman",
    DAN: "Dan O'Connell",
    INGRID: "Ingrid Sørensen",
    KWAME: "Kwame Boateng",
    HELENE: "Hélène Marchetti",
}
AFTER_DELAY = 6.0  # seconds: the shipped send_delay, and a bit

# Scripted cases by what is special about them.
SHIPPING, DISCOUNT, REFUND, PASSWORD, PERSONS_REFUND = "48201", "48202", "48203", "48205", "48209"
HOSTILE, LONG_TEXT = "48215", "48216"
_SCRIPTED = {case["ticket"]["id"]: case for case in cases()}


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def scripted(like: str, ticket: str, **draft: Any) -> dict[str, Any]:
    """The demo's case `like` as another customer's on another ticket; `draft` replaces fields of its draft."""
    body = deepcopy(_SCRIPTED[like])
    body["ticket"]["id"] = ticket
    body["customer"] |= {"id": f"cust-{ticket}", "crm_ticket_id": f"crm-{ticket}"}
    if draft:
        body["draft"] |= draft
    return body


@dataclass
class Desk:
    """One person in front of the page."""

    page: Page
    phone: bool = False

    # --- where to look -------------------------------------------------------------------------------------------

    def packet(self, case_id: str) -> Locator:
        """The case's packet in the channel that is open."""
        messages = self.page.locator("main").get_by_test_id("message")
        return messages.filter(has_text=f"case {case_id} · ticket")

    def buttons(self, case_id: str) -> Locator:
        """What the packet offers to decide or to read."""
        return self.packet(case_id).locator("[data-action-id]")

    @property
    def modal(self) -> Locator:
        return self.page.get_by_test_id("modal")

    @property
    def notice(self) -> Locator:
        """The newest private notice."""
        return self.page.get_by_test_id("ephemeral").last

    @property
    def thread(self) -> Locator:
        return self.page.get_by_test_id("thread-panel")

    def field(self, label: str) -> Locator:
        return self.modal.get_by_label(label)

    def error_at(self, label: str) -> Locator:
        """The message that stands at a field of the modal."""
        block = self.modal.locator("[data-block-id]").filter(has=self.page.get_by_label(label))
        return block.get_by_test_id("field-error")

    # --- what to do ----------------------------------------------------------------------------------------------

    def click(self, case_id: str, label: str) -> None:
        self.packet(case_id).get_by_role("button", name=label, exact=True).click()

    def confirm(self) -> str:
        """Say yes to "are you sure"; answers what was asked."""
        asked = self.page.get_by_test_id("confirm")
        text = asked.inner_text()
        asked.get_by_test_id("confirm-yes").click()
        return text

    def submit(self) -> None:
        self.page.get_by_test_id("modal-submit").click()

    def tick_all(self) -> None:
        for box in self.modal.get_by_role("checkbox").all():
            box.check()

    def write(self, case_id: str, text: str) -> None:
        self.click(case_id, "Write reply")
        expect(self.field("Your reply")).to_have_value("")
        self.field("Your reply").fill(text)
        self.tick_all()
        self.submit()
        expect(self.modal).to_have_count(0)

    def sign_off(self, case_id: str) -> str:
        """In the packet's thread, with its "are you sure"; answers what was asked."""
        self.open_thread(case_id).get_by_role("button", name="Sign off", exact=True).click()
        return self.confirm()

    def open_thread(self, case_id: str) -> Locator:
        """The packet's thread beside the channel."""
        self.packet(case_id).hover()
        self.packet(case_id).get_by_test_id("thread-open").last.click()
        expect(self.thread).to_be_visible()
        return self.thread

    def go(self, testid: str) -> None:
        """A place in the sidebar: `channel-…` or `pane-…`."""
        if self.phone:
            self.page.get_by_label("Open the menu").click()
        self.page.get_by_test_id(testid).click()
        # what was open before keeps its composer until then
        expect(self.page.get_by_test_id(testid)).to_have_attribute("aria-current", "page")

    def become(self, who: str) -> None:
        """Be somebody else in the same window, where the page asks "You are"."""
        if self.phone:
            self.page.get_by_label("Open the menu").click()
        self.page.get_by_test_id("person-switch").click()
        option = self.page.locator(f'[data-testid="person-option"][data-user-id="{who}"]')
        name = option.locator("strong").inner_text()
        option.click()
        expect(self.page.get_by_test_id("person-switch")).to_contain_text(name)
        if self.phone:
            self.page.get_by_label("Close the menu").click()

    def jump(self, hours: int, back: str = "support-review") -> None:
        """By the button of the sandbox controls, and back to a channel."""
        self.go("pane-controls")
        before = text_of(self.page.get_by_test_id("clock-now"))
        self.page.get_by_test_id(f"jump-{hours * 3600}").click()
        expect(self.page.get_by_test_id("clock-now")).not_to_have_text(before)
        self.go(f"channel-{back}")

    def say(self, text: str) -> None:
        self.page.get_by_test_id("composer").fill(text)
        self.page.get_by_test_id("composer").press("Enter")

    # --- behind the scenes ---------------------------------------------------------------------------------------

    def helpdesk(self, case_id: str, kind: str) -> Locator:
        """Cards of the open helpdesk pane: kind is reply, note, holding or ticket.fields."""
        return self.page.locator(f'[data-testid="helpdesk-delivery"][data-case-id="{case_id}"][data-kind="{kind}"]')

    def crm(self, ticket: str) -> dict[str, str]:
        """Properties of a ticket as the open CRM pane shows them; "(empty)" stands for nothing."""
        rows = self.page.locator(f'[data-testid="crm-ticket"][data-id="crm-{ticket}"] > .table-scroll tr')
        rows.first.wait_for()
        pairs = rows.evaluate_all("rows => rows.map(row => [...row.children].map(cell => cell.innerText))")
        return dict(pairs)


@dataclass
class Office:
    demo: Demo
    browser: Browser
    api: httpx.Client

    def receive(self, body: dict[str, Any]) -> str:
        """The id of the case that an integrator posts."""
        if crm_ticket := body["customer"].get("crm_ticket_id"):
            self.demo.sandbox.crm.add_ticket(crm_ticket)
        answer = self.api.post("/v1/cases", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def case(self, case_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"/v1/cases/{case_id}").json()
        return found

    def sit(self, who: str = MAYA, channel: str = "support-review", **context: Any) -> Desk:
        """This person's own browser window with a channel open."""
        phone = context.get("viewport") == PHONE
        page = self._context(**({"viewport": DESKTOP} | context)).new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{self.demo.url}/#as={who}&c={self.channel(channel)}")
        page.get_by_test_id("composer").wait_for()
        return Desk(page, phone)

    def pick_up(self, who: str = MAYA, channel: str = "support-review") -> Desk:
        """As `sit`, on a phone."""
        return self.sit(who, channel, viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True)

    def _context(self, **options: Any) -> BrowserContext:
        return self.browser.new_context(**options, locale="en-GB", timezone_id="Europe/Stockholm")

    def channel(self, name: str) -> str:
        return self.demo.sandbox.workspace.channel_named(name).id

    def pings(self, channel: str, viewer: str = MAYA) -> list[str]:
        """Everybody and everything that messages in a channel really pinged."""
        parameters = {"as": viewer, "channel": self.channel(channel)}
        messages = httpx.get(f"{self.demo.url}/page/messages", params=parameters, trust_env=False).json()["messages"]
        return [ping for message in messages for ping in message["pings"]]

    def invite(self, who: str, channel: str) -> None:
        """Whoever sees a channel sees its buttons; that alone gives no right to use them."""
        workspace = self.demo.sandbox.workspace
        workspace.join(workspace.channel_named(channel), who)

    def pass_time(self, seconds: float = AFTER_DELAY) -> None:
        self.demo.clock.advance(seconds)

    @contextmanager
    def time_stands_still(self) -> Iterator[None]:
        """However slow the machine, no time passes but by `pass_time`."""
        clock = self.demo.clock
        speed = clock.speed
        clock.set_speed(0)
        try:
            yield
        finally:
            clock.set_speed(speed)

    def go_home(self) -> None:
        """Everybody closes the window; nothing is broken any more."""
        for context in self.browser.contexts:
            context.close()
        self.demo.sandbox.faults.clear()


@contextmanager
def running(browser: Browser, directory: Path, **how: Any) -> Iterator[Office]:
    demo = Demo(directory, **how)
    headers = {"Authorization": f"Bearer {API_SECRET}"}
    try:
        with httpx.Client(base_url=demo.api_url, headers=headers, timeout=15, trust_env=False) as api:
            yield Office(demo, browser, api)
    finally:
        demo.stop()


def text_of(locator: Locator) -> str:
    """The text to the letter, without the page's own line breaking."""
    return locator.text_content() or ""
