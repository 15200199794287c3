"""What the commands share: settings, logging, and a way to stop with a sentence."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, NoReturn

import typer
from pydantic import ValidationError

from app.main import CannotStart, open_store
from app.settings import Settings
from db.errors import StoreError
from db.store import Store


def read_settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors(include_input=False)]
        fail("The settings cannot be read:", *lines)


def read_store(settings: Settings) -> Store:
    """The database as it is; nothing is migrated by looking."""
    try:
        return open_store(settings, migrate=False)
    except (CannotStart, StoreError) as error:
        fail(str(error))


def fail(*lines: str) -> NoReturn:
    for line in lines:
        typer.echo(line, err=True)
    raise typer.Exit(1)


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def set_up_logging(settings: Settings) -> None:
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if settings.countersign_log_format == "json" else text)
    logging.basicConfig(level=settings.countersign_log_level, handlers=[handler], force=True)
    # libraries say what we say better, and some of them would log addresses and texts
    for noisy in ("httpx", "httpcore", "apscheduler", "slack_bolt", "slack_sdk", "uvicorn.access", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
