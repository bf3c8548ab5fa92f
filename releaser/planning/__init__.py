"""Pure functions over the model: merging, diff, planning, drift, gates; no I/O."""
