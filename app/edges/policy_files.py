"""A directory of policy files → the documents, with the line of every key for the messages."""

from __future__ import annotations

import math
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from app.core.errors import PolicyError, PolicyProblem
from app.core.policy import Policy, PolicyDocuments, compile_policy
from app.core.shape import WHOLE_FILE, key_path, with_line
from app.core.understanding.document import read_document as check_phrases

FILES = ("risk.yaml", "guardrails.yaml", "crm.yaml", "roles.yaml")
INTENTS = "intents.yaml"  # may be missing: signals that callers leave out then stay missing
MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 32
# What YAML's own words mean for somebody who does not write YAML every day.
_ADVICE = {
    "'\\t'": "indent with spaces, never with tabs",
    "mapping values are not allowed": "quote a text that holds ': ', or check the indentation",
    "could not find expected ':'": "a key is followed by ': ', and a text with ' #' in it is quoted",
    "expected <block end>": "this line is indented unlike its neighbours, or a quote or bracket is open above",
    "expected ',' or": "a bracket or a quote is not closed, or a comma is missing",
    "unknown escape character": "use 'single quotes' for a text with a backslash",
    "found unexpected end of stream": "a quote is not closed",
    "found another document": "one file holds one policy: take the --- away",
}
Lines = dict[tuple[str, str], int]
Parts = tuple[str | int, ...]


def load_policy(directory: Path) -> Policy:
    """Read and compile the files; the phrases of intents.yaml are checked and not yet learnt.

    Raises PolicyError with every problem found.
    """
    documents, lines = read_documents(directory)
    problems: list[PolicyProblem] = []
    if documents.intents:
        try:
            check_phrases(documents.intents)
        except PolicyError as error:
            problems += [with_line(problem, lines) for problem in error.problems]
    try:
        policy = compile_policy(documents, lines=lines)
    except PolicyError as error:
        raise PolicyError([*error.problems, *problems]) from None
    if problems:
        raise PolicyError(problems)
    return policy


def read_documents(directory: Path) -> tuple[PolicyDocuments, Lines]:
    """The documents as they stand and (file, key path) → line. Raises PolicyError."""
    lines: Lines = {}
    problems: list[PolicyProblem] = []
    found: dict[str, dict[str, Any]] = {}
    for file in (*FILES, INTENTS) if (directory / INTENTS).exists() else FILES:
        try:
            found[file] = _read(directory / file, file, lines)
        except PolicyError as error:
            problems += error.problems
    if problems:
        raise PolicyError(problems)
    documents = PolicyDocuments(
        risk=found["risk.yaml"],
        guardrails=found["guardrails.yaml"],
        crm=found["crm.yaml"],
        roles=found["roles.yaml"],
        intents=found.get(INTENTS, {}),
    )
    return documents, lines


def read_document(directory: Path, file: str) -> tuple[dict[str, Any], Lines]:
    """One further file of the directory, by the same rules. Raises PolicyError."""
    lines: Lines = {}
    return _read(directory / file, file, lines), lines


def _read(path: Path, file: str, lines: Lines) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _error(file, "", f"cannot be read: {error.strerror}", "is COUNTERSIGN_POLICY_DIR right?") from error
    if len(data) > MAX_BYTES:
        raise _error(file, "", "larger than 4 MiB", "a policy is written by people: is this the right file?")
    value, found = _parsed(file, data)
    lines |= found
    return deepcopy(value)


# A changed policy is mostly the files it was before, and reading YAML is slow.
@lru_cache(maxsize=16)
def _parsed(file: str, data: bytes) -> tuple[dict[str, Any], Lines]:
    try:
        node = yaml.compose(data.decode(), Loader=_Loader)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _error(file, "", "is not UTF-8", "save it as UTF-8", line) from error
    except yaml.MarkedYAMLError as error:
        message = error.problem or "is not YAML"
        # A key that never ends is marked where that was noticed; what ends too soon, behind the last line.
        mark = error.context_mark if error.context == "while scanning a simple key" else error.problem_mark
        line = min(mark.line, data.rstrip().count(b"\n")) + 1 if mark else 0
        raise _error(file, "", message, _advice(message) or error.context or "", line) from error
    except yaml.reader.ReaderError as error:
        line = data.decode().count("\n", 0, error.position) + 1
        raise _error(file, "", f"holds the invisible character U+{error.character:04X}", "delete it", line) from error
    except yaml.YAMLError as error:
        raise _error(file, "", f"is not YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(node, yaml.MappingNode):
        raise _error(file, "", "is empty or not a table of keys", line=1)
    lines: Lines = {}
    return _Reader(file, lines).value(node, ()), lines


def _advice(message: str) -> str:
    return next((advice for part, advice in _ADVICE.items() if part in message), "")


class _Loader(yaml.SafeLoader):
    """Plain values only: a date stays the text it was written as."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        # Aliases could make a small file enormous, and no policy needs them.
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "an alias (*name) is not allowed: write it out", mark)
        if self.depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, f"nested deeper than {MAX_DEPTH}", mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class _Reader:
    """Nodes to values, refusing repeated keys and noting lines."""

    def __init__(self, file: str, lines: Lines) -> None:
        self._file = file
        self._lines = lines
        self._scalars = yaml.constructor.SafeConstructor()

    def value(self, node: yaml.Node, path: Parts) -> Any:
        line = node.start_mark.line + 1
        key = key_path(path)
        self._lines.setdefault((self._file, key), line)
        match node:
            case yaml.MappingNode():
                return self._mapping(node, path)
            case yaml.SequenceNode():
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
            case _:
                return self._scalar(node, key, line)

    def _mapping(self, node: yaml.MappingNode, path: Parts) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            name = key_node.value
            if not isinstance(name, str):
                raise _error(self._file, key_path(path), "a key must be text", line=line)
            key = key_path((*path, name))
            if name in found:
                first = self._lines[(self._file, key)]
                raise _error(self._file, key, f"this key stands twice, first in line {first}", line=line)
            self._lines[(self._file, key)] = line
            found[name] = self.value(value_node, (*path, name))
        return found

    def _scalar(self, node: yaml.Node, key: str, line: int) -> Any:
        try:
            value = self._scalars.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError) as error:
            hint = "quote the value if it is text"
            raise _error(self._file, key, f"{node.value!r} cannot be read", hint, line) from error
        if isinstance(value, float) and not math.isfinite(value):
            raise _error(self._file, key, "is not a finite number", line=line)
        if value is not None and not isinstance(value, str | bool | int | float):
            raise _error(self._file, key, f"{type(value).__name__} is not allowed here", line=line)
        return value


def _error(file: str, key: str, message: str, hint: str = "", line: int = 0) -> PolicyError:
    return PolicyError([PolicyProblem(file=file, key=key or WHOLE_FILE, message=message, hint=hint, line=line)])
