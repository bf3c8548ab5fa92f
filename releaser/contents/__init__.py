"""Images from the inside: their configuration and their layers' files, wherever an image is."""
