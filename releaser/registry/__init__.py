"""Tags to digests: registries over HTTP, OCI layouts."""
