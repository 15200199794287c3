"""Every command of the README is run, in its order, in a folder of its own, with the sandbox in the place of Slack.

How each kind of line is run:
  make TARGET           dry (`make -n`): the target exists and its recipe can be read; other tests run what is in it
  . .venv/bin/activate  not at all: the tests run inside an environment already; the Makefile must make that folder
  cp …                  as it stands; what the README says to fill in is then added to the copy
  python3 -c …          as it stands; what it prints is what goes into .env
  countersign serve     as it stands, in the background, until the end of the page; then SIGTERM, and it must exit 0
  countersign …         as it stands; it must exit 0
  curl …                read as a shell would and sent with httpx, with our port in the place of 8000 and the id of the
                        case just posted in the place of CASE_ID; it must be answered 2xx
A line of another kind fails the test: there would be no way to know that it works.
"""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from app.cli.demo import free_port
from app.sandbox.server import Sandbox, SandboxConfig
from app.sandbox.serving import run
from tests.docs.pages import ROOT, environment, fenced

README = ROOT / "README.md"
PATIENCE = 60.0


def commands(page: Path = README) -> list[str]:
    """One command each, lines that go on joined."""
    found: list[str] = []
    for block in fenced(page, "sh"):
        pending = ""
        for line in block.splitlines():
            pending = f"{pending}\n{line}" if pending else line
            try:
                shlex.split(pending)
            except ValueError:
                continue  # inside quotes
            if not pending.endswith("\\") and pending.strip():
                found.append(pending)
                pending = ""
        assert not pending, f"an unfinished command: {pending}"
    return found


class Reader:
    """Somebody who follows the README in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.printed: list[str] = []  # by python3 -c, in order: the API key, the helpdesk's secret
        self.case_id = ""
        self.server: subprocess.Popen[str] | None = None
        manifest = yaml.safe_load((ROOT / "manifest.yml").read_text())
        # A workspace that grants what manifest.yml asks for, and not a scope more.
        self.config = SandboxConfig(
            bot_url=self.url,
            scopes=tuple(manifest["oauth_config"]["scopes"]["bot"]),
            events=tuple(manifest["settings"]["event_subscriptions"]["bot_events"]),
        )
        self.sandbox = Sandbox(self.config)
        self.far_end = run(self.sandbox.app)
        for name in (".env.example", "manifest.yml"):
            shutil.copy(ROOT / name, folder / name)
        shutil.copytree(ROOT / "policies", folder / "policies")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # --- one way for each kind of line ---------------------------------------------------------------------------

    def make(self, command: str) -> None:
        done = subprocess.run(
            ["make", "-n", *shlex.split(command)[1:]], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def activate(self, command: str) -> None:
        assert command == ". .venv/bin/activate"
        assert re.search(r"^VENV := \.venv$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    def copy(self, command: str) -> None:
        self._shell(command)

    def python(self, command: str) -> None:
        self.printed.append(self._shell(command).strip())
        if len(self.printed) == 2:
            self._fill_in()

    def countersign(self, command: str) -> None:
        if command != "countersign serve":
            self._shell(command)
            return
        self.server = subprocess.Popen(
            shlex.split(command), cwd=self.folder, env=environment({}), stderr=subprocess.PIPE, text=True
        )
        self._until(lambda: _answers(f"{self.url}/readyz"))

    def curl(self, command: str) -> None:
        parser = argparse.ArgumentParser(exit_on_error=False)
        parser.add_argument("url")
        parser.add_argument("-s", "-S", action="store_true")
        parser.add_argument("-H", action="append", default=[])
        parser.add_argument("-d")
        key = self.printed[0].partition(":")[2]
        whole = command.replace("\\\n", "")
        words = [word.replace("$KEY", key).replace("CASE_ID", self.case_id) for word in shlex.split(whole)[1:]]
        given = parser.parse_args([word.replace("?wait=30", "?wait=0") for word in words])
        answer = httpx.request(
            "POST" if given.d else "GET",
            given.url.replace("http://127.0.0.1:8000", self.url),
            headers=dict(header.split(": ", 1) for header in given.H),
            content=given.d,
            trust_env=False,
        )
        assert answer.is_success, answer.text
        if given.d:
            self.case_id = answer.json()["id"]
            self._until(lambda: self.case_id in self.packets("support-review"))

    # --- help ----------------------------------------------------------------------------------------------------

    def follow(self, command: str) -> None:
        ways: dict[str, Callable[[str], None]] = {
            "make": self.make,
            ".": self.activate,
            "cp": self.copy,
            "python3": self.python,
            "countersign": self.countersign,
            "curl": self.curl,
        }
        way = ways.get(shlex.split(command)[0])
        assert way is not None, f"there is no way here to run: {command}"
        way(command)

    def packets(self, channel: str) -> str:
        found = self.sandbox.workspace.everything(self.sandbox.workspace.channel_named(channel).id)
        return " ".join(message.text for message in found)

    def stop(self) -> int | None:
        """The exit code of `countersign serve`, None if it was never started."""
        code = None
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            code = self.server.wait(PATIENCE)
            if self.server.stderr:
                self.server.stderr.close()
        self.far_end.stop()
        return code

    def _fill_in(self) -> None:
        """What steps 2 and 4 of the README say to write into .env."""
        self.config.helpdesk_secret = self.printed[1]
        filled = {
            "SLACK_BOT_TOKEN": self.config.bot_token,
            "SLACK_SIGNING_SECRET": self.config.signing_secret,
            "SLACK_API_URL": f"{self.far_end.url}/api/",
            "COUNTERSIGN_PORT": str(self.port),
            "COUNTERSIGN_API_KEYS": self.printed[0],
            "COUNTERSIGN_HELPDESK_URL": f"{self.far_end.url}/helpdesk/webhook",
            "COUNTERSIGN_HELPDESK_SECRET": self.printed[1],
        }
        with (self.folder / ".env").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in filled.items())

    def _shell(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=environment({}),
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def _until(self, holds: Callable[[], bool]) -> None:
        give_up = time.monotonic() + PATIENCE
        while not holds():
            assert self.server is not None
            assert self.server.poll() is None, f"serve ended: {self.server.communicate()[1]}"
            assert time.monotonic() < give_up, "it took too long"
            time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    made = Reader(tmp_path)
    try:
        yield made
    finally:
        if made.server is not None and made.server.poll() is None:
            made.server.kill()
            made.server.communicate()
        made.far_end.stop()


def test_every_command_works_as_it_stands(reader: Reader) -> None:
    for command in commands():
        reader.follow(command)
    assert reader.case_id, "the README posts a case"
    assert reader.stop() == 0


def test_the_two_commands_come_first() -> None:
    assert commands()[:2] == ["make demo", "make test"]


def test_a_command_of_another_kind_is_noticed(reader: Reader) -> None:
    with pytest.raises(AssertionError, match="no way here"):
        reader.follow("rm -rf /tmp/somewhere")


def test_the_readme_is_short() -> None:
    words = len(re.findall(r"\w+", README.read_text()))
    assert words < 1_300, f"{words} words are more than three minutes"
