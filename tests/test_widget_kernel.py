"""The explorer in a real kernel: answers come from background threads, and on a subshell while a cell runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

PATIENCE = 90.0
MAKE = """
import numpy as np, polars as pl, lightly_widget as lw
points = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
dataset = lw.Dataset.from_polars(pl.DataFrame({{"k": np.arange(50)}}), embeddings=points, name="d", path={path!r})
widget = dataset.explore(projection="pca")
print("model:" + widget.model_id)
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BlockingKernelClient, str]]:
    path = tmp_path_factory.mktemp("kernel")
    manager, client = start_new_kernel(cwd=str(path))
    said: list[str] = []

    def keep(message: dict[str, Any]) -> None:
        if message["msg_type"] in {"stream", "error"}:
            said.append(message["content"].get("text", "") + "\n".join(message["content"].get("traceback", [])))

    client.execute_interactive(MAKE.format(path=str(Path(path))), output_hook=keep, timeout=PATIENCE)
    text = "".join(said)
    assert "model:" in text, text
    yield client, text.split("model:")[1].strip()
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def send(client: BlockingKernelClient, model: str, content: dict[str, Any], subshell: str | None = None) -> None:
    data = {"method": "custom", "content": content}
    message = client.session.msg("comm_msg", {"comm_id": model, "data": data})
    if subshell is not None:
        message["header"]["subshell_id"] = subshell
    client.shell_channel.send(message)


def answers(client: BlockingKernelClient, number: int) -> list[dict[str, Any]]:
    """What the widget says, until the last answer to a request."""
    found = []
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        message = client.get_iopub_msg(timeout=PATIENCE)
        if message["msg_type"] == "comm_msg" and message["content"]["data"]["method"] == "custom":
            content = message["content"]["data"]["content"]
            found.append(content)
            if content["id"] == number and content["done"]:
                return found
    raise AssertionError(f"no last answer to {number}: {found}")


SAMPLE = {
    "kind": "sample",
    "n_samples_to_select": 5,
    "strategies": [{"type": "diversity", "strength": 1.0}],
    "candidates": {"from": "all"},
    "preselected_tag_name": None,
    "pinned": [],
    "excluded": [],
}


def test_answers_from_background_threads_reach_the_browser(kernel: tuple[BlockingKernelClient, str]) -> None:
    client, model = kernel
    send(client, model, SAMPLE | {"id": 1})
    found = answers(client, 1)
    assert found[-1]["kind"] == "sampled"
    assert found[-1]["n"] == 5
    assert [content["seq"] for content in found] == list(range(found[0]["seq"], found[0]["seq"] + len(found)))


def test_on_a_subshell_it_answers_while_a_cell_runs(kernel: tuple[BlockingKernelClient, str]) -> None:
    client, model = kernel
    client.control_channel.send(client.session.msg("create_subshell_request"))
    reply = client.get_control_msg(timeout=PATIENCE)
    if reply["content"].get("status") != "ok":
        pytest.skip("this ipykernel has no subshells")
    subshell = reply["content"]["subshell_id"]
    # The cell ends only when it sees that the request was answered meanwhile.
    cell = client.execute(
        "import time\nend = time.monotonic() + 60\nwhile widget.sample is None or len(widget.sample) != 7:\n"
        "    if time.monotonic() > end: raise TimeoutError\n    time.sleep(0.01)\n"
    )
    send(client, model, SAMPLE | {"id": 2, "n_samples_to_select": 7}, subshell)
    assert answers(client, 2)[-1]["n"] == 7
    done = client.get_shell_msg(timeout=PATIENCE)
    while done["parent_header"].get("msg_id") != cell:
        done = client.get_shell_msg(timeout=PATIENCE)
    assert done["content"]["status"] == "ok", done["content"]


def test_a_cell_that_is_interrupted_leaves_the_widget_alive(kernel: tuple[BlockingKernelClient, str]) -> None:
    client, model = kernel
    client.execute_interactive("raise KeyboardInterrupt", timeout=PATIENCE, output_hook=lambda message: None)
    send(client, model, {"kind": "hello", "id": 3, "protocol": 1})
    assert answers(client, 3)[-1]["kind"] == "ready"
