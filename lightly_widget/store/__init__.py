"""What lasts: LanceDB tables under one dataset folder, and the only code that writes to it."""

from lightly_widget.store.kept import read_kept, write_kept
from lightly_widget.store.lance import is_remote
from lightly_widget.store.log import TOO_OLD
from lightly_widget.store.store import Durability, Store
from lightly_widget.store.transaction import Transaction

__all__ = ["TOO_OLD", "Durability", "Store", "Transaction", "is_remote", "read_kept", "write_kept"]
