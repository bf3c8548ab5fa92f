"""Where nobody can be asked: exit 64 and the exact command, which then does it; else what the answer says."""

import re
import shlex
from collections.abc import Callable

import pytest

from releaser.model.errors import Interrupted
from tests.end_to_end.shop import Shop, plain


def nothing(shop: Shop) -> None:
    """The shop as it is."""


def drifted(shop: Shop) -> None:
    shop.drift("staging")


def planned(shop: Shop) -> None:
    shop.ok("plan", "v1.3", "--to", "staging", "--out", "my plan.json", "-q")


def interrupted(shop: Shop) -> None:
    def stop(*_: object) -> None:
        raise Interrupted("stopped while verify ran")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("releaser.checks.command.CommandVerifier.run", stop)
        assert shop("promote", "v1.3", "--to", "staging", "--yes").code == 130


ASKING = {
    "promote": (nothing, ("promote", "v1.3", "--to", "staging")),
    "promote to production": (nothing, ("promote", "v1.4", "--to", "production")),
    "with a reason": (nothing, ("promote", "v1.3", "--to", "staging", "-m", 'it\'s $urgent; "now"')),
    "with a dash": (nothing, ("promote", "--to", "staging", "--", "v1.3")),
    "shared options first": (nothing, ("--color", "never", "promote", "v1.3", "--to=staging", "-v")),
    "rollback": (nothing, ("rollback", "--to", "staging")),
    "rollback to a revision": (nothing, ("rollback", "--to", "staging", "--revision", "1")),
    "reconcile": (drifted, ("reconcile", "--to", "staging")),
    "apply": (planned, ("apply", "my plan.json")),
    "resume": (interrupted, ("resume", "staging")),
    "abort": (interrupted, ("abort", "staging")),
}


@pytest.mark.parametrize(("before", "words"), ASKING.values(), ids=ASKING)
def test_without_a_terminal_the_exact_command_is_told(
    shop: Shop, before: Callable[[Shop], None], words: tuple[str, ...]
) -> None:
    before(shop)
    kept = shop.kept()
    document, said = shop("--json", *words), shop(*words)
    assert (document.code, said.code) == (64, 64), (document, said)
    assert shop.kept() == kept
    (problem,) = document.document["errors"]
    assert "nobody can be asked here" in problem["message"]
    assert problem["message"] in said.err
    plain(said)
    for hint in (problem["hint"], re.findall(r"^hint: (.*)$", said.err, re.MULTILINE)[0]):
        program, *typed = shlex.split(hint)
        assert program == "release"
        assert set(words) | {"--yes"} <= set(typed)
    ran = shop(*typed)
    assert ran.code == 0, ran
    shop.clean("staging")


@pytest.mark.parametrize("words", [ASKING["promote"][1], ASKING["rollback"][1]])
def test_with_no_input_nobody_is_asked_on_a_terminal_either(shop: Shop, words: tuple[str, ...]) -> None:
    before = shop.kept()
    ran = shop(*words, "--no-input", terminal=True, typed="y\n", environ={"NO_COLOR": "1"})
    assert ran.code == 64
    assert "--yes" in ran.err
    assert "[y/N]" not in ran.out + ran.err
    plain(ran)
    assert shop.kept() == before


@pytest.mark.parametrize(
    ("words", "answer", "code"),
    [
        (ASKING["promote"][1], "y\n", 0),
        (ASKING["promote"][1], " YES \n", 0),
        (ASKING["promote"][1], "\n", 3),
        (ASKING["promote"][1], "n\n", 3),
        (ASKING["promote"][1], "staging\n", 3),
        (ASKING["promote"][1], "", 3),
        (ASKING["promote to production"][1], "production\n", 0),
        (ASKING["promote to production"][1], "y\n", 3),
        (ASKING["promote to production"][1], "Production\n", 3),
        (ASKING["promote to production"][1], "staging\n", 3),
    ],
)
def test_answers(shop: Shop, words: tuple[str, ...], answer: str, code: int) -> None:
    before = shop.kept()
    ran = shop(*words, terminal=True, typed=answer, environ={"NO_COLOR": "1"})
    assert ran.code == code, ran
    if code:
        assert shop.kept() == before
    else:
        assert [one.status for one in shop.grown(before)] == ["succeeded"]


def test_what_has_nothing_to_do_does_not_ask(shop: Shop) -> None:
    for words in (("promote", "v1.4", "--to", "staging"), ("reconcile", "--to", "staging")):
        before = shop.kept()
        assert shop.json(*words)["outcome"] == "unchanged"
        assert shop.kept() == before


def test_the_question_is_on_stderr_and_the_answer_on_stdout(shop: Shop) -> None:
    """A plan that is asked about is seen by the person, also where stdout goes elsewhere."""
    ran = shop("promote", "v1.3", "--to", "staging", "--json", typed="y\n")
    assert ran.code in {0, 64}
    assert ran.document["schema"] in {"releaser/result/v1", "releaser/error/v1"}
