"""Numbered, forward-only SQL for each database; a released file is never changed, as its checksum is recorded."""
