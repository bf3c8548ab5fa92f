"""The table of verbs: where each is, and its line of help. Nothing here imports more than this file."""

from typing import NamedTuple


class Verb(NamedTuple):
    """One verb's line of the table."""

    help: str
    group: str

    def module(self, name: str) -> str:
        """The module of the verb called `name`."""
        return "releaser.cli." + name.replace(" ", "_")


DELIVER, LOOK, DECLARE, MORE = "Deliver", "Look", "Declarations", "More"

VERBS: dict[str, Verb] = {
    "build": Verb("Build the images of a release, push them, and register it", DELIVER),
    "create": Verb("Register a release: each image's tag becomes a digest, once", DELIVER),
    "plan": Verb("Show what promote would do", DELIVER),
    "promote": Verb("Deliver a release to an environment", DELIVER),
    "apply": Verb("Execute a saved plan, exactly and once", DELIVER),
    "rollback": Verb("Bring an earlier delivery back, image and configuration", DELIVER),
    "reconcile": Verb("Put the recorded state back over drift, or accept the drift", DELIVER),
    "resume": Verb("Finish an interrupted delivery", DELIVER),
    "abort": Verb("Undo an interrupted delivery", DELIVER),
    "status": Verb("Show what runs where", LOOK),
    "drift": Verb("Compare what is live with the record", LOOK),
    "history": Verb("List deliveries, newest first", LOOK),
    "show": Verb("Show one delivery: plan, resources, steps, message", LOOK),
    "releases": Verb("List the registered releases, and how far each has come", LOOK),
    "releases show": Verb("Show one release with its digests", LOOK),
    "image inspect": Verb("Look into an image: its layers, their files, and what is wasted", LOOK),
    "image lint": Verb("Find what to mend in a Dockerfile or an image", LOOK),
    "image diff": Verb("Compare two images: configuration, packages, files", LOOK),
    "lock status": Verb("Show who delivers now", LOOK),
    "lock break": Verb("Take an environment over from a holder that hangs", LOOK),
    "diff": Verb("Compare two environments, or two deliveries, field by field", DECLARE),
    "explain": Verb("Show which layers made a value, by file and line", DECLARE),
    "render": Verb("Show the resources as the engine would get them", DECLARE),
    "validate": Verb("Check the declarations, all errors at once", DECLARE),
    "init": Verb("Begin a project: write envs/ to start from", MORE),
    "schema": Verb("Print the JSON Schema of a declaration or a document", MORE),
    "doctor": Verb("Check settings, engines, registries and the history", MORE),
    "completion": Verb("Print the completion script for a shell", MORE),
    "version": Verb("Show the version", MORE),
}
"""Verb → its help and group, in the order of `release --help`. A verb of two words is one entry."""

SHARED_VALUES = ("-C", "--directory", "-o", "--output", "--color", "--history")
SHARED_FLAGS = ("-q", "--quiet", "-v", "--verbose", "--json", "--no-input", "--debug")
"""The options that also stand before the verb; a test compares them with cli.options.Options."""
