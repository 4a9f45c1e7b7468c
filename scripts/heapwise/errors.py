"""The one exception whose text is meant for the user."""


class HeapwiseError(Exception):
    """What failed, the value, and what to do next. Subcommands print it and exit with code 2."""
