"""The engine swarm: services of a Docker Swarm, over the Docker Engine's API."""
