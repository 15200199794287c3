"""What stands in a submitted form, and in what we hide in forms and buttons. It is data, never trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

Values = Mapping[str, Mapping[str, Mapping[str, Any]]]


def values_of(view: Mapping[str, Any]) -> Values:
    found: Values = (view.get("state") or {}).get("values") or {}
    return found


def element(values: Values, block: str) -> Mapping[str, Any]:
    return next(iter((values.get(block) or {}).values()), {})


def typed(values: Values, block: str) -> str:
    return str(element(values, block).get("value") or "")


def chosen(values: Values, block: str) -> str:
    return str((element(values, block).get("selected_option") or {}).get("value") or "")


def hidden_fields(raw: object) -> dict[str, str]:
    """Of a button's value or a modal's private_metadata; empty when it is not ours."""
    try:
        return msgspec.json.decode(str(raw or ""), type=dict[str, str])
    except msgspec.DecodeError:
        return {}
