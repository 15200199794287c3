"""The built-in classifier at the door: signals a caller left out are computed before the case is stored (AI1)."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from msgspec.structs import replace

from app.core.case import Message, Signals
from app.core.messages import AddCustomerMessage, AnyCommand, ReceiveCase
from app.core.understanding import FILE, Understanding, compile_understanding, version_of
from app.edges.policy_files import read_document

log = logging.getLogger("countersign.understanding")


def load_understanding(directory: Path, cache: Path | None = None) -> Understanding | None:
    """What intents.yaml of the policy directory teaches; None where there is no such file. Raises PolicyError.

    `cache` is a folder that may keep what was learnt, so that the next start need not learn it again; a cache that
    cannot be used costs a second and nothing else.
    """
    if not (directory / FILE).exists():
        log.warning("no %s in the policy directory: signals that callers leave out stay missing", FILE)
        return None
    document = read_document(directory, FILE)
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


def complete(command: AnyCommand, understanding: Understanding) -> AnyCommand:
    """The command with the signals it lacks; those the caller gave stand as they are."""
    match command:
        case ReceiveCase():
            text, previous = _newest(command.messages)
        case AddCustomerMessage():
            text, previous = command.message.text, ""
        case _:
            return command
    given = command.signals
    if given.intent and given.sentiment and given.language:
        return command
    read = understanding.read(text, previous)
    signals = Signals(
        intent=given.intent or read.intent,
        sentiment=given.sentiment or read.sentiment,
        language=given.language or read.language,
    )
    return replace(command, signals=signals)


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
