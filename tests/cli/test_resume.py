"""resume and abort: what was interrupted."""

import pytest


@pytest.mark.parametrize("verb", ["resume", "abort"])
def test_there_may_be_nothing_to_take_up(cli, verb):
    cli.promote("v1.3", "test")

    ran = cli(verb, "test")

    assert ran.code == 3
    assert f"test #1 succeeded: there is nothing to {verb}" in ran.err
    assert cli(verb, "staging").code == 3
    assert cli(verb, "nowhere").code == 64
