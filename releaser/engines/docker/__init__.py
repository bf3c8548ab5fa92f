"""The engine `docker`: containers of one Docker Engine, rolled by us."""
