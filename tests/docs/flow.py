"""Reads out of the core's source what each command may come to: states, events, effects, refusals.

A walk over the syntax trees of `app.core`, from the handler of a command through everything it calls. Text that is
passed on as a literal is followed into the callee, so that one function which serves two commands is read for each.
What is found is all that can happen, not all that does: the histories in tests/core hold it against what happens.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import get_args

from app.core import effects
from app.core.case import STATES
from app.core.effects import Effect, EventType

ROOT = Path(__file__).resolve().parents[2]
EVENTS = frozenset(get_args(EventType))
EFFECTS = frozenset(n for n, kind in vars(effects).items() if isinstance(kind, type) and issubclass(kind, Effect))
CHANGES = {"app.core.change": "Change", "app.core.office.change": "OfficeChange"}
Literals = Mapping[str, str]


@dataclass
class Flow:
    states: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    effects: set[str] = field(default_factory=set)
    refusals: dict[str, set[str]] = field(default_factory=dict)  # code -> what the person hears
    checks: dict[str, str] = field(default_factory=dict)  # functions that look whether one may -> what they say of it


@dataclass(frozen=True)
class Module:
    name: str
    functions: Mapping[str, ast.FunctionDef]
    names: Mapping[str, str]  # what an imported name stands for: `app.core.ending.end`, or a module


@cache
def module(name: str) -> Module:
    found = import_module(name)
    assert found.__file__
    tree = ast.parse(Path(found.__file__).read_text())
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    for kind in (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name in CHANGES.values()):
        functions |= {f"change.{n.name}": n for n in kind.body if isinstance(n, ast.FunctionDef)}
    names: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return Module(name, functions, names)


class Walk:
    """One function's tree with the literals its caller gave."""

    def __init__(self, where: Module, flow: Flow, been: set[tuple[str, str, tuple[tuple[str, str], ...]]]) -> None:
        self.where = where
        self.flow = flow
        self.been = been

    def function(self, name: str, literals: Literals) -> None:
        key = (self.where.name, name, tuple(sorted(literals.items())))
        if key in self.been:
            return
        self.been.add(key)
        if name.startswith("check_"):
            self.flow.checks[name] = first_line(ast.get_docstring(self.where.functions[name]))
        for node in self.where.functions[name].body:
            self.visit(node, literals)

    def visit(self, node: ast.AST, known: Literals) -> None:
        if isinstance(node, ast.If | ast.IfExp) and (truth := _truth(node.test, known)) is not None:
            chosen = node.body if truth else node.orelse
            for inner in chosen if isinstance(chosen, list) else [chosen]:
                self.visit(inner, known)
            return
        if isinstance(node, ast.Call):
            self._call(node, known)
        for child in ast.iter_child_nodes(node):
            self.visit(child, known)

    def _call(self, call: ast.Call, known: Literals) -> None:
        match call.func:
            case ast.Attribute(value=ast.Name(id="change" | "self"), attr="record"):
                self.flow.events |= set(_texts(call.args[0], known)) & EVENTS
            case ast.Attribute(value=ast.Name(id="change"), attr="set"):
                self._states(call, known)
            case ast.Attribute(value=ast.Name(id="change" | "self"), attr=method):
                for home in CHANGES:
                    self._into(home, f"change.{method}", call, known)
            case ast.Attribute(value=ast.Name(id=alias), attr=name) if alias in self.where.names:
                self._into(self.where.names[alias], name, call, known)
            case ast.Name(id="Refused"):
                for code in _texts(call.args[0], known):
                    self.flow.refusals.setdefault(code, set()).update(_sentences(call.args[1]))
            case ast.Name(id="Case"):
                self.flow.states.add("received")
            case ast.Name(id="_event"):
                self.flow.events |= set(_texts(call.args[0], known)) & EVENTS
            case ast.Name(id=name) if name in EFFECTS:
                self.flow.effects.add(name)
            case ast.Name(id=name) if name in self.where.functions:
                self._into(self.where.name, name, call, known)
            case ast.Name(id=name) if name in self.where.names:
                home, _, real = self.where.names[name].rpartition(".")
                self._into(home, real, call, known)

    def _states(self, call: ast.Call, known: Literals) -> None:
        for keyword in call.keywords:
            if keyword.arg == "state":
                found = set(_texts(keyword.value, known))
                assert found, f"{self.where.name}: a state that cannot be read: {ast.unparse(call)}"
                self.flow.states |= found & set(STATES)

    def _into(self, home: str, name: str, call: ast.Call, known: Literals) -> None:
        if not home.startswith("app.core"):
            return
        try:
            there = module(home)
        except ModuleNotFoundError:  # a class or a constant, not a module
            return
        if name in there.functions:
            given = _given(there.functions[name], call, known, method=name.startswith("change."))
            Walk(there, self.flow, self.been).function(name, given)
        elif name in there.names:  # passed on by a package
            further, _, real = there.names[name].rpartition(".")
            self._into(further, real, call, known)


