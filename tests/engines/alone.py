"""The test bed's engine in the hands of a test that may kill it."""

import os
import subprocess


class EngineAlone:
    """The test bed's engine with no other test on it, which may be killed and started."""

    def __init__(self, testbed: str) -> None:
        self._testbed = testbed

    def kill(self) -> None:
        """End the engine's daemon as a crash does; its containers go on or end as they like."""
        self._run("kill")

    def start(self) -> None:
        """Start it again and wait until it answers, its Swarm too."""
        self._run("up", "engine")

    def restart(self) -> None:
        """Kill and start."""
        self.kill()
        self.start()

    def _run(self, *words: str) -> None:
        same = {"TESTBED_ENGINE": "RELEASER_TEST_ENGINE", "TESTBED_STATE": "RELEASER_TESTBED_STATE"}
        environ = {**os.environ, **{name: os.environ[ours] for name, ours in same.items()}}
        subprocess.run([self._testbed, *words], check=True, capture_output=True, timeout=120, env=environ)
