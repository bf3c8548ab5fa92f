"""The engine kubernetes: a target is a namespace of a cluster."""
