"""For all tests: hypothesis without clocks (machines are noisy), and in CI always with the same examples."""

from __future__ import annotations

import os
import tempfile

from hypothesis import HealthCheck, settings

settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# The user's own list of folders is left alone, also by the kernels and processes that tests start.
os.environ["LIGHTLY_WIDGET_CONFIG"] = tempfile.mkdtemp(prefix="lightly-widget-config-")
