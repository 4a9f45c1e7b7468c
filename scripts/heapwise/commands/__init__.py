"""One file for each subcommand of `python -m heapwise`; its docstring is its --help."""
