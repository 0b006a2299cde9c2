"""The same distances on a torch device. Torch is imported when a device is asked for, or a GPU is worth it."""

from __future__ import annotations

import importlib.util
import shutil
from typing import Any

import numpy as np

from lightly_widget.errors import InvalidValueError, MissingDependencyError, shown

from .nearest import TINY, NearestPick
from .terms import F32, I64, Beats

WORTH_A_GPU = 1e12  # multiplications; less is done before torch is even imported
UPLOAD = 32_000_000  # elements at a time
PENDING = 256  # picks per matrix product


def make_nearest(embeddings: F32, capacity: int, name: str, device: str | None, shadowed: bool) -> NearestPick:
    """`device` None: numpy, or a GPU where there is one and the work is large; else torch on that device."""
    if device is None and not (embeddings.size * float(capacity) > WORTH_A_GPU and _has_gpu()):
        return NearestPick(embeddings, capacity, name, shadowed)
    return TorchNearest(embeddings, capacity, name, device or "cuda")


def _has_gpu() -> bool:
    # The driver's own program first: asking torch means importing it, which takes seconds.
    if shutil.which("nvidia-smi") is None or importlib.util.find_spec("torch") is None:
        return False
    import torch

    return bool(torch.cuda.is_available())


def _torch_device(device: str) -> tuple[Any, Any]:
    if importlib.util.find_spec("torch") is None:
        raise MissingDependencyError(f"device={device!r} needs torch: pip install torch")
    import torch

    try:
        made = torch.device(device)
        torch.empty(1, device=made)
    except (RuntimeError, AssertionError) as error:
        raise InvalidValueError(f"device {shown(device)} cannot be used: {shown(str(error))}") from error
    return torch, made


class TorchNearest(NearestPick):
    """All rows live on the device, and all are brought up to date together."""

    def __init__(self, embeddings: F32, capacity: int, name: str, device: str) -> None:
        super().__init__(embeddings, capacity, name)
        self.torch, self.device = _torch_device(device)
        self.done = 0  # picks that the device has seen

    def prepare(self) -> Beats:
        yield from super().prepare()
        torch = self.torch
        n = len(self.x)
        self.on_device = torch.empty((n, self.d), dtype=torch.float32, device=self.device)
        step = max(1, UPLOAD // max(self.d, 1))
        for start in range(0, n, step):
            part = np.ascontiguousarray(self.block(slice(start, start + step)))
            self.on_device[start : start + step] = torch.from_numpy(_writable(part)).to(self.device)
            yield
        self.device_squares = torch.from_numpy(self.squares).to(self.device)
        self.device_bound = torch.full((n,), float("inf"), dtype=torch.float32, device=self.device)

    def refresh(self, rows: I64) -> Beats:
        if self.done < self.size:
            yield from self._catch_up()
            # Rows marked as taken hold −1 here, and a settled row may be known better.
            np.minimum(self.bound, self.device_bound.cpu().numpy(), out=self.bound)
        self.seen[:] = self.size

    def _catch_up(self) -> Beats:
        torch, n = self.torch, len(self.x)
        for low in range(self.done, self.size, PENDING):
            picks = torch.from_numpy(self.rows[low : min(self.size, low + PENDING)]).to(self.device)
            points, squares = self.on_device[picks], self.device_squares[picks]
            step = max(1, UPLOAD // len(picks))
            for start in range(0, n, step):
                part = slice(start, start + step)
                found = torch.addmm(squares, self.on_device[part], points.T, alpha=-2).amin(dim=1)
                found = (found + self.device_squares[part]).clamp_(min=float(TINY))
                torch.minimum(self.device_bound[part], found, out=self.device_bound[part])
                yield
        self.done = self.size


def _writable(array: F32) -> F32:
    """torch warns about read-only memory, which it could write to."""
    return array if array.flags.writeable else array.copy()
