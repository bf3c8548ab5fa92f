"""completion: print the completion script for a shell."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

from releaser.cli import errors
from releaser.cli.invocation import Invocation
from releaser.cli.options import Options as SharedOptions
from releaser.model.errors import BadArgument

BASH = """\
# release completion for bash: eval "$(release completion bash)", or put it where bash-completion looks
_release() {
    local IFS=$'\\n' line
    COMPREPLY=()
    while read -r line; do
        [ "$line" = :files ] && { compopt -o default; return; }
        COMPREPLY+=("${line%%$'\\t'*}")
    done < <(release __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o nosort -F _release release
"""

ZSH = """\
#compdef release
# release completion for zsh: eval "$(release completion zsh)", or save it as _release in your $fpath
_release() {
    local -a found
    local line
    while IFS= read -r line; do
        [[ $line == :files ]] && { _files; return; }
        found+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}")
    done < <(release __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    _describe -V release found
}
if [ "$funcstack[1]" = _release ]; then _release "$@"; else compdef _release release; fi
"""

FISH = """\
# release completion for fish: release completion fish | source, or save it as completions/release.fish
function __release_complete
    set -l found (release __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)
    if test "$found" = :files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $found
    end
end
complete -c release -f -k -a '(__release_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Print the completion script for a shell.

    bash: eval "$(release completion bash)". zsh: eval "$(release completion zsh)". fish: release completion fish |
    source. Verbs, options, environments and releases are completed.
    """

    FORMATS: ClassVar[tuple[str, ...]] = ("table",)

    shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]


def run(invocation: Invocation, options: Options) -> int:
    """Print it; gives the exit code."""
    if options.shell not in SCRIPTS:
        raise BadArgument(f"there is no completion for {options.shell}", hint="bash, zsh or fish")
    invocation.out.text(SCRIPTS[options.shell])
    return errors.DONE
