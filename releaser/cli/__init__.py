"""The commands: a module a verb, output, prompts, errors to exit codes."""
