"""Block Kit's composition objects and block elements, with Slack's documented limits."""

from datetime import date
from typing import Any
from urllib.parse import urlsplit

from .checks import Check, array, boolean, integer, record, report, string, typed, wrapped

_ID = string(255, 1)
_NUMBER = string(pattern=r"-?\d+(\.\d+)?", named="number")
_CONVERSATION = string(pattern=r"[CDG][A-Z0-9_]+", named="conversation id")
_USER = string(pattern=r"[UW][A-Z0-9_]+", named="user id")


def kind(name: str) -> Check:
    return string(one_of=(name,))


def url(most: int = 3000) -> Check:
    """An absolute http(s) or mailto address of limited length."""
    limit = string(most, 1)

    def check(value: Any, path: str, out: list[str]) -> None:
        limit(value, path, out)
        if isinstance(value, str) and urlsplit(value).scheme not in ("http", "https", "mailto", "slack"):
            report(out, "invalid url", path)

    return check


def image_url(value: Any, path: str, out: list[str]) -> None:
    """An address Slack's servers could fetch: public http(s), never this machine."""
    string(3000, 1)(value, path, out)
    if not isinstance(value, str):
        return
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https"):
        report(out, "invalid url", path)
    elif (parts.hostname or "") in ("localhost", "127.0.0.1", "::1", ""):
        report(out, "downloading image failed", path)


def _plain(most: int, least: int) -> Check:
    return record({"type": kind("plain_text"), "text": string(most, least)}, {"emoji": boolean})


def plain(most: int = 3000, least: int = 1) -> Check:
    """A plain_text object; mrkdwn is refused here."""
    return wrapped(typed({"plain_text": _plain(most, least)}))


def text(most: int = 3000, least: int = 1) -> Check:
    """A plain_text or mrkdwn object."""
    mrkdwn = record({"type": kind("mrkdwn"), "text": string(most, least)}, {"verbatim": boolean})
    return wrapped(typed({"plain_text": _plain(most, least), "mrkdwn": mrkdwn}))


