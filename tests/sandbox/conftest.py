from collections.abc import Iterator

import pytest
from slack_sdk import WebClient

from tests.sandbox.kit import Bot, Clock, Room, running_bot, running_sandbox


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def room(clock: Clock) -> Iterator[Room]:
    """A sandbox on a port with a client, and no bot behind it."""
    with running_sandbox(clock) as made:
        yield made


@pytest.fixture
def client(room: Room) -> WebClient:
    return room.client


@pytest.fixture
def bot(room: Room) -> Iterator[Bot]:
    """A small Bolt app served over HTTP, wired to the sandbox."""
    with running_bot(room) as made:
        yield made
