"""For all tests: hypothesis without clocks, in CI always the same examples; every sentence that is raised is kept."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings

import lightly_widget
from lightly_widget.errors import LightlyWidgetError, LightlyWidgetWarning

settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

PACKAGE = str(Path(lightly_widget.__file__).parent)
SPOKEN: dict[str, tuple[type, str]] = {}
"""Each message of an error or warning that the package made in this run: its type, and where it was made."""


def _keep_sentences(kind: type[Exception]) -> None:
    def keep(self: Exception, *args: Any, **options: Any) -> None:
        super(kind, self).__init__(*args, **options)
        frame = sys._getframe(1)
        while frame.f_code.co_name == "__init__" and frame.f_back:  # errors that word their own sentence
            frame = frame.f_back
        if frame.f_code.co_filename.startswith(PACKAGE):
            place = f"{Path(frame.f_code.co_filename).relative_to(PACKAGE)}:{frame.f_lineno}"
            SPOKEN.setdefault(str(self), (type(self), place))

    kind.__init__ = keep  # type: ignore[method-assign]


_keep_sentences(LightlyWidgetError)
_keep_sentences(LightlyWidgetWarning)

# The user's own list of folders is left alone, also by the kernels and processes that tests start.
os.environ["LIGHTLY_WIDGET_CONFIG"] = tempfile.mkdtemp(prefix="lightly-widget-config-")
