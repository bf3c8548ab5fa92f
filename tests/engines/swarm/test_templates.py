from hypothesis import given
from hypothesis import strategies as st

from releaser.engines.swarm.templates import escaped, unescaped


@given(st.text(alphabet='{}" .xN'))
def test_what_is_escaped_comes_back(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert escaped(text).replace('{{"{{"}}', "").count("{{") == 0


def test_what_nobody_escaped_is_told_apart() -> None:
    assert unescaped("{{.Node.ID}}") is None
    assert unescaped('{{"{{"}}.Node.ID}}') == "{{.Node.ID}}"
