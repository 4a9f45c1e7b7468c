"""heapwise: reads result folders, infers, and shows what they say.

The C++ programs measure and keep raw samples; everything inferred from them is inferred here. Data flows one way:

    errors, labels   the one exception whose text is for the user; words and numbers as people read them
    records          what was measured: folders, metrics, pairs
    inference        what follows from it
    output           how it is shown
    commands         the subcommands
"""

SCHEMA_VERSION = 1
