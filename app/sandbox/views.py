"""Modals, App Homes and the short-lived triggers that may open them."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from .config import SandboxConfig
from .model import Json, SlackError, View
from .render import normal_blocks
from .state import merged
from .validation import validate_view

MAX_STACK = 3
MAX_BYTES = 250_000


@dataclass
class _Trigger:
    user: str
    expires: float
    used: bool = False


def checked_view(view: Any, kind: str) -> Json:
    """The view if Slack would take it; SlackError in Slack's words otherwise."""
    if isinstance(view, dict) and len(json.dumps(view)) > MAX_BYTES:
        raise SlackError("view_too_large")
    messages = validate_view(view)
    if not messages and view["type"] != kind:
        messages = [f"[ERROR] unsupported type: {view['type']} [json-pointer:/view/type]"]
    if messages:
        raise SlackError("invalid_arguments", response_metadata={"messages": messages})
    made: Json = view
    return made


class ViewBook:
    """What each person has open. Thread-safe."""

    def __init__(self, config: SandboxConfig, changed: Callable[[], None]) -> None:
        self._config = config
        self._changed = changed
        self._lock = threading.RLock()
        self._triggers: dict[str, _Trigger] = {}
        self._stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self._count = 0

    def _next_id(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count:06d}"

    def new_trigger(self, user: str) -> str:
        """A trigger id for one interaction of this person: good once, for a few seconds."""
        with self._lock:
            now = self._config.wall()
            if len(self._triggers) > 1000:
                self._triggers = {k: t for k, t in self._triggers.items() if t.expires > now - 60}
            trigger = f"{self._next_id('1')}.0.{uuid4().hex}"
            self._triggers[trigger] = _Trigger(user, now + self._config.trigger_lifetime)
            return trigger

    def _spend(self, trigger_id: str) -> str:
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._config.wall() > trigger.expires:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger.user

    def stack(self, user: str) -> list[View]:
        """This person's open modals, bottom to top."""
        with self._lock:
            return list(self._stacks.get(user, []))

    def find(self, view_id: str) -> View | None:
        with self._lock:
            return next((v for v in self._all() if v.id == view_id), None)

    def _all(self) -> list[View]:
        return [v for stack in self._stacks.values() for v in stack] + list(self.homes.values())

    def _make(self, user: str, body: Json, previous: View | None = None) -> View:
        external = body.get("external_id")
        if external and any(v.body.get("external_id") == external for v in self._all()):
            raise SlackError("duplicate_external_id")
        view_id = self._next_id("V")
        body = {**body, "blocks": normal_blocks(body["blocks"], self._next_id)}
        root = previous.root_id if previous else view_id
        view = View(view_id, user, body, self._hash(), root, previous.id if previous else None)
        view.state = merged(view.blocks)
        return view

    def _hash(self) -> str:
        return f"{int(self._config.now())}.{uuid4().hex[:8]}"

    def open(self, trigger_id: str, body: Json) -> View:
        """Open a modal for whoever the trigger belongs to; it replaces a stack already open."""
        with self._lock:
            user = self._spend(trigger_id)
            view = self._make(user, body)
            self._stacks[user] = [view]
        self._changed()
        return view

    def push(self, trigger_id: str, body: Json) -> View:
        with self._lock:
            return self.push_for(self._spend(trigger_id), body)

    def push_for(self, user: str, body: Json) -> View:
        """Put a modal on top of this person's stack; at most three."""
        with self._lock:
            stack = self._stacks.get(user)
            if not stack:
                raise SlackError("not_found")
            if len(stack) >= MAX_STACK:
                raise SlackError("push_limit_reached")
            view = self._make(user, body, stack[-1])
            stack.append(view)
        self._changed()
        return view

    def update(self, view: View, body: Json, hash_: str | None = None) -> View:
        """Replace a view's body in place; what was typed stays where block and action ids stay."""
        with self._lock:
            if hash_ and hash_ != view.hash:
                raise SlackError("hash_conflict")
            view.body = {**body, "blocks": normal_blocks(body["blocks"], self._next_id)}
            view.hash = self._hash()
            view.state = merged(view.blocks, view.state)
        self._changed()
        return view

    def named(self, view_id: str | None, external_id: str | None) -> View:
        """The open view with that id or external id; not_found otherwise."""
        with self._lock:
            for view in self._all():
                if view_id and view.id == view_id:
                    return view
                if not view_id and external_id and view.body.get("external_id") == external_id:
                    return view
        raise SlackError("not_found")

    def publish(self, user: str, body: Json, hash_: str | None = None) -> View:
        """Set a person's App Home."""
        with self._lock:
            current = self.homes.get(user)
            if current is not None:
                return self.update(current, body, hash_)
            view = self._make(user, body)
            self.homes[user] = view
        self._changed()
        return view

    def pop(self, view: View) -> None:
        """Close one modal and everything above it."""
        with self._lock:
            stack = self._stacks.get(view.user, [])
            if view in stack:
                del stack[stack.index(view) :]
        self._changed()

    def clear(self, user: str) -> list[View]:
        """Close every modal of this person; returns what was open, top first."""
        with self._lock:
            closed = list(reversed(self._stacks.pop(user, [])))
        self._changed()
        return closed
