"""Where secret values come from, and the key they are fingerprinted with."""
