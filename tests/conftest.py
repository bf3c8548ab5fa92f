"""What every suite shares: the rule for tests that need a real engine, registry or kernel facility."""

import os
from collections.abc import Callable
from typing import NoReturn

import pytest

pytest.register_assert_rewrite("tests.contracts.registry_contract")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the suites; here, as pytest reads them from the outermost file only."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")
    parser.addoption("--kills", type=int, default=20, help="how many random kills the crash suite makes")
    parser.addoption(
        "--seed", type=int, default=None, help="the seed of the random kills; chosen and printed if absent"
    )


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
