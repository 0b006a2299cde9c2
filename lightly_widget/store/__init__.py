"""What lasts: LanceDB tables under one dataset folder, and the only code that writes to it."""

from lightly_widget.store.lance import is_remote
from lightly_widget.store.store import TOO_OLD, Durability, Store, Transaction

__all__ = ["TOO_OLD", "Durability", "Store", "Transaction", "is_remote"]
