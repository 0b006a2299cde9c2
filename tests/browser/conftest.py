"""A real JupyterLab in a real Chromium, and plain pages for components."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.widget_page import dev_url, show  # noqa: F401 - fixtures

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "screenshots"

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--js-flags=--expose-gc",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.fail("no Chromium on the PATH: `make test` installs Debian's package, or install it by hand")
    return {**browser_type_launch_args, "executable_path": chromium, "args": CHROMIUM_FLAGS}


@pytest.fixture
def screenshot() -> Callable[[Page, str], Path]:
    """Save what the page shows as screenshots/<name>.png."""

    def save(page: Page, name: str) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=str(path))
        return path

    return save


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        return


@pytest.fixture(scope="session")
def static_url() -> Iterator[str]:
    """The repository served over HTTP on the loopback address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(ROOT)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


class Lab:
    """One JupyterLab server with folders of its own, and how the tests drive it."""

    def __init__(self, home: Path, url: str, token: str, browser: Browser) -> None:
        self.home, self.url, self.token, self.browser = home, url, token, browser

    def open(
        self,
        notebook: str,
        *,
        theme: str = "light",
        width: int = 1440,
        height: int = 1000,
        app: str = "lab",
        init_script: Path | None = None,
    ) -> LabPage:
        """Open a notebook in JupyterLab, or with `app="notebook"` in Notebook 7, which the same server serves."""
        context = self.browser.new_context(viewport={"width": width, "height": height})
        if init_script is not None:
            context.add_init_script(path=init_script)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        path = f"lab/tree/{notebook}?reset&" if app == "lab" else f"notebooks/{notebook}?"
        page.goto(f"{self.url}/{path}token={self.token}")
        page.wait_for_function(
            """() => {
              const app = window.jupyterapp;
              const session = app?.shell?.currentWidget?.sessionContext?.session;
              return session?.kernel?.connectionStatus === 'connected' && session.kernel.status === 'idle';
            }""",
            timeout=90_000,
        )
        lab_page = LabPage(page, errors)
        lab_page.set_theme(theme)
        return lab_page

    def write_notebook(self, name: str, *cells: str) -> str:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.home / name)
        return name


class LabPage:
    """A notebook open in JupyterLab."""

    def __init__(self, page: Page, errors: list[str]) -> None:
        self.page, self.errors = page, errors

    def set_theme(self, theme: str) -> None:
        name = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[theme]
        self.page.evaluate("(theme) => { void jupyterapp.commands.execute('apputils:change-theme', {theme}) }", name)
        self.page.wait_for_function(
            "(light) => document.body.dataset.jpThemeLight === light", arg=str(theme == "light").lower()
        )

    def run_all(self, *, timeout: float = 240) -> None:
        """Run every cell and wait until the last has its number."""
        self.page.evaluate(
            """() => {
              for (const {model} of jupyterapp.shell.currentWidget.content.widgets) {
                if (model.type === 'code') model.executionCount = null;
              }
              void jupyterapp.commands.execute('notebook:run-all-cells');
            }"""
        )
        self.page.wait_for_function(
            """() => {
              const cells = jupyterapp.shell.currentWidget.content.widgets.filter((c) => c.model.type === 'code');
              return cells.every((c) => c.model.executionCount != null && c.model.executionState !== 'running')
            }""",
            timeout=timeout * 1000,
        )

    def run_cell(self, index: int, *, wait: bool = True, timeout: float = 120) -> None:
        self.page.evaluate(
            """(index) => {
              const notebook = jupyterapp.shell.currentWidget.content;
              notebook.activeCellIndex = index;
              notebook.widgets[index].model.executionCount = null;
              void jupyterapp.commands.execute('notebook:run-cell');
            }""",
            index,
        )
        if wait:
            self.page.wait_for_function(
                """(index) => {
                  const model = jupyterapp.shell.currentWidget.content.widgets[index].model;
                  return model.executionCount != null && model.executionState !== 'running';
                }""",
                arg=index,
                timeout=timeout * 1000,
            )

    def python(self, expression: str) -> Any:
        """The value of a Python expression in the notebook's kernel, through JSON."""
        code = f"import json as _json\nprint('\\x02' + _json.dumps({expression}) + '\\x03')"
        text = self.page.evaluate(
            """async (code) => {
              const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
              let out = '';
              const future = kernel.requestExecute({code, store_history: false});
              future.onIOPub = (msg) => {
                if (msg.header.msg_type === 'stream') out += msg.content.text;
                if (msg.header.msg_type === 'error') out += '\\x01' + msg.content.ename + ': ' + msg.content.evalue;
              };
              // No time limit of Playwright's or pytest's ends an `evaluate` that waits for a busy kernel.
              const late = new Promise((_, reject) =>
                setTimeout(() => reject(new Error('the kernel gave no answer in 60 s')), 60_000));
              await Promise.race([future.done, late]);
              return out;
            }""",
            code,
        )
        if "\x01" in text:
            raise AssertionError(text.split("\x01", 1)[1])
        return json.loads(text.split("\x02", 1)[1].split("\x03", 1)[0])

    def restart_kernel(self) -> None:
        self.page.evaluate("async () => { await jupyterapp.shell.currentWidget.sessionContext.restartKernel() }")
        self.page.wait_for_function(
            "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'", timeout=60_000
        )

    def outputs_text(self) -> str:
        return str(self.page.evaluate("() => JSON.stringify(jupyterapp.shell.currentWidget.content.model.toJSON())"))

    def close(self) -> None:
        self.page.context.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Lab]:
    # Fewer messages a second than the server's own limit of 1,000, which a busy machine does not come to.
    limit = "--ZMQChannelsWebsocketConnection.iopub_msg_rate_limit=400"
    with running_lab(tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("jupyter"), browser, limit) as lab:
        yield lab


@contextlib.contextmanager
def running_lab(home: Path, private: Path, browser: Browser, *options: str) -> Iterator[Lab]:
    """A server for the notebooks in `home`; all it keeps for itself goes into `private`."""
    names = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    environment = {**os.environ, **{f"JUPYTER_{name}": str(private / name.lower()) for name in names}}
    environment |= {
        "IPYTHONDIR": str(private / "ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(private / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"),
        "LIGHTLY_WIDGET_HOME": str(private / "datasets"),
    }
    settings = {
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "notebook-extension/tracker": {"windowingMode": "none"},
    }
    for name, value in settings.items():
        path = private / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    port, token = _free_port(), secrets.token_hex(16)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", "--allow-root",
        f"--ServerApp.root_dir={home}", "--expose-app-in-browser", "--JupyterNotebookApp.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", *options,
    ]  # fmt: skip
    log = (private / "server.log").open("w")
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(f"{url}/api?token={token}", server, private / "server.log")
        yield Lab(home, url, token, browser)
    finally:
        server.terminate()
        server.wait(timeout=30)
        log.close()


def _wait_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"JupyterLab did not come up:\n{log.read_text()[-3000:]}")
