"""Pictures for the documentation, taken from the demo: `python -m tests.browser.screenshots [FOLDER]`."""

from __future__ import annotations

import struct
import sys
import tempfile
import time
import zlib
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from app.sandbox.scripted import cases
from tests.browser.office import DISCOUNT, INGRID, MAYA, REFUND, SHIPPING, TOMAS, Desk, Office, launch, running

DOCS = Path(__file__).resolve().parents[2] / "docs"
MOST_BYTES = 300_000
WRITTEN = (
    "Hi Camille,\n\nI am sorry that the espresso machine came with a cracked boiler, and thank you for the photo. Our "
    "billing team has your request now; they decide on it and you will hear from us here.\n\nTomás Herrera"
)
EDITED = (
    "Hi Joris,\n\nCongratulations on the second practice! Plans with two or more locations are on the multi-site price "
    "list: https://help.example.com/multi-site-pricing\n\nWe have already credited the difference to your account."
)


def take(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = launch(playwright)
        with running(browser, Path(scratch)) as office:
            ids = {body["ticket"]["id"]: office.receive(body) for body in cases()[:9]}
            pictures(office, ids, folder)
            office.go_home()
        browser.close()


def pictures(office: Office, ids: dict[str, str], folder: Path) -> None:
    settle(office)
    maya, phone = office.sit(MAYA), office.pick_up(MAYA)
    for desk, name in ((maya, "packet-desktop"), (phone, "packet-phone")):
        to_top(desk, ids[SHIPPING])
        shoot(desk, folder / f"{name}.png")
    for desk, name in ((maya, "modal-desktop"), (phone, "modal-phone")):
        promise(desk, ids[DISCOUNT])
        shoot(desk, folder / f"{name}.png")
        desk.page.get_by_test_id("modal-close").click()
        expect(desk.modal).to_have_count(0)

    tomas = office.sit(TOMAS)
    tomas.click(ids[REFUND], "Write reply")
    tomas.field("Your reply").fill(WRITTEN)
    tomas.submit()
    expect(tomas.notice).to_contain_text("still needs a sign-off")
    for desk, name in (
        (office.sit(INGRID, "billing-approvals"), "signoff-thread"),
        (office.pick_up(INGRID, "billing-approvals"), "thread-phone"),
    ):
        thread = desk.open_thread(ids[REFUND])
        expect(thread.get_by_role("button", name="Sign off")).to_be_visible()
        to_top(desk, ids[REFUND])
        shoot(desk, folder / f"{name}.png")
    desk.thread.get_by_role("button", name="Sign off").click()
    desk.confirm()
    expect(desk.thread).to_contain_text("The customer has the reply.")
    maya.go("pane-audit")
    maya.page.get_by_test_id("audit-pick").select_option(ids[REFUND])
    event = maya.page.get_by_test_id("audit-event")
    expect(event.and_(maya.page.locator('[data-type="ReplySent"]'))).to_have_count(1)
    shoot(maya, folder / "audit.png")


def settle(office: Office) -> None:
    """Until Slack, at its one message a second, shows everything."""
    workspace, count = office.demo.sandbox.workspace, -1
    while count != (count := sum(len(workspace.everything(channel)) for channel in list(workspace.channels))):
        time.sleep(2.5)


def to_top(desk: Desk, case_id: str) -> None:
    """The packet's head at the upper edge."""
    desk.buttons(case_id).first.wait_for(state="attached")
    desk.packet(case_id).evaluate("node => node.scrollIntoView({block: 'start'})")


def promise(desk: Desk, case_id: str) -> None:
    """A form filled in but for the one thing that a guardrail refuses."""
    desk.click(case_id, "Approve")
    desk.field("Reply to be sent").fill(EDITED)
    desk.tick_all()
    desk.submit()
    expect(desk.page.get_by_test_id("field-error")).to_have_count(1)


def shoot(desk: Desk, path: Path) -> None:
    desk.page.mouse.move(0, 0)
    desk.page.wait_for_timeout(300)  # the last repaint
    path.write_bytes(smaller(desk.page.screenshot(animations="disabled", caret="hide")))
    size = path.stat().st_size
    print(f"{path.name}: {size:,} bytes")
    if size > MOST_BYTES:
        raise SystemExit(f"{path.name} is larger than {MOST_BYTES:,} bytes")


def smaller(png: bytes) -> bytes:
    """The same picture, packed as tightly as zlib can."""
    chunks, data, at = [], b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        if kind == b"IDAT":
            data += body
        else:
            chunks.append((kind, body))
        at += length + 12
    chunks.insert(len(chunks) - 1, (b"IDAT", zlib.compress(zlib.decompress(data), 9)))
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return png[:8] + b"".join(packed)


if __name__ == "__main__":
    take(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
