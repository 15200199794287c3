"""What the stateful elements of a surface hold: their first values and what a person made of them."""

import re
from typing import Any

from .elements import STATEFUL, all_options
from .model import Json
from .validation import block_elements

State = dict[str, dict[str, Json]]
_KEY = {
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", "files"),
    "rich_text_input": ("rich_text_value", "initial_value"),
}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
REQUIRED = "Please complete this required field."


def value_keys(kind: str) -> tuple[str, str]:
    """(key in state, key of the first value) for an element type."""
    return _KEY.get(kind, ("value", "initial_value"))


def is_many(kind: str) -> bool:
    return kind == "checkboxes" or kind.startswith("multi_") or kind == "file_input"


def first_values(blocks: list[Json]) -> State:
    """The state before anybody touched it, as Slack reports it: every stateful element, empty or not."""
    state: State = {}
    for block in blocks:
        for _, element in block_elements(block):
            kind = element["type"]
            if kind in STATEFUL:
                key, initial = value_keys(kind)
                value = element.get(initial, [] if is_many(kind) else None)
                value = value or None if key == "value" else value
                entry = {"type": kind, key: value}
                state.setdefault(block["block_id"], {})[element["action_id"]] = entry
    return state


def merged(blocks: list[Json], *layers: State) -> State:
    """First values with each layer on top, keeping only elements that are still there."""
    state = first_values(blocks)
    for layer in layers:
        for block_id, actions in layer.items():
            for action_id, entry in actions.items():
                if entry.get("type") == state.get(block_id, {}).get(action_id, {}).get("type"):
                    state[block_id][action_id] = {**state[block_id][action_id], **entry}
    for actions in state.values():
        for entry in actions.values():
            if entry.get("value") == "":
                entry["value"] = None
    return state


def find_element(blocks: list[Json], action_id: str, block_id: str | None = None) -> tuple[Json, Json] | None:
    """(block, element) with that action id, in that block if one is named."""
    for block in blocks:
        if block_id is not None and block.get("block_id") != block_id:
            continue
        for _, element in block_elements(block):
            if element.get("action_id") == action_id:
                return block, element
    return None


def form_errors(blocks: list[Json], state: State) -> dict[str, str]:
    """What Slack's own form refuses before an app hears of it, one sentence by block id."""
    errors: dict[str, str] = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        key, _ = value_keys(element["type"])
        value = state.get(block["block_id"], {}).get(element["action_id"], {}).get(key)
        problem = _problem(element, value, bool(block.get("optional")))
        if problem:
            errors[block["block_id"]] = problem
    return errors


def _problem(element: Json, value: Any, optional: bool) -> str:
    if value is None or value in ("", []):
        return "" if optional else REQUIRED
    kind = element["type"]
    if kind == "plain_text_input":
        return _length_problem(element, value)
    if kind == "number_input":
        return _number_problem(element, value)
    if kind == "email_text_input" and not _EMAIL.fullmatch(str(value)):
        return "Please enter a valid email address."
    if kind == "url_text_input" and not str(value).startswith(("http://", "https://")):
        return "Please enter a valid URL."
    if "options" in element or "option_groups" in element:
        chosen = value if isinstance(value, list) else [value]
        offered = [option["value"] for option in all_options(element)]
        if any(not isinstance(one, dict) or one.get("value") not in offered for one in chosen):
            return "Please choose one of the options."
    return ""


def _length_problem(element: Json, value: Any) -> str:
    if not isinstance(value, str):
        return "Please enter text."
    if len(value) > element.get("max_length", 3000):
        return f"Please enter at most {element.get('max_length', 3000)} characters."
    if len(value) < element.get("min_length", 0):
        return f"Please enter at least {element['min_length']} characters."
    return ""


def _number_problem(element: Json, value: Any) -> str:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return "Please enter a valid number."
    if not element["is_decimal_allowed"] and not number.is_integer():
        return "Please enter a whole number."
    if number < float(element.get("min_value", "-inf")) or number > float(element.get("max_value", "inf")):
        return "Please enter a number in the allowed range."
    return ""


def option_of(element: Json, value: str) -> Json | None:
    """The element's own option with that value."""
    return next((o for o in all_options(element) if o["value"] == value), None)
