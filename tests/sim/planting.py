"""How a bug is planted: a part of a replica exchanged, or a function of the core, for as long as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType
from typing import Any

from app.core.errors import Refused
from app.core.messages import FireTimer
from app.engine import Engine
from tests.sim.replica import Parts

Plant = Callable[[], AbstractContextManager[Parts]]


@contextmanager
def swapped(module: ModuleType, **names: Any) -> Iterator[None]:
    before = {name: getattr(module, name) for name in names}
    try:
        for name, value in names.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def parts_with(**classes: Any) -> Parts:
    """The parts of a replica, some of them of another class."""
    parts = Parts()
    for name, exchanged in classes.items():
        setattr(parts, name, exchanged)
    return parts


def fired(engine: Engine, case_id: str, key: str) -> bool:
    try:
        engine.handle(FireTimer(case_id=case_id, key=key))
    except Refused:
        return False
    return True
