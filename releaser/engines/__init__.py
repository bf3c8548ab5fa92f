"""What runs services: a package an engine, each unaware of the others."""
