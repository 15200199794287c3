"""A running sandbox, a small Bolt app behind it, and the values tests use again and again."""

import contextlib
import logging
import queue
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from slack_sdk import WebClient
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.config import Shortcut
from app.sandbox.server import Sandbox, SandboxConfig
from app.sandbox.serving import run

REVIEW = "C01QUEUE"
LEGAL = "C05QUEUE"
MAYA, TOMAS, OUTSIDER, GONE = "U01MAYA", "U02TOMAS", "U21CARLA", "U22PAVEL"
BOT_USER = "U0COUNTERSIGN"


class Clock:
    """A workspace clock that moves when told."""

    def __init__(self, at: float = 1_700_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class Room:
    sandbox: Sandbox
    url: str
    client: WebClient
    clock: Clock
    wall: Clock

    def fresh_client(self, token: str = "xoxb-sandbox", **options: Any) -> WebClient:
        return WebClient(token, base_url=f"{self.url}/api/", retry_handlers=[], **options)


@contextlib.contextmanager
def running_sandbox(clock: Clock, **settings: Any) -> Iterator[Room]:
    wall = Clock(50.0)
    known = {"now": clock, "wall": wall, "stall_seconds": 5.0, "shortcuts": (Shortcut("new_reply", "New reply"),)}
    config = SandboxConfig(**{**known, **settings})
    sandbox = Sandbox(config)
    server = run(sandbox.app)
    try:
        client = WebClient("xoxb-sandbox", base_url=f"{server.url}/api/", retry_handlers=[])
        yield Room(sandbox, server.url, client, clock, wall)
    finally:
        server.stop()


@dataclass
class Bot:
    """What the app saw, in order; `answers` tells it how to acknowledge the next view submission."""

    app: App
    seen: "queue.Queue[tuple[str, dict[str, Any]]]" = field(default_factory=queue.Queue)
    answers: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    headers: list[dict[str, str]] = field(default_factory=list)

    def next(self, kind: str, timeout: float = 5.0) -> dict[str, Any]:
        """The next payload of that kind, passing over others."""
        while True:
            name, body = self.seen.get(timeout=timeout)
            if name == kind:
                return body


def bolt_app(room: Room) -> Bot:
    """An app that records everything, opens a modal on `open`, answers `/approvals`."""
    app = App(
        client=room.fresh_client(),
        signing_secret=room.sandbox.config.signing_secret,
        process_before_response=True,
        ignoring_self_events_enabled=False,
        logger=silent(),
    )
    bot = Bot(app)

    @app.action("open")
    def opened(ack: Any, body: Any, client: Any) -> None:
        client.views_open(trigger_id=body["trigger_id"], view=modal())
        bot.seen.put(("block_actions", body))
        ack()

    @app.action("respond")
    def responded(ack: Any, body: Any, respond: Any) -> None:
        ack()
        respond(text="only you", response_type="ephemeral", replace_original=False)
        bot.seen.put(("block_actions", body))

    @app.action("plain")
    def plain_click(ack: Any, body: Any) -> None:
        bot.seen.put(("block_actions", body))
        ack()

    @app.view("form")
    def submitted(ack: Any, body: Any) -> None:
        bot.seen.put(("view_submission", body))
        ack(**bot.answers.pop(0)) if bot.answers else ack()

    @app.view_closed("form")
    def closed(ack: Any, body: Any) -> None:
        bot.seen.put(("view_closed", body))
        ack()

    @app.command("/approvals")
    def command(ack: Any, body: Any) -> None:
        bot.seen.put(("command", body))
        ack(text=f"you said {body['text']}")

    @app.shortcut("new_reply")
    def shortcut(ack: Any, body: Any) -> None:
        bot.seen.put(("shortcut", body))
        ack()

    for name in ("message", "app_home_opened", "member_left_channel", "channel_archive"):

        @app.event(name)
        def event(body: Any) -> None:
            bot.seen.put((body["event"]["type"], body))

    return bot


def silent() -> logging.Logger:
    logger = logging.getLogger("tests.sandbox.bolt")
    logger.setLevel(logging.CRITICAL)
    return logger


@contextlib.contextmanager
def running_bot(room: Room) -> Iterator[Bot]:
    bot = bolt_app(room)

    async def endpoint(request: Request) -> Response:
        bot.headers.append(dict(request.headers))
        if bot.status != 200:
            return Response(status_code=bot.status)
        bolt_request = to_bolt_request(request, await request.body())
        return to_starlette_response(await run_in_threadpool(bot.app.dispatch, bolt_request))

    server = run(Starlette(routes=[Route("/slack/events", endpoint, methods=["POST"])]))
    room.sandbox.config.bot_url = server.url
    try:
        yield bot
    finally:
        room.sandbox.delivery.close()
        server.stop()


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "hello") -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(text)}


def button(action_id: str = "plain", **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain("Press"), "action_id": action_id, **more}


def actions(*elements: dict[str, Any], block_id: str = "row") -> dict[str, Any]:
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def text_input(block_id: str = "why", **more: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "text", **more}
    return {"type": "input", "block_id": block_id, "label": plain("Why"), "element": element}


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "form",
        "title": plain("Form"),
        "submit": plain("Send"),
        "blocks": list(blocks) or [text_input()],
        **more,
    }


def typed(value: Any, block_id: str = "why") -> dict[str, Any]:
    return {block_id: {"text": {"type": "plain_text_input", "value": value}}}
