"""One Chromium for all browser tests, one demo for each module."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.office import PATIENCE, Office, launch, running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def shared_office(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with running(browser, tmp_path_factory.mktemp("demo")) as office:
        yield office


@pytest.fixture
def office(shared_office: Office) -> Iterator[Office]:
    """The module's demo; each test brings tickets of its own."""
    yield shared_office
    shared_office.go_home()
