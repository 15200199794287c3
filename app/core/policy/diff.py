"""What changed between two policies, key by key, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from app.core.policy.documents import PolicyDocuments
from app.core.shape import key_path

Kind = Literal["added", "removed", "changed", "moved"]
Parts = tuple[str | int, ...]
_SHOWN = 160
# What names an entry of a list, where one does.
_NAMES = ("id", "value")
# Lists whose order means something: steps one after the other, the first that fits.
_ORDERED = frozenset(
    {
        ("risk.yaml", "stages"),
        ("risk.yaml", "outcomes"),
        ("risk.yaml", "routes.precedence"),
        ("risk.yaml", "checklist"),
        ("guardrails.yaml", "rules"),
    }
)
_NOTHING = object()


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `key` names entries by their id: `rules.account_vip.raises.tier`; `old` and `new` are as filed."""

    file: str
    key: str
    kind: Kind
    old: Any = None
    new: Any = None

    def __str__(self) -> str:
        where = f"{self.file}: {self.key}"
        match self.kind:
            case "added":
                return f"{where}: new: {spell(self.new)}"
            case "removed":
                return f"{where}: removed, was: {spell(self.old)}"
            case "moved":
                return f"{where}: another order: {spell(self.new)}"
            case "changed":
                return f"{where}: {spell(self.old)} → {spell(self.new)}"


def diff(old: PolicyDocuments, new: PolicyDocuments) -> tuple[Difference, ...]:
    """Nothing when both mean the same, whatever comments and spacing say."""
    before, after = old.by_file(), new.by_file()
    found: list[Difference] = []
    for file in dict.fromkeys((*before, *after)):
        found += _changes(file, (), before.get(file, {}), after.get(file, {}))
    return tuple(found)


def spell(value: Any) -> str:
    """A value of a policy file as a person would say it; long ones are cut."""
    text = _spell(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _spell(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None | "":
            return "nothing"
        case Mapping() | list() if not value:
            return "nothing"
        case Mapping():
            shown = {k: v for k, v in value.items() if k not in _NAMES or len(value) == 1}
            return ", ".join(f"{k}: {_inner(v)}" for k, v in shown.items())
        case list() | tuple():
            return ", ".join(map(_inner, value))
    return str(value)


def _inner(value: Any) -> str:
    return f"({_spell(value)})" if isinstance(value, Mapping) and value else _spell(value)


def _changes(file: str, at: Parts, old: Any, new: Any) -> Iterator[Difference]:
    if old == new and isinstance(old, bool) == isinstance(new, bool):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _entries(file, at, old, new)
    elif (before := _by_name(old)) is not None and (after := _by_name(new)) is not None:
        yield from _entries(file, at, before, after)
        yield from _order(file, at, list(before), list(after))
    elif _plain(old) and _plain(new):
        yield from _words(file, at, old, new)
    else:
        yield Difference(file=file, key=key_path(at), kind="changed", old=old, new=new)


def _entries(file: str, at: Parts, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys((*old, *new)):
        before, after = old.get(name, _NOTHING), new.get(name, _NOTHING)
        key = (*at, name)
        if before is _NOTHING:
            yield Difference(file=file, key=key_path(key), kind="added", new=after)
        elif after is _NOTHING:
            yield Difference(file=file, key=key_path(key), kind="removed", old=before)
        else:
            yield from _changes(file, key, before, after)


def _words(file: str, at: Parts, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Difference]:
    """Of a list of words or phrases: those that came and those that went, and nothing about the rest."""
    gone, come = [w for w in old if w not in new], [w for w in new if w not in old]
    if gone and come:
        yield Difference(file=file, key=key_path(at), kind="changed", old=gone, new=come)
    elif gone or come:
        kind: Kind = "added" if come else "removed"
        yield Difference(file=file, key=key_path(at), kind=kind, old=gone or None, new=come or None)
    yield from _order(file, at, old, new)


def _order(file: str, at: Parts, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Difference]:
    kept = [entry for entry in old if entry in new], [entry for entry in new if entry in old]
    if (file, key_path(at)) in _ORDERED and kept[0] != kept[1]:
        yield Difference(file=file, key=key_path(at), kind="moved", old=list(old), new=list(new))


def _by_name(value: Any) -> dict[str, Any] | None:
    """A list's entries by what names them; None for what is no list of entries that all have names of their own."""
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        return None
    names = [_name(entry) for entry in value]
    if None in names or len(set(names)) < len(names):
        return None
    return {str(name): entry for name, entry in zip(names, value, strict=True)}


def _name(entry: Mapping[str, Any]) -> str | None:
    for key in _NAMES:
        if isinstance(entry.get(key), str):
            return str(entry[key])
    if isinstance(entry.get("outcome"), str):
        return " ".join(str(entry[key]) for key in ("outcome", "category", "route", "intent") if entry.get(key))
    if "segment" in entry and "of" in entry:
        return f"{entry['segment']} {entry['of']}"
    return str(entry["currency"]) if "currency" in entry and "amount" in entry else None


def _plain(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(entry, Mapping | list) for entry in value)
