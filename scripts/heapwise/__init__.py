"""heapwise: reads result folders, infers, and shows what they say.

The C++ programs measure and keep raw samples; everything inferred from them is inferred here.

    errors       the one exception whose text is for the user
    schema       finds results/schema.json and checks against it
    folder       a result folder as frozen dataclasses, blocks selected
    metrics      which metrics are compared, their class, unit and band
    statistics   paired inference inside blocks
    pairs        what is compared inside a block: figures, or the slices of two processes in lockstep
    work         whether a run did the baseline's work: exit code, outputs, files, state
    findings     what a user of `try` must know before any figure
    sweep        which M_MMAP_THRESHOLD: rows and their reading
    summary      a folder's summary.json
    labels       words and numbers as people read them
    tables       the terminal's and Markdown's tables, from a summary alone
    program_tables  those of whole programs
    palette      one colour, marker and line for each allocator
    plots        one file for each kind of picture
    readme, reference, validate, summarize, plot    the subcommands
"""

SCHEMA_VERSION = 1
