"""What people do in Slack, delivered to the app, and what they then see.

Calls block until the app acknowledged or the ack time-out passed; never call them on the server's own loop.
"""

from collections.abc import Mapping
from typing import Any

from . import payloads, seed
from .acting import DeliveryResult, by_a_person, refused
from .api_args import Args
from .modals import Modals
from .model import Channel, Json, SlackError, User
from .mrkdwn import enliven
from .state import State, find_element, merged, value_keys
from .validation import validate_blocks

__all__ = ["Delivery", "DeliveryResult"]
_CLICK_ERRORS = {
    "timeout": "This app took too long to answer.",
    "connection_failed": "This app could not be reached.",
    "dropped": "This app could not be reached.",
}


class Delivery(Modals):
    """Acts for people. Ids are user, channel and view ids of the workspace."""

    # --- clicking -----------------------------------------------------------------------------------------

    @by_a_person
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

    @by_a_person
    def suggest(self, user: str, view_id: str, action_id: str, query: str) -> DeliveryResult:
        """Ask the app for the options of an external select; they come back in `ack.body`."""
        person = self._actor(user)
        view = self._view_of(person, view_id)
        found = find_element(view.blocks, action_id)
        if found is None:
            return refused(f"There is no {action_id} in this view.")
        payload = payloads.envelope("block_suggestion", person) | payloads.view_surface(view)
        payload |= {"action_id": action_id, "block_id": found[0]["block_id"], "value": query}
        ack = self.send("interactive", payload)
        options = ack.body.get("options") if ack.ok and isinstance(ack.body, dict) else None
        good = isinstance(options, list) and len(options) <= 100
        return DeliveryResult(good, "" if good else "Result not available.", ack=ack, payload=payload)

    # --- commands and shortcuts -----------------------------------------------------------------------------

    @by_a_person
    def slash(self, user: str, channel: str, command: str, text: str = "") -> DeliveryResult:
        """Type a slash command; an immediate answer shows up as Slack would show it."""
        config = self.workspace.config
        person = self._actor(user)
        room = self._room(person, channel)
        if command not in config.commands:
            return refused(f"{command} is not a valid command.")
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

    @by_a_person
    def shortcut(self, user: str, callback_id: str) -> DeliveryResult:
        """Pick a global shortcut; nobody is offered one that the app does not have."""
        person = self._actor(user)
        if callback_id not in [one.callback_id for one in self.workspace.config.shortcuts]:
            return refused("There is no such shortcut.")
        payload = payloads.envelope("shortcut", person, self.workspace.views.new_trigger(user))
        return self._clicked(payload | {"callback_id": callback_id, "action_ts": self.workspace.next_ts()})

    @by_a_person
    def message_action(self, user: str, channel: str, message_ts: str, callback_id: str) -> DeliveryResult:
        """Pick a shortcut from a message's menu."""
        person = self._actor(user)
        room = self._room(person, channel)
        message = self.workspace.find(channel, message_ts)
        if message is None:
            return refused("This message is gone.")
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

    @by_a_person
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

    @by_a_person
    def edit_message(self, user: str, channel: str, ts: str, text: str) -> DeliveryResult:
        """Change something one said oneself."""
        message = self.workspace.find(channel, ts)
        if message is None or message.user != user:
            return refused("You can only edit your own messages.")
        typed = payloads.as_typed(text, self.workspace)
        content = enliven(typed, payloads.rich_text_of(typed), [], None)
        self.workspace.edit(message, content, shows_edited=True)
        return DeliveryResult(True, message=message)

    @by_a_person
    def delete_message(self, user: str, channel: str, ts: str) -> DeliveryResult:
        """Take back something one said oneself."""
        message = self.workspace.find(channel, ts)
        if message is None or message.user != user:
            return refused("You can only delete your own messages.")
        self.workspace.delete(message)
        return DeliveryResult(True)

    @by_a_person
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
