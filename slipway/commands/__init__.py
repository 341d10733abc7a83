"""The command line's commands: arguments and options, one Typer application a subject."""