CONFIRM = record(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": string(one_of=("primary", "danger"))},
)
OPTION = record({"text": plain(75), "value": string(150, 1)}, {"description": plain(75)})
RICH_OPTION = record({"text": text(75), "value": string(150, 1)}, {"description": text(75)})
LINK_OPTION = record({"text": plain(75), "value": string(150, 1)}, {"description": plain(75), "url": url()})
OPTION_GROUP = record({"label": plain(75), "options": array(OPTION, 1, 100)}, {})
FILTER = record(
    {},
    {
        "include": array(string(one_of=("im", "mpim", "private", "public")), 1),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)
DISPATCH = record({"trigger_actions_on": array(string(one_of=("on_enter_pressed", "on_character_entered")), 1, 2)}, {})


def all_options(element: dict[str, Any]) -> list[dict[str, Any]]:
    """The options of a select, flat, whether grouped or not."""
    groups = element.get("option_groups", [])
    return [*element.get("options", []), *(option for group in groups for option in group["options"])]


def _unique_values(element: dict[str, Any], path: str, out: list[str]) -> None:
    values = [option["value"] for option in all_options(element)]
    if len(set(values)) != len(values):
        report(out, "option values must be unique", f"{path}/options")


def _initial_among(element: dict[str, Any], path: str, out: list[str]) -> None:
    if "initial_option" in element and element["initial_option"] not in all_options(element):
        report(out, "initial_option must exactly match one of the provided options", f"{path}/initial_option")
    for index, one in enumerate(element.get("initial_options", [])):
        if one not in all_options(element):
            where = f"{path}/initial_options/{index}"
            report(out, "initial_options must exactly match the provided options", where)


def _one_source(element: dict[str, Any], path: str, out: list[str]) -> None:
    if ("options" in element) == ("option_groups" in element):
        report(out, "must define either `options` or `option_groups`", path)


def _real_date(element: dict[str, Any], path: str, out: list[str]) -> None:
    try:
        date.fromisoformat(element.get("initial_date", "2000-01-01"))
    except ValueError:
        report(out, "invalid date", f"{path}/initial_date")


def _value_in_bounds(element: dict[str, Any], path: str, out: list[str]) -> None:
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if least > most:
        report(out, "min_length must be less than max_length", f"{path}/min_length")
    size = len(element.get("initial_value", ""))
    if size > most:
        report(out, f"must be less than {most + 1} characters", f"{path}/initial_value")
    elif 0 < size < least:
        report(out, f"must be more than {least - 1} characters", f"{path}/initial_value")


def _number_in_bounds(element: dict[str, Any], path: str, out: list[str]) -> None:
    bounds = {key: float(element[key]) for key in ("min_value", "max_value", "initial_value") if key in element}
    least, most = bounds.get("min_value", float("-inf")), bounds.get("max_value", float("inf"))
    if least > most:
        report(out, "min_value must be less than max_value", f"{path}/min_value")
    if "initial_value" in bounds and not least <= bounds["initial_value"] <= most:
        report(out, "initial_value is out of range", f"{path}/initial_value")
    if not element["is_decimal_allowed"] and any("." in str(element.get(key, "")) for key in bounds):
        report(out, "decimal values are not allowed", path)


def _element(name: str, required: dict[str, Check], optional: dict[str, Check], *rules: Any) -> Check:
    return record({"type": kind(name), **required}, {"action_id": _ID, **optional}, *rules)


_FOCUS: dict[str, Check] = {"focus_on_load": boolean}
_COMMON: dict[str, Check] = {"confirm": CONFIRM, "placeholder": plain(150), **_FOCUS}
_MANY: dict[str, Check] = {**_COMMON, "max_selected_items": integer(1, 100)}
_OPTIONS: dict[str, Check] = {"options": array(OPTION, 1, 100), "option_groups": array(OPTION_GROUP, 1, 100)}
_TYPED: dict[str, Check] = {"placeholder": plain(150), "dispatch_action_config": DISPATCH, **_FOCUS}
_MODERN: dict[str, Check] = {"response_url_enabled": boolean}

ELEMENTS: dict[str, Check] = {
    "button": _element(
        "button",
        {"text": plain(75)},
        {
            "url": url(),
            "value": string(2000),
            "style": string(one_of=("primary", "danger")),
            "confirm": CONFIRM,
            "accessibility_label": string(75),
        },
    ),
    "overflow": _element("overflow", {"options": array(LINK_OPTION, 1, 5)}, {"confirm": CONFIRM}, _unique_values),
    "static_select": _element(
        "static_select",
        {},
        {**_COMMON, **_OPTIONS, "initial_option": OPTION},
        _one_source,
        _unique_values,
        _initial_among,
    ),
    "multi_static_select": _element(
        "multi_static_select",
        {},
        {**_MANY, **_OPTIONS, "initial_options": array(OPTION, 1, 100)},
        _one_source,
        _unique_values,
        _initial_among,
    ),
    "external_select": _element(
        "external_select", {}, {**_COMMON, "initial_option": OPTION, "min_query_length": integer(0, 255)}
    ),
    "multi_external_select": _element(
        "multi_external_select",
        {},
        {**_MANY, "initial_options": array(OPTION, 1, 100), "min_query_length": integer(0, 255)},
    ),
    "users_select": _element("users_select", {}, {**_COMMON, "initial_user": _USER}),
    "multi_users_select": _element("multi_users_select", {}, {**_MANY, "initial_users": array(_USER, 1, 100)}),
    "conversations_select": _element(
        "conversations_select",
        {},
        {
            **_COMMON,
            **_MODERN,
            "initial_conversation": _CONVERSATION,
            "default_to_current_conversation": boolean,
            "filter": FILTER,
        },
    ),
    "multi_conversations_select": _element(
        "multi_conversations_select",
        {},
        {
            **_MANY,
            "initial_conversations": array(_CONVERSATION, 1, 100),
            "default_to_current_conversation": boolean,
            "filter": FILTER,
        },
    ),
    "channels_select": _element("channels_select", {}, {**_COMMON, **_MODERN, "initial_channel": _CONVERSATION}),
    "multi_channels_select": _element(
        "multi_channels_select", {}, {**_MANY, "initial_channels": array(_CONVERSATION, 1, 100)}
    ),
    "checkboxes": _element(
        "checkboxes",
        {"options": array(RICH_OPTION, 1, 10)},
        {"initial_options": array(RICH_OPTION, 1, 10), "confirm": CONFIRM, **_FOCUS},
        _unique_values,
        _initial_among,
    ),
    "radio_buttons": _element(
        "radio_buttons",
        {"options": array(RICH_OPTION, 1, 10)},
        {"initial_option": RICH_OPTION, "confirm": CONFIRM, **_FOCUS},
        _unique_values,
        _initial_among,
    ),
    "datepicker": _element(
        "datepicker",
        {},
        {**_COMMON, "initial_date": string(pattern=r"\d{4}-\d{2}-\d{2}", named="date")},
        _real_date,
    ),
    "timepicker": _element(
        "timepicker",
        {},
        {
            **_COMMON,
            "initial_time": string(pattern=r"([01]\d|2[0-3]):[0-5]\d", named="time"),
            "timezone": string(64, 1),
        },
    ),
    "datetimepicker": _element(
        "datetimepicker",
        {},
        {"initial_date_time": integer(1_000_000_000, 9_999_999_999), "confirm": CONFIRM, **_FOCUS},
    ),
    "plain_text_input": _element(
        "plain_text_input",
        {},
        {
            **_TYPED,
            "initial_value": string(3000),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
        _value_in_bounds,
    ),
    "rich_text_input": _element("rich_text_input", {}, _TYPED),
    "email_text_input": _element("email_text_input", {}, {**_TYPED, "initial_value": string(3000)}),
    "url_text_input": _element("url_text_input", {}, {**_TYPED, "initial_value": string(3000)}),
    "number_input": _element(
        "number_input",
        {"is_decimal_allowed": boolean},
        {**_TYPED, "initial_value": _NUMBER, "min_value": _NUMBER, "max_value": _NUMBER},
        _number_in_bounds,
    ),
    "file_input": _element("file_input", {}, {"filetypes": array(string(20, 1), 1), "max_files": integer(1, 10)}),
    "image": record(
        {"type": kind("image"), "alt_text": string(2000, 1)},
        {"image_url": image_url, "slack_file": record({}, {"id": string(64, 1), "url": url()})},
    ),
}
SELECTS = frozenset(f"{name}_select" for name in ("static", "external", "users", "conversations", "channels"))
MULTI_SELECTS = frozenset(f"multi_{name}" for name in SELECTS)
PICKERS = frozenset({"datepicker", "timepicker", "checkboxes", "radio_buttons"})
TEXT_INPUTS = frozenset(
    {
        "plain_text_input",
        "rich_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
        "file_input",
    }
)
ACCESSORIES = SELECTS | MULTI_SELECTS | PICKERS | {"button", "overflow", "image"}
ACTIONS = SELECTS | PICKERS | {"button", "overflow", "datetimepicker"}
INPUTS = SELECTS | MULTI_SELECTS | PICKERS | TEXT_INPUTS | {"datetimepicker"}
STATEFUL = INPUTS
