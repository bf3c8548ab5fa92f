"""What every suite shares: the rule for tests that need a real engine, registry or kernel facility."""

import os
import random
import signal
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

pytest.register_assert_rewrite("tests.contracts.registry_contract")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the suites; here, as pytest reads them from the outermost file only."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")
    parser.addoption("--kills", type=int, default=20, help="how many random kills each crash test makes")
    parser.addoption(
        "--seed", type=int, default=None, help="the seed of the random kills; chosen and printed if absent"
    )


def pytest_configure(config: pytest.Config) -> None:
    """One seed for all workers of a run, and signals that mean what they mean.

    Who runs the suite in the background or by nohup has some of them ignored, and children inherit that.
    """
    if config.option.seed is None:
        config.option.seed = random.SystemRandom().randrange(1 << 32)
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Who sees a kill fail must be able to repeat it."""
    terminalreporter.write_line(f"random kills: --kills {config.option.kills} --seed {config.option.seed}")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the user's cache is read, and nothing is left there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def kills(pytestconfig: pytest.Config) -> int:
    """How many random kills to make."""
    return pytestconfig.option.kills


@pytest.fixture
def seed(pytestconfig: pytest.Config) -> int:
    """What random kills are drawn from."""
    return pytestconfig.option.seed


def unavailable(reason: str) -> NoReturn:
    """Skip for want of something real; fail where REQUIRE_ENGINES=1 says that it must be there."""
    if os.environ.get("REQUIRE_ENGINES") == "1":
        pytest.fail(f"REQUIRE_ENGINES=1, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def require(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """`require(NAME)`: the environment variable that says where something real is; for tests marked `engines`."""
    if request.node.get_closest_marker("engines") is None:
        pytest.fail("a test that requires something real is marked @pytest.mark.engines", pytrace=False)

    def value(name: str) -> str:
        return os.environ.get(name) or unavailable(f"{name} is not set")

    return value
