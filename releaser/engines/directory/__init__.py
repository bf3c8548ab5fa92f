"""The engine that writes a Compose project into a folder."""
