"""Submitting and closing modals, and carrying out what the app answers."""

from typing import Any

from . import payloads
from .acting import Acting, DeliveryResult, by_a_person, refused
from .model import Json, SlackError, View
from .state import State, first_values, form_errors, merged, value_keys
from .views import checked_view

TROUBLE = "We had some trouble connecting. Try again?"


class Modals(Acting):
    """Acts on open views."""

    @by_a_person
    def submit_view(self, user: str, view_id: str, state: State | None = None) -> DeliveryResult:
        """Press submit. What the form itself refuses never reaches the app (`delivered` is False)."""
        person = self._actor(user)
        view = self._view_of(person, view_id)
        if view.type != "modal" or "submit" not in view.body:
            return refused("This view has no submit button.")
        view.state = merged(view.blocks, view.state, state or {})
        errors = form_errors(view.blocks, view.state)
        if errors:
            return DeliveryResult(False, response_action="errors", errors=errors, delivered=False)
        payload = payloads.envelope("view_submission", person, self.workspace.views.new_trigger(user))
        payload |= payloads.submission(view, view.state) | {"response_urls": self._response_urls(view)}
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

    def _response_urls(self, view: View) -> list[Json]:
        """One for each conversation chosen in an input that asked for it."""
        urls = []
        for block in view.blocks:
            element = block.get("element", {})
            if not element.get("response_url_enabled"):
                continue
            key, _ = value_keys(element["type"])
            channel = view.state[block["block_id"]][element["action_id"]].get(key)
            if channel:
                ids = {"block_id": block["block_id"], "action_id": element["action_id"], "channel_id": channel}
                urls.append({**ids, "response_url": self.response_urls.issue(view.user, channel)})
        return urls

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

    @by_a_person
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

    def open_state(self, view_id: str) -> State:
        """The first values of an open view, to fill in and submit."""
        view = self.workspace.views.find(view_id)
        return first_values(view.blocks) if view is not None else {}
