"""The command that has the last word on a delivery."""
