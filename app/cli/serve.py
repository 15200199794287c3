"""`countersign serve`."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Annotated

import typer
import uvicorn

from app.cli.common import fail, read_settings, set_up_logging
from app.core.errors import CountersignError
from app.main import CannotStart, Service


def serve(
    no_migrate: Annotated[
        bool, typer.Option("--no-migrate", help="Refuse an older database instead of migrating it.")
    ] = False,
) -> None:
    """Run Countersign: the HTTP API, Slack, deliveries and timers. Stops cleanly on SIGTERM."""
    settings = read_settings()
    set_up_logging(settings)
    try:
        service = Service(settings, migrate=not no_migrate)
    except CannotStart as error:
        fail("Countersign does not start:", *(f"  - {problem}" for problem in error.problems))
    except CountersignError as error:
        fail(f"Countersign does not start: {error}")
    server = _Server(
        uvicorn.Config(
            service.api,
            host=settings.countersign_host,
            port=settings.countersign_port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
        ),
        service.take_no_more,
    )
    # uvicorn hands the signal on when it is done; the default for it would cut the rest of the shutdown off
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    service.start()
    try:
        server.run()
    finally:
        service.stop()


class _Server(uvicorn.Server):
    """Asked to stop, it first lets go whoever could keep it waiting."""

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping()
        super().handle_exit(sig, frame)
