"""A file that says who owns which account, who is on call when, and who manages whom."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml
from msgspec import Meta

from app.core.policy.rolesfile import Resolver as Kind
from app.core.policy.rolesfile import User
from app.ports.errors import Misconfigured, RetryLater
from app.ports.resolvers import MOST_USERS, Question

SETTING = "COUNTERSIGN_RESOLVER"
MAX_BYTES = 4 * 1024 * 1024
Users = Annotated[list[User], Meta(min_length=1, max_length=MOST_USERS)]


class _Shift(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """`from` counts, `to` no more. Times without an offset are local to `zone`."""

    start: str
    end: str
    users: Users
    zone: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zone: str = ""
    account_owner: dict[str, Users] | None = None
    manager: dict[str, Users] | None = None
    on_call: list[_Shift] | None = None


class _Duty(msgspec.Struct, frozen=True):
    start: datetime
    end: datetime
    users: tuple[str, ...]


class _Book(msgspec.Struct, frozen=True):
    owners: dict[str, tuple[str, ...]] | None
    managers: dict[str, tuple[str, ...]] | None
    duties: tuple[_Duty, ...] | None

    @property
    def kinds(self) -> frozenset[Kind]:
        there: dict[Kind, object] = {
            "account_owner": self.owners,
            "manager_of_initiator": self.managers,
            "on_call": self.duties,
        }
        return frozenset(kind for kind, part in there.items() if part is not None)


class FileResolver:
    """Read anew when it changes. A mistake in it at the start is Misconfigured; later, nobody is found until mended."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reading = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._book = self._current()

    @property
    def kinds(self) -> frozenset[Kind]:
        return self._book.kinds

    def resolve(self, kind: Kind, question: Question) -> tuple[str, ...]:
        try:
            book = self._current()
        except Misconfigured as error:
            raise RetryLater(str(error), code="file") from None
        match kind:
            case "account_owner":
                return _first(book.owners or {}, (question.customer_id, question.account_url))
            case "manager_of_initiator":
                return _first(book.managers or {}, (question.initiator_user, question.initiator_email))
            case "on_call":
                return _on_call(book.duties or (), question.at)

    def _current(self) -> _Book:
        with self._reading:
            try:
                stat = self._path.stat()
                stamp = (stat.st_mtime_ns, stat.st_size)
                if stamp != self._stamp:
                    self._book = _read(self._path)
                    self._stamp = stamp
            except OSError as error:
                raise Misconfigured(SETTING, f"names a file that cannot be read: {error.strerror}") from None
            return self._book


def _first(book: dict[str, tuple[str, ...]], names: Iterable[str]) -> tuple[str, ...]:
    return next((book[key] for name in names if (key := _key(name)) and key in book), ())


def _on_call(duties: tuple[_Duty, ...], at: datetime) -> tuple[str, ...]:
    users = (user for duty in duties if duty.start <= at < duty.end for user in duty.users)
    return tuple(dict.fromkeys(users))[:MOST_USERS]


def _key(name: str) -> str:
    return name.strip().casefold()


def _read(path: Path) -> _Book:
    """Raises OSError, or Misconfigured with the key or line; never with what stands there."""
    if path.stat().st_size > MAX_BYTES:
        raise Misconfigured(SETTING, "names a file larger than 4 MiB")
    try:
        given = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - a SafeLoader
        file = msgspec.convert({} if given is None else _listed(given), type=_File)
    except yaml.MarkedYAMLError as error:
        line = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise Misconfigured(SETTING, f"names a file that is not YAML or JSON{line}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise Misconfigured(SETTING, "names a file that is not YAML or JSON in UTF-8") from None
    except msgspec.ValidationError as error:
        raise Misconfigured(SETTING, f"names a file with a mistake: {_place(str(error))}") from None
    return _Book(
        owners=_book("account_owner", file.account_owner),
        managers=_book("manager", file.manager),
        duties=None if file.on_call is None else tuple(_duty(i, s, file.zone) for i, s in enumerate(file.on_call)),
    )


def _listed(given: Any) -> Any:
    """One person may stand without a list around them."""
    if not isinstance(given, dict):
        return given
    made = dict(given)
    for section in ("account_owner", "manager"):
        if isinstance(made.get(section), dict):
            made[section] = {str(k): [v] if isinstance(v, str) else v for k, v in made[section].items()}
    if isinstance(made.get("on_call"), list):
        made["on_call"] = [
            {**shift, "users": [shift["users"]]}
            if isinstance(shift, dict) and isinstance(shift.get("users"), str)
            else shift
            for shift in made["on_call"]
        ]
    return made


def _place(message: str) -> str:
    """msgspec names a key of a table by `[...]`, so no account or address is said."""
    return message.replace("`$.", "`")


def _book(section: str, given: dict[str, list[str]] | None) -> dict[str, tuple[str, ...]] | None:
    if given is None:
        return None
    made: dict[str, tuple[str, ...]] = {}
    for name, users in given.items():
        if not _key(name) or _key(name) in made:
            raise Misconfigured(SETTING, f"names a file in which {section} has an empty name, or one name twice")
        made[_key(name)] = tuple(users)
    return made


def _duty(index: int, shift: _Shift, zone: str) -> _Duty:
    at = f"on_call[{index}]"
    start, end = (
        _moment(f"{at}.{key}", text, shift.zone or zone) for key, text in (("from", shift.start), ("to", shift.end))
    )
    if start >= end:
        raise Misconfigured(SETTING, f"names a file in which {at} ends before it begins")
    return _Duty(start, end, tuple(shift.users))


def _moment(key: str, text: str, zone: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
        local = ZoneInfo(zone) if zone else None
    except (ValueError, ZoneInfoNotFoundError, OSError):
        said = "is no time such as 2026-03-02 09:00, or its zone none such as Europe/Berlin"
        raise Misconfigured(SETTING, f"names a file in which {key} {said}") from None
    if moment.tzinfo is None and local is None:
        raise Misconfigured(SETTING, f"names a file in which {key} has neither offset nor zone")
    return moment if moment.tzinfo else moment.replace(tzinfo=local)


class _Loader(yaml.SafeLoader):
    """Times stay as they were written, ids too, and nothing is said twice."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next(
            (k for i, (k, _) in enumerate(node.value) if isinstance(k.value, str) and k.value in keys[:i]), None
        )
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", twice.start_mark)
        return super().construct_mapping(node, deep)
