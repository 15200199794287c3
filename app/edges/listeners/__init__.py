"""Slack payload → command. One Bolt listener per payload type; behind each a dict by action id or callback id.

Every listener stores first and acknowledges then (DE3). What cannot wait for the outbox (opening a modal, answering one
person privately) runs in a small pool after the commit, so that the acknowledgement never waits for the network.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from slack_bolt import App, BoltResponse
from slack_sdk import WebClient

from app.edges.listeners.actions import Actions
from app.edges.listeners.commands import Commands
from app.edges.listeners.events import Events
from app.edges.listeners.shared import Desk, NotStored, Target, place_of, user_of
from app.edges.listeners.submissions import Submissions
from app.edges.listeners.views import Views
from app.engine import where

log = logging.getLogger("countersign.slack")

OURS = re.compile("^cs:")


def bolt_app(client: WebClient, desk: Desk) -> App:
    """The signature is verified before Bolt (`slack_http`), or by the socket's own token."""
    app = App(
        client=client,
        signing_secret="verified-before-bolt",  # noqa: S106 - Bolt wants one, and never gets to use it
        request_verification_enabled=False,
        token_verification_enabled=False,
        process_before_response=True,
        ignoring_self_events_enabled=True,
    )
    app.action(re.compile(".*"))(Actions(desk))
    app.view({"type": "view_submission", "callback_id": OURS})(Views(desk))
    commands, events = Commands(desk), Events(desk)
    app.command("/approvals")(commands)
    app.shortcut("cs:new")(Submissions(desk).shortcut)
    app.event("message")(events.message)
    app.event("app_home_opened")(events.home)
    app.error(_Faults(desk))
    return app


class _Faults:
    """A fault of ours is not silent either: the person hears of it, and a form stays open with what was typed."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def __call__(self, error: Exception, body: dict[str, Any]) -> BoltResponse:
        log.error("a listener failed: %s", where(error))
        if body.get("type") == "view_submission":
            return BoltResponse(status=500)  # Slack keeps the form and says that we had trouble
        if user := user_of(body):
            self.desk.whisper(user, Target(case_id="", **place_of(body)), NotStored.sentence)
        return BoltResponse(status=200)


__all__ = ["Desk", "bolt_app"]
