"""The delivery record: stores that pass one contract suite."""
