"""What people do in Slack, delivered to the app, and what they then see.

Calls block until the app acknowledged or the ack time-out passed; never call them on the server's own loop.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec
from uuid import uuid4

from . import payloads, seed
from .api_args import Args
from .events import EventPump
from .faults import Faults
from .model import Channel, Json, Message, SlackError, User, View
from .mrkdwn import enliven
from .response_urls import ResponseUrls
from .sockets import SocketHub
from .state import State, find_element, first_values, form_errors, merged, value_keys
from .transport import Ack, HttpTransport
from .validation import validate_blocks
from .views import checked_view
from .workspace import Workspace

TROUBLE = "We had some trouble connecting. Try again?"
_CLICK_ERRORS = {
    "timeout": "This app took too long to answer.",
    "connection_failed": "This app could not be reached.",
    "dropped": "This app could not be reached.",
}


@dataclass
class DeliveryResult:
    """`error` is what the person would read; `errors` are sentences by block id of a refused form."""

    ok: bool
    error: str = ""
    response_action: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    ack: Ack = field(default_factory=Ack)
    payload: Json = field(default_factory=dict)
    delivered: bool = True
    message: Message | None = None


P = ParamSpec("P")


def _refused(error: str) -> DeliveryResult:
    return DeliveryResult(False, error, delivered=False)


def _by_a_person(act: Callable[P, DeliveryResult]) -> Callable[P, DeliveryResult]:
    """What a person could not do in Slack becomes a result that says so, and the app hears nothing."""

    @wraps(act)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> DeliveryResult:
        try:
            return act(*args, **kwargs)
        except (SlackError, ValueError) as error:
            return _refused(str(error))

    return guarded


class Delivery:
    """Acts for people. Ids are user, channel and view ids of the workspace."""

    def __init__(
        self,
        workspace: Workspace,
        faults: Faults,
        http: HttpTransport,
        hub: SocketHub,
        response_urls: ResponseUrls,
    ) -> None:
        self.workspace = workspace
        self.faults = faults
        self.http = http
        self.hub = hub
        self.response_urls = response_urls
        self.events = EventPump(workspace.config, faults, lambda p, retry: self.send("events_api", p, retry))
        self._pool: ThreadPoolExecutor | None = None
        workspace.emit = self.events.emit

    def send(self, kind: str, payload: Json, retry: tuple[int, str] | None = None) -> Ack:
        """One delivery by a connected socket, else by HTTP."""
        transport = self.hub if self.hub.connected else self.http
        return transport.send(kind, payload, retry)

    def close(self) -> None:
        """End every thread and connection of this delivery; using it again starts them anew."""
        self.events.close()
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
        self.http.close()
        self.events.reopen()

    def _interact(self, kind: str, payload: Json) -> Ack:
        if not self.faults.take("duplicate_delivery"):
            return self.send(kind, payload)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(2, "sandbox-duplicate")
        twin = self._pool.submit(self.send, kind, payload)
        ack = self.send(kind, payload)
        twin.result()
        return ack

    def verify_url(self) -> bool:
        """Whether the app answers Slack's url_verification challenge."""
        challenge = uuid4().hex
        ack = self.send(
            "events_api",
            {"token": payloads.TOKEN, "challenge": challenge, "type": "url_verification"},
        )
        answered = ack.body.get("challenge") if isinstance(ack.body, dict) else ack.body
        return ack.ok and answered == challenge

    # --- who and where ------------------------------------------------------------------------------------

    def _actor(self, user_id: str) -> User:
        user = self.workspace.users.get(user_id)
        if user is None or user.is_bot:
            raise SlackError("No such person is in this workspace.")
        if user.deleted:
            raise SlackError("This account has been deactivated.")
        return user

    def _room(self, user: User, channel_id: str) -> Channel:
        channel = self.workspace.channels.get(channel_id)
        if channel is None or not self.workspace.sees(user.id, channel):
            raise SlackError("You cannot see this conversation.")
        return channel

    # --- clicking -----------------------------------------------------------------------------------------

    @_by_a_person
    def click(
        self,
        user: str,
        channel: str | None = None,
        message_ts: str | None = None,
        *,
        action_id: str,
        block_id: str | None = None,
        view_id: str | None = None,
        state: State | None = None,
        **given: Any,
    ) -> DeliveryResult:
        """Touch an element of a message or view. `given` is what was chosen: value, selected_option, …

        An element that an edit has since removed can still be clicked, as from a screen not yet redrawn.
        """
        person = self._actor(user)
        if view_id is not None:
            return self._click_view(person, view_id, action_id, block_id, state or {}, given)
        room = self._room(person, channel or "")
        return self._click_message(person, room, message_ts or "", action_id, block_id, given)

    def _click_message(
        self, user: User, room: Channel, ts: str, action_id: str, block_id: str | None, given: Mapping[str, Any]
    ) -> DeliveryResult:
        message = self.workspace.find(room.id, ts)
        if message is None or message.ephemeral_to not in (None, user.id):
            raise SlackError("This message is gone.")
        for content in (message.content, *reversed(message.versions)):
            blocks = [*content.blocks, *(b for a in content.attachments for b in a.get("blocks", []))]
            found = find_element(blocks, action_id, block_id)
            if found is not None:
                break
        else:
            raise SlackError(f"There is no {action_id} on this message.")
        block, element = found
        action = payloads.action_of(element, block, dict(given), self.workspace.next_ts())
        key, _ = value_keys(element["type"])
        if key in action and element["type"] not in ("button", "overflow"):
            entry = {"type": element["type"], key: action[key]}
            message.state.setdefault(block["block_id"], {})[action_id] = entry
        url = self.response_urls.issue(user.id, room.id, message)
        payload = payloads.envelope("block_actions", user, self.workspace.views.new_trigger(user.id))
        payload |= payloads.message_surface(message, content.blocks, self.workspace, url)
        payload["actions"] = [action]
        return self._clicked(payload)

    def _click_view(
        self,
        user: User,
        view_id: str,
        action_id: str,
        block_id: str | None,
        state: State,
        given: Mapping[str, Any],
    ) -> DeliveryResult:
        view = self._view_of(user, view_id)
        found = find_element(view.blocks, action_id, block_id)
        if found is None:
            raise SlackError(f"There is no {action_id} in this view.")
        block, element = found
        action = payloads.action_of(element, block, dict(given), self.workspace.next_ts())
        key, _ = value_keys(element["type"])
        layer: State = {block["block_id"]: {action_id: {"type": element["type"], key: action.get(key)}}}
        view.state = merged(view.blocks, view.state, state, layer)
        payload = payloads.envelope("block_actions", user, self.workspace.views.new_trigger(user.id))
        payload |= payloads.view_surface(view) | {"actions": [action]}
        return self._clicked(payload)

    def _clicked(self, payload: Json) -> DeliveryResult:
        ack = self._interact("interactive", payload)
        error = _CLICK_ERRORS.get(ack.error, f"This app responded with Status Code {ack.status}.")
        return DeliveryResult(ack.ok, "" if ack.ok else error, ack=ack, payload=payload)

    @_by_a_person
    def suggest(self, user: str, view_id: str, action_id: str, query: str) -> DeliveryResult:
        """Ask the app for the options of an external select; they come back in `ack.body`."""
        person = self._actor(user)
        view = self._view_of(person, view_id)
        found = find_element(view.blocks, action_id)
        if found is None:
            return _refused(f"There is no {action_id} in this view.")
        payload = payloads.envelope("block_suggestion", person) | payloads.view_surface(view)
        payload |= {"action_id": action_id, "block_id": found[0]["block_id"], "value": query}
        ack = self.send("interactive", payload)
        options = ack.body.get("options") if ack.ok and isinstance(ack.body, dict) else None
        good = isinstance(options, list) and len(options) <= 100
        return DeliveryResult(good, "" if good else "Result not available.", ack=ack, payload=payload)

    # --- modals -------------------------------------------------------------------------------------------

    def _view_of(self, user: User, view_id: str) -> View:
        view = self.workspace.views.find(view_id)
        if view is None or view.user != user.id:
            raise SlackError("This view is no longer open.")
        return view

    @_by_a_person
    def submit_view(self, user: str, view_id: str, state: State | None = None) -> DeliveryResult:
        """Press submit. What the form itself refuses never reaches the app (`delivered` is False)."""
        person = self._actor(user)
        view = self._view_of(person, view_id)
        if view.type != "modal" or "submit" not in view.body:
            return _refused("This view has no submit button.")
        view.state = merged(view.blocks, view.state, state or {})
        errors = form_errors(view.blocks, view.state)
        if errors:
            return DeliveryResult(False, response_action="errors", errors=errors, delivered=False)
        payload = payloads.envelope("view_submission", person, self.workspace.views.new_trigger(user))
        payload |= payloads.submission(view, view.state)
        ack = self._interact("interactive", payload)
        if not ack.ok:
            return DeliveryResult(False, TROUBLE, ack=ack, payload=payload)
        try:
            result = self._respond(view, ack.body)
        except (SlackError, ValueError) as error:
            result = DeliveryResult(False, TROUBLE)
            ack.error = f"invalid_response: {error}"
        result.ack, result.payload = ack, payload
        return result

    def _respond(self, view: View, body: Any) -> DeliveryResult:
        """Carry out the app's answer to a submission; ValueError or SlackError when Slack would not."""
        views = self.workspace.views
        if body is None or body == {} or body == "":
            views.pop(view)
            return DeliveryResult(True)
        if not isinstance(body, dict):
            raise ValueError("the answer is not a JSON object")
        action = body.get("response_action")
        if action == "errors":
            inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
            errors = body.get("errors")
            if not isinstance(errors, dict) or not errors or set(errors) - inputs:
                raise ValueError("errors must name input blocks of the view")
            if not all(isinstance(text, str) and text for text in errors.values()):
                raise ValueError("errors must be sentences")
            return DeliveryResult(False, response_action="errors", errors=errors)
        if action == "clear":
            views.clear(view.user)
        elif action == "update":
            views.update(view, checked_view(body.get("view"), "modal"))
        elif action == "push":
            views.push_for(view.user, checked_view(body.get("view"), "modal"))
        else:
            raise ValueError(f"unknown response_action {action!r}")
        return DeliveryResult(True, response_action=action)

    @_by_a_person
    def close_view(self, user: str, view_id: str, *, all_of_them: bool = False) -> DeliveryResult:
        """Press cancel, or the cross (`all_of_them`); the app hears of it if it asked to."""
        person = self._actor(user)
        view = self._view_of(person, view_id)
        clear = all_of_them or bool(view.body.get("clear_on_close"))
        if clear:
            self.workspace.views.clear(user)
        else:
            self.workspace.views.pop(view)
        if not view.body.get("notify_on_close"):
            return DeliveryResult(True, delivered=False)
        payload = payloads.envelope("view_closed", person) | {"is_cleared": clear}
        payload["view"] = payloads.view_surface(view)["view"]
        ack = self._interact("interactive", payload)
        return DeliveryResult(True, ack=ack, payload=payload)

    # --- commands and shortcuts -----------------------------------------------------------------------------

    @_by_a_person
    def slash(self, user: str, channel: str, command: str, text: str = "") -> DeliveryResult:
        """Type a slash command; an immediate answer shows up as Slack would show it."""
        config = self.workspace.config
        person = self._actor(user)
        room = self._room(person, channel)
        if command not in config.commands:
            return _refused(f"{command} is not a valid command.")
        form = {
            "token": payloads.TOKEN,
            "team_id": seed.TEAM_ID,
            "team_domain": seed.TEAM_DOMAIN,
            "channel_id": room.id,
            "channel_name": payloads.place(room)["name"],
            "user_id": person.id,
            "user_name": person.name,
            "command": command,
            "text": payloads.as_typed(text, self.workspace) if config.escape_commands else text,
            "api_app_id": seed.APP_ID,
            "is_enterprise_install": "false",
            "response_url": self.response_urls.issue(person.id, room.id),
            "trigger_id": self.workspace.views.new_trigger(person.id),
        }
        ack = self._interact("slash_commands", form)
        failure = {"": "", "timeout": "operation_timeout"}.get(ack.error, "dispatch_failed")
        if not failure and ack.body:
            failure = self._command_answer(person.id, room, ack.body)
        shown = f'{command} failed with the error "{failure}"' if failure else ""
        return DeliveryResult(not failure, shown, ack=ack, payload=form)

    def _command_answer(self, user: str, room: Channel, body: Any) -> str:
        values = body if isinstance(body, dict) else {"text": str(body)}
        if validate_blocks(Args(values).structure("blocks", "invalid_blocks_format") or []):
            return "invalid_command_response"
        try:
            self.response_urls.answer(user, room.id, values)
        except SlackError:
            return "invalid_command_response"
        return ""

    @_by_a_person
    def shortcut(self, user: str, callback_id: str) -> DeliveryResult:
        """Pick a global shortcut."""
        person = self._actor(user)
        payload = payloads.envelope("shortcut", person, self.workspace.views.new_trigger(user))
        return self._clicked(payload | {"callback_id": callback_id, "action_ts": self.workspace.next_ts()})

    @_by_a_person
    def message_action(self, user: str, channel: str, message_ts: str, callback_id: str) -> DeliveryResult:
        """Pick a shortcut from a message's menu."""
        person = self._actor(user)
        room = self._room(person, channel)
        message = self.workspace.find(channel, message_ts)
        if message is None:
            return _refused("This message is gone.")
        payload = payloads.envelope("message_action", person, self.workspace.views.new_trigger(user))
        surface = payloads.message_surface(message, message.blocks, self.workspace, "")
        payload |= {
            "callback_id": callback_id,
            "action_ts": self.workspace.next_ts(),
            "channel": payloads.place(room),
            "message_ts": message.ts,
            "message": surface.get("message", {}),
            "response_url": self.response_urls.issue(user, room.id, message),
        }
        return self._clicked(payload)

    # --- talking --------------------------------------------------------------------------------------------

    @_by_a_person
    def message(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> DeliveryResult:
        """Say something as a person; the app hears of it by an event, which is not waited for."""
        person = self._actor(user)
        room = self._room(person, channel)
        if room.is_archived:
            raise SlackError("This channel is archived.")
        if user not in room.members:
            self.workspace.join(room, user)
        if not text.strip():
            raise SlackError("There is nothing to send.")
        typed = payloads.as_typed(text, self.workspace)
        content = enliven(typed, payloads.rich_text_of(typed), [], None)
        posted = self.workspace.post(room, person.id, content, thread_ts=thread_ts)
        return DeliveryResult(True, message=posted)

    @_by_a_person
    def edit_message(self, user: str, channel: str, ts: str, text: str) -> DeliveryResult:
        """Change something one said oneself."""
        message = self.workspace.find(channel, ts)
        if message is None or message.user != user:
            return _refused("You can only edit your own messages.")
        typed = payloads.as_typed(text, self.workspace)
        content = enliven(typed, payloads.rich_text_of(typed), [], None)
        self.workspace.edit(message, content, shows_edited=True)
        return DeliveryResult(True, message=message)

    @_by_a_person
    def delete_message(self, user: str, channel: str, ts: str) -> DeliveryResult:
        """Take back something one said oneself."""
        message = self.workspace.find(channel, ts)
        if message is None or message.user != user:
            return _refused("You can only delete your own messages.")
        self.workspace.delete(message)
        return DeliveryResult(True)

    @_by_a_person
    def open_home(self, user: str) -> DeliveryResult:
        """Open the app's Home tab; the app hears of it by an event, which is not waited for."""
        person = self._actor(user)
        room = self.workspace.dm(person.id)
        event: Json = {"type": "app_home_opened", "user": user, "channel": room.id, "tab": "home"}
        event["event_ts"] = self.workspace.next_ts()
        home = self.workspace.views.homes.get(user)
        if home is not None:
            event["view"] = payloads.view_surface(home)["view"]
        self.events.emit("app_home_opened", event)
        return DeliveryResult(True)

    def open_state(self, view_id: str) -> State:
        """The first values of an open view, to fill in and submit."""
        view = self.workspace.views.find(view_id)
        return first_values(view.blocks) if view is not None else {}
