"""The few Web API methods the ports call, on a real socket, with a memory of what was posted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from slack_sdk import WebClient

from app.ports.slack import slack_client
from tests.ports.far_end import FarEnd, Received, Reply, a_json, far_end

Method = Callable[[dict[str, Any]], dict[str, Any] | Reply]


@dataclass
class FakeSlack:
    methods: dict[str, Method] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    stamps: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    there: FarEnd | None = None

    @property
    def client(self) -> WebClient:
        assert self.there is not None
        return slack_client("xoxb-secret", f"{self.there.url}/api", timeout=1)

    @property
    def url(self) -> str:
        assert self.there is not None
        return self.there.url

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    def answers(self, method: str, reply: dict[str, Any] | Reply) -> None:
        self.methods[method] = lambda _: reply

    def answer(self, received: Received) -> Reply:
        name = received.path.rsplit("/", 1)[-1]
        arguments = _arguments(received)
        self.calls.append((name, arguments))
        method = self.methods.get(name) or getattr(self, f"on_{name.replace('.', '_')}", None)
        if method is None:
            return a_json({"ok": False, "error": "unknown_method"})
        made = method(arguments)
        return made if isinstance(made, Reply) else a_json({"ok": True, **made})

    def on_chat_postMessage(self, arguments: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        ts = f"1700000000.{next(self.stamps):06}"
        self.messages.append({**arguments, "ts": ts})
        return {"ts": ts, "channel": arguments["channel"]}

    def on_conversations_open(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"channel": {"id": f"D{arguments['users']}"}}

    def on_conversations_history(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return self._page([m for m in self.messages if "thread_ts" not in m], arguments)

    def on_conversations_replies(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return self._page([m for m in self.messages if m.get("thread_ts") == arguments["ts"]], arguments)

    def _page(self, found: list[dict[str, Any]], arguments: dict[str, Any]) -> dict[str, Any]:
        """One message a page, so that paging is used."""
        found = [m for m in found if m["channel"] == arguments["channel"]]
        at = int(arguments.get("cursor") or 0)
        more = at + 1 < len(found)
        return {
            "messages": found[at : at + 1],
            "has_more": more,
            "response_metadata": {"next_cursor": str(at + 1) if more else ""},
        }


def _arguments(received: Received) -> dict[str, Any]:
    if "json" in received.headers.get("content-type", ""):
        return dict(received.json) if received.body else {}
    given: dict[str, Any] = dict(parse_qsl(received.body.decode()))
    for name in ("blocks", "metadata", "view"):
        if isinstance(given.get(name), str):
            given[name] = msgspec.json.decode(given[name])
    return given


@contextmanager
def fake_slack() -> Iterator[FakeSlack]:
    slack = FakeSlack()
    with far_end(slack.answer) as there:
        slack.there = there
        yield slack