def _given(function: ast.FunctionDef, call: ast.Call, known: Literals, *, method: bool) -> dict[str, str]:
    names = [a.arg for a in function.args.args][int(method) :]
    pairs = [*zip(names, call.args, strict=False), *((k.arg, k.value) for k in call.keywords)]
    return {name: text for name, value in pairs if name and (text := _text(value, known)) is not None}


def _text(node: ast.AST, known: Literals) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return known.get(name)
        case _:
            return None


def _texts(node: ast.AST, known: Literals) -> Iterator[str]:
    """Every text an expression may come to."""
    if isinstance(node, ast.IfExp):
        truth = _truth(node.test, known)
        for branch, wanted in ((node.body, True), (node.orelse, False)):
            if truth in (None, wanted):
                yield from _texts(branch, known)
        return
    text = _text(node, known)
    if text is not None:
        yield text
        return
    for child in ast.iter_child_nodes(node):
        yield from _texts(child, known)


def _sentences(node: ast.AST) -> Iterator[str]:
    """What a person may hear, with … for what depends on the case."""
    match node:
        case ast.IfExp():
            yield from _sentences(node.body)
            yield from _sentences(node.orelse)
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "…" for p in parts)
        case _:
            return


def first_line(docstring: str | None) -> str:
    return (docstring or "").partition("\n")[0]


def _truth(test: ast.AST, known: Literals) -> bool | None:
    """Of a comparison of literals; None where it depends on the case."""
    match test:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() as how], comparators=[right]):
            one, two = _text(left, known), _text(right, known)
            return None if one is None or two is None else (one == two) is isinstance(how, ast.Eq)
        case _:
            return None


def flows(machine: str, switch: str, *more: str) -> dict[str, Flow]:
    """Of each command that function `switch` of module `machine` tells apart by `match`; `more` runs after all."""
    where = module(machine)
    found: dict[str, Flow] = {}
    for node in ast.walk(where.functions[switch]):
        if not isinstance(node, ast.match_case):
            continue
        for kind in _classes(node.pattern):
            flow = found.setdefault(kind, Flow())
            walk = Walk(where, flow, set())
            for inner in node.body:
                walk.visit(inner, {})
            for name in more:
                walk.visit(ast.parse(name).body[0], {})
    return found


def _classes(pattern: ast.pattern) -> list[str]:
    match pattern:
        case ast.MatchClass(cls=ast.Name(id=name)):
            return [name]
        case ast.MatchOr(patterns=patterns):
            return [name for inner in patterns for name in _classes(inner)]
        case _:
            return []


@cache
def case_flows() -> dict[str, Flow]:
    found = flows("app.core.machine", "_apply", "claiming.wind_up(change)", "folding.wind_up(change)")
    received = Flow()
    Walk(module("app.core.receiving"), received, set()).function("receive", {})
    return {**found, "ReceiveCase": received}


@cache
def office_flows() -> dict[str, Flow]:
    return flows("app.core.office.machine", "decide_office")


@cache
def digest_flows() -> dict[str, Flow]:
    found = flows("app.core.digest", "decide_digest")
    for flow in found.values():
        if flow.events:
            flow.effects.add("DigestShow")  # what makes it stale sends it again
    return found
