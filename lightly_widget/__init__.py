"""Choose which data to label, train on or review, in the notebook."""

__version__ = "0.1.0"
