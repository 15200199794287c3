"""`countersign demo`: the whole product on one machine, with a local Slack workspace, helpdesk and CRM."""

from __future__ import annotations

import logging
import signal
import socket
import tempfile
import threading
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from app.cli.common import fail, set_up_logging
from app.clock import AdjustableClock
from app.main import CannotStart, Service
from app.sandbox.scripted import feed
from app.sandbox.server import Sandbox, SandboxConfig
from app.sandbox.serving import RunningServer, run
from app.settings import Settings

log = logging.getLogger("countersign.demo")

API_SECRET = "demo-key"  # noqa: S105 - both ends of it live in this one process
HELPDESK_SECRET = "whsec_ZGVtby1oZWxwZGVzay1zZWNyZXQtMzItYnl0ZXMh"  # noqa: S105
POLICIES = Path(__file__).resolve().parents[2] / "policies"


class Demo:
    """Sandbox and product side by side; `url` is the page to open."""

    def __init__(
        self,
        directory: Path,
        port: int = 0,
        *,
        speed: float = 1.0,
        socket_mode: bool = False,
        policies: Path = POLICIES,
    ) -> None:
        self.clock = AdjustableClock(speed)
        bot_port = free_port()
        config = SandboxConfig(
            bot_url=f"http://127.0.0.1:{bot_port}",
            helpdesk_secret=HELPDESK_SECRET,
            api_key=API_SECRET,
            now=lambda: self.clock.now().timestamp(),
            speed=lambda: self.clock.speed,
            set_speed=self.clock.set_speed,
            advance=self.clock.advance,
        )
        self.sandbox = Sandbox(config)
        self.far_end: RunningServer = run(self.sandbox.app, "127.0.0.1", port)
        self.url = self.far_end.url
        self.api_url = config.bot_url
        settings = demo_settings(directory, self.url, config, bot_port, socket_mode, policies)
        self.service = Service(settings, clock=self.clock)
        self.service.start()
        self.bot: RunningServer = run(self.service.api, "127.0.0.1", bot_port)

    def stop(self) -> None:
        self.bot.stop()
        self.service.stop()
        self.far_end.stop()


def demo_settings(
    directory: Path,
    sandbox_url: str,
    config: SandboxConfig,
    bot_port: int,
    socket_mode: bool = False,
    policies: Path = POLICIES,
) -> Settings:
    """As an operator would set them, with the sandbox in the place of Slack, helpdesk and CRM."""
    values: dict[str, Any] = {
        "slack_bot_token": SecretStr(config.bot_token),
        "slack_signing_secret": SecretStr(config.signing_secret),
        "slack_app_token": SecretStr(config.app_token if socket_mode else ""),
        "slack_api_url": f"{sandbox_url}/api/",
        "database_url": SecretStr(f"sqlite:///{directory / 'demo.db'}"),
        "countersign_port": bot_port,
        "countersign_api_keys": SecretStr(f"demo:{API_SECRET}:submit+read+audit"),
        "countersign_policy_dir": policies,
        "countersign_helpdesk_url": f"{sandbox_url}/helpdesk/webhook",
        "countersign_helpdesk_secret": SecretStr(config.helpdesk_secret),
        "countersign_crm": "hubspot",
        "countersign_crm_url": sandbox_url,
        "countersign_crm_token": SecretStr(config.crm_token),
        "countersign_log_level": "WARNING",
    }
    return Settings(_env_file=None, **values)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def demo(
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")] = 8080,
    speed: Annotated[float, typer.Option(help="How fast the demo's clock runs; the page can change it.")] = 1.0,
    keep: Annotated[Path | None, typer.Option(help="Keep the database in this folder.")] = None,
) -> None:
    """A local Slack workspace in the browser with cases arriving: no account, no network. Ctrl-C ends it."""
    with tempfile.TemporaryDirectory(prefix="countersign-demo-") as scratch:
        directory = keep or Path(scratch)
        directory.mkdir(parents=True, exist_ok=True)
        try:
            running = Demo(directory, port if _is_free(port) else 0, speed=speed)
        except CannotStart as error:
            fail("The demo does not start:", *error.problems)
        set_up_logging(running.service.settings)
        typer.echo(f"\n  Countersign demo: open {running.url}\n")
        typer.echo("  You can be any of the people there. Cases arrive by themselves. Ctrl-C ends the demo.\n")
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        try:
            feed(running.api_url, API_SECRET, running.sandbox, stop)
            stop.wait()
        except KeyboardInterrupt:
            pass
        finally:
            typer.echo("Stopping.")
            stop.set()
            running.stop()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
