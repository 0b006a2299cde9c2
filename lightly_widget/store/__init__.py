"""What lasts: LanceDB tables under one dataset folder, and the only code that writes to it."""

from lightly_widget.store.store import StaleError, Store, Transaction, is_remote

__all__ = ["StaleError", "Store", "Transaction", "is_remote"]
