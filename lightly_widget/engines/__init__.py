"""Where a sampling computes: in this process, in a pool of processes on this machine, or on a cluster."""

from lightly_widget.engines.local import LocalEngine
from lightly_widget.engines.protocol import Engine
from lightly_widget.engines.ray_engine import RayEngine

__all__ = ["Engine", "LocalEngine", "RayEngine"]
