"""What lasts: LanceDB tables under one dataset folder, and the only code that writes to it."""

from lightly_widget.store.lance import is_remote
from lightly_widget.store.store import Store, Transaction

__all__ = ["Store", "Transaction", "is_remote"]
