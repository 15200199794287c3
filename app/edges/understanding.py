"""The built-in classifier at the door: signals a caller left out are computed before the case is stored (AI1)."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from msgspec.structs import replace

from app.core.case import Message, Signals
from app.core.errors import PolicyError
from app.core.messages import AddCustomerMessage, AnyCommand, ReceiveCase
from app.core.policy import Policy
from app.core.shape import with_line
from app.core.understanding import (
    FILE,
    Understanding,
    compile_understanding,
    history_facts,
    version_of,
)
from app.edges.policy_files import read_document

log = logging.getLogger("countersign.understanding")


class Understandings:
    """The classifier that belongs to the policy in force; another policy's is learnt aside."""

    def __init__(self, policy: Policy, cache: Path | None = None) -> None:
        self._cache = cache
        self._read = learn(policy.documents.intents, cache)

    def __call__(self) -> Understanding | None:
        return self._read

    def warm_up(self) -> None:
        """The first text takes a second, since what reads it is loaded then; somebody's click has no second to wait."""
        if self._read is not None:
            self._read.read("Hello, where is my parcel?", "")

    def follow(self, policy: Policy) -> None:
        """Returns at once."""

        def work() -> None:
            self._read = learn(policy.documents.intents, self._cache)

        threading.Thread(target=work, name="learn-intents", daemon=True).start()


def load_understanding(directory: Path, cache: Path | None = None) -> Understanding | None:
    """What intents.yaml of a policy directory teaches; None where there is no such file. Raises PolicyError."""
    if not (directory / FILE).exists():
        return None
    document, lines = read_document(directory, FILE)
    try:
        return learn(document, cache)
    except PolicyError as error:
        raise PolicyError([with_line(problem, lines) for problem in error.problems]) from None


def learn(document: Mapping[str, Any], cache: Path | None = None) -> Understanding | None:
    """What the phrases teach; None where there are none. Raises PolicyError.

    `cache` is a folder that may keep what was learnt, so that the next start need not learn it again; a cache that
    cannot be used costs a second and nothing else.
    """
    if not document:
        log.warning("no %s in the policy: signals that callers leave out stay missing", FILE)
        return None
    kept = cache / f"understanding-{version_of(document)[:32]}.bin" if cache else None
    if kept is not None and kept.exists():
        try:
            found = Understanding.from_bytes(kept.read_bytes())
        except (OSError, ValueError):
            log.info("what was learnt before cannot be read; learning it again")
        else:
            if found.version == version_of(document):
                return found
    learnt = compile_understanding(document)
    if kept is not None:
        _keep(kept, learnt.to_bytes())
    return learnt


def cache_folder() -> Path:
    return Path.home() / ".cache" / "countersign"


def complete(command: AnyCommand, understanding: Understanding, earlier: tuple[Message, ...] = ()) -> AnyCommand:
    """The command with the signals it lacks and what the conversation shows; signals the caller gave stand as they are.

    `earlier` is the conversation that a further message goes on from.
    """
    match command:
        case ReceiveCase():
            messages = command.messages
        case AddCustomerMessage():
            messages = (*earlier, command.message)
        case _:
            return command
    given = command.signals
    if not (given.intent and given.sentiment and given.language):
        read = understanding.read(*_newest(messages))
        given = Signals(
            intent=given.intent or read.intent,
            sentiment=given.sentiment or read.sentiment,
            language=given.language or read.language,
        )
    return replace(command, signals=given, **history_facts(messages, understanding.read))


def _newest(messages: tuple[Message, ...]) -> tuple[str, str]:
    """The customer's newest message, and the turn that it answers."""
    at = max((i for i, m in enumerate(messages) if m.author == "customer"), default=-1)
    before = [m.text for m in messages[:at] if m.author != "customer"] if at > 0 else []
    return (messages[at].text if at >= 0 else ""), (before[-1] if before else "")


def _keep(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
        os.replace(file.name, path)  # whole or not at all, whoever else starts now
    except OSError as error:
        log.info("what was learnt could not be kept: %s", error.strerror)
