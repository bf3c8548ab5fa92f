"""The files under `envs/` as values, with the place of everything in them."""
