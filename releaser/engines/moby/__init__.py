"""What the engines docker and swarm share: the Docker Engine's API, and how declared words become its bodies."""
