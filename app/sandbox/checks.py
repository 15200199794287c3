"""Small composable checks that report in Slack's words, each as `(value, json_pointer, out)`."""

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any, str, list[str]], None]
Rule = Callable[[dict[str, Any], str, list[str]], None]


def report(out: list[str], message: str, path: str) -> None:
    """Append one refusal in the form Slack's `response_metadata.messages` has."""
    out.append(f"[ERROR] {message} [json-pointer:{path}]")


def _length(size: int, least: int, most: int | None, path: str, out: list[str]) -> None:
    if size < least:
        report(out, f"must be more than {least - 1} characters", path)
    if most is not None and size > most:
        report(out, f"must be less than {most + 1} characters", path)


def string(
    most: int | None = None,
    least: int = 0,
    *,
    one_of: tuple[str, ...] = (),
    pattern: str = "",
    named: str = "",
) -> Check:
    """A string within lengths; `one_of` and `pattern` narrow it, `named` says what it should have been."""
    regex = re.compile(pattern) if pattern else None

    def check(value: Any, path: str, out: list[str]) -> None:
        if not isinstance(value, str):
            report(out, "must provide a string", path)
            return
        _length(len(value), least, most, path, out)
        if one_of and value not in one_of:
            report(out, f"must be a valid enum value: {', '.join(one_of)}", path)
        if regex is not None and not regex.fullmatch(value):
            report(out, f"invalid {named}", path)

    return check


def integer(least: int, most: int) -> Check:
    def check(value: Any, path: str, out: list[str]) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            report(out, "must provide an integer", path)
        elif value < least:
            report(out, f"must be greater than or equal to {least}", path)
        elif value > most:
            report(out, f"must be less than or equal to {most}", path)

    return check


def boolean(value: Any, path: str, out: list[str]) -> None:
    if not isinstance(value, bool):
        report(out, "must provide a boolean", path)


def array(item: Check, least: int = 0, most: int | None = None) -> Check:
    def check(value: Any, path: str, out: list[str]) -> None:
        if not isinstance(value, list):
            report(out, "must provide an array", path)
            return
        if len(value) < least:
            report(out, f"no less than {least} items allowed", path)
        if most is not None and len(value) > most:
            report(out, f"no more than {most} items allowed", path)
        for index, one in enumerate(value):
            item(one, f"{path}/{index}", out)

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check], *rules: Rule) -> Check:
    """An object with exactly these keys; `rules` look across keys once each key is well formed."""
    known = {**required, **optional}

    def check(value: Any, path: str, out: list[str]) -> None:
        if not isinstance(value, dict):
            report(out, "must provide an object", path)
            return
        before = len(out)
        for key in required:
            if key not in value:
                report(out, f"missing required field: {key}", path)
        for key, one in value.items():
            if key in known:
                known[key](one, f"{path}/{key}", out)
            else:
                report(out, f"invalid additional property: {key}", path)
        if len(out) == before:
            for rule in rules:
                rule(value, path, out)

    return check


def typed(table: Mapping[str, Check]) -> Check:
    """An object whose `type` picks its check."""

    def check(value: Any, path: str, out: list[str]) -> None:
        if not isinstance(value, dict):
            report(out, "must provide an object", path)
            return
        kind = value.get("type")
        if "type" not in value:
            report(out, "missing required field: type", path)
        elif not isinstance(kind, str):
            report(out, "must provide a string", f"{path}/type")
        elif kind not in table:
            report(out, f"unsupported type: {kind}", f"{path}/type")
        else:
            table[kind](value, path, out)

    return check


def wrapped(inner: Check) -> Check:
    """Slack says first that no schema matched, then why, wherever several schemas were possible."""

    def check(value: Any, path: str, out: list[str]) -> None:
        found: list[str] = []
        inner(value, path, found)
        if found:
            report(out, "failed to match all allowed schemas", path)
            out.extend(found)

    return check
