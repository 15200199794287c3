"""A directory of policy files → the documents, with the line of every key for the messages."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml

from app.core.errors import PolicyError, PolicyProblem
from app.core.policy import Policy, PolicyDocuments, compile_policy
from app.core.policy.schema import key_path

FILES = ("risk.yaml", "guardrails.yaml", "crm.yaml", "roles.yaml")
MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 32
Lines = dict[tuple[str, str], int]
Parts = tuple[str | int, ...]


def load_policy(directory: Path) -> Policy:
    """Read and compile the four files. Raises PolicyError with every problem found."""
    documents, lines = read_documents(directory)
    return compile_policy(documents, lines=lines)


def read_documents(directory: Path) -> tuple[PolicyDocuments, Lines]:
    """The four documents as they stand and (file, key path) → line. Raises PolicyError."""
    lines: Lines = {}
    problems: list[PolicyProblem] = []
    found: dict[str, dict[str, Any]] = {}
    for file in FILES:
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
    )
    return documents, lines


def read_document(directory: Path, file: str) -> dict[str, Any]:
    """One further file of the directory, by the same rules. Raises PolicyError."""
    return _read(directory / file, file, {})


def _read(path: Path, file: str, lines: Lines) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _error(file, "", f"cannot be read: {error.strerror}", "is COUNTERSIGN_POLICY_DIR right?") from error
    if len(data) > MAX_BYTES:
        raise _error(file, "", "larger than 4 MiB")
    try:
        node = yaml.compose(data.decode(), Loader=_Loader)
    except UnicodeDecodeError as error:
        raise _error(file, "", "is not UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise _error(file, "", error.problem or "is not YAML", error.context or "", line) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise _error(file, "", f"is not YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(node, yaml.MappingNode):
        raise _error(file, "", "is empty or not a table of keys", line=1)
    value = _Reader(file, lines).value(node, ())
    if not isinstance(value, dict):
        raise _error(file, "", "is not a table of keys", line=1)
    return value


class _Loader(yaml.SafeLoader):
    """Plain values only: a date stays the text it was written as."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        # Aliases could make a small file enormous, and no policy needs them.
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "an alias (*name) is not allowed: write it out", mark)
        return super().compose_node(parent, index)


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
        if len(path) > MAX_DEPTH:
            raise _error(self._file, key, "nested too deep", line=line)
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
    return PolicyError([PolicyProblem(file=file, key=key or "(whole file)", message=message, hint=hint, line=line)])
