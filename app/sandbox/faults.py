"""Everything that can be made to go wrong on purpose."""

import threading
from collections.abc import Callable
from typing import Any

_COUNTED = "true: until switched off; a number n: the next n times"
FAULT_HELP: dict[str, str] = {
    "slack_down": f"The Web API answers 503 and does nothing. {_COUNTED}.",
    "slack_500": f"The Web API answers 500 internal_error and does nothing. {_COUNTED}.",
    "slack_rate_limit": "'strict': 1 message a second a channel; 'off': no limit; 'always': only 429s.",
    "slack_timeout_before": f"Calls to chat.* hang and do nothing. {_COUNTED}.",
    "slack_timeout_after": f"Calls to chat.* take effect, then hang. 'drop' cuts the line. {_COUNTED}.",
    "slack_slow_ms": "Every Web API answer is this many milliseconds late.",
    "duplicate_delivery": f"Events and clicks reach the app twice. {_COUNTED}.",
    "out_of_order_delivery": "true: events reach the app in pairs, the later one first.",
    "drop_socket": f"A Socket Mode connection is cut after an envelope, before its ack. {_COUNTED}.",
    "old_timestamp": f"Requests to the app are signed ten minutes in the past. {_COUNTED}.",
    "bad_signature": f"Requests to the app carry a wrong signature. {_COUNTED}.",
    "helpdesk_500": f"The helpdesk answers 500 and stores nothing. {_COUNTED}.",
    "helpdesk_429": f"The helpdesk answers 429 with Retry-After 1. {_COUNTED}.",
    "helpdesk_timeout_after": f"The helpdesk stores, then hangs. 'drop' cuts the line. {_COUNTED}.",
    "helpdesk_timeout_before": f"The helpdesk hangs and stores nothing. {_COUNTED}.",
    "helpdesk_down": f"The helpdesk answers 503. {_COUNTED}.",
    "crm_500": f"The CRM answers 500 and stores nothing. {_COUNTED}.",
    "crm_429": f"The CRM answers 429 with Retry-After 1. {_COUNTED}.",
    "crm_timeout_after": f"The CRM stores, then hangs. 'drop' cuts the line. {_COUNTED}.",
    "crm_reject_property": "A property name the CRM claims not to know; empty for none.",
}
_DEFAULTS: dict[str, Any] = {"slack_rate_limit": "strict", "slack_slow_ms": 0, "crm_reject_property": ""}
_WORDS = {
    "slack_rate_limit": ("strict", "off", "always"),
    "slack_timeout_after": ("drop",),
    "helpdesk_timeout_after": ("drop",),
    "crm_timeout_after": ("drop",),
}


class Faults:
    """Named switches; unknown names and values of the wrong kind are a ValueError that says so."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {name: _DEFAULTS.get(name, False) for name in FAULT_HELP}
        self.on_change: Callable[[], None] = lambda: None

    @property
    def help(self) -> dict[str, str]:
        return dict(FAULT_HELP)

    def all(self) -> dict[str, Any]:
        with self._lock:
            return dict(self._values)

    def set(self, name: str, value: Any = True) -> None:
        if name not in FAULT_HELP:
            raise ValueError(f"fault: no fault is named {name!r}")
        if isinstance(value, str) and name != "crm_reject_property" and value not in _WORDS.get(name, ()):
            raise ValueError(f"fault {name}: {value!r} is not one of its values; {FAULT_HELP[name]}")
        if not isinstance(value, str | bool | int | float) or (not isinstance(value, str) and value < 0):
            raise ValueError(f"fault {name}: the value must be true, false, a positive number or a word")
        if name == "slack_rate_limit" and isinstance(value, bool):
            value = "always" if value else "strict"
        if name == "crm_reject_property" and not isinstance(value, str):
            value = ""
        with self._lock:
            self._values[name] = value
        self.on_change()

    def get(self, name: str) -> Any:
        with self._lock:
            return self._values[name]

    def take(self, name: str) -> Any:
        """The value if the fault strikes now, else False; a counted fault is used up by one."""
        with self._lock:
            value = self._values[name]
            if not value:
                return False
            if isinstance(value, int) and not isinstance(value, bool):
                self._values[name] = value - 1
        return value

    def clear(self) -> None:
        """Everything works again."""
        with self._lock:
            self._values = {name: _DEFAULTS.get(name, False) for name in FAULT_HELP}
        self.on_change()
