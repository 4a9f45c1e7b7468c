"""heapwise: reads result folders, infers, and shows what they say.

The C++ programs measure and keep raw samples; everything inferred from them is inferred here.

    errors       the one exception whose text is for the user
    schema       finds results/schema.json and checks against it
    folder       a result folder as frozen dataclasses, blocks selected
    metrics      which metrics are compared, their class, unit and band
    statistics   inference, paired inside blocks and between two folders
    pairs        what is compared inside a block: figures, or the slices of two processes in lockstep
    work         whether a run did the baseline's work: exit code, outputs, files, state
    findings     what a user of `try` must know before any figure
    sweep        which M_MMAP_THRESHOLD: rows and their reading
    summary      a folder's summary.json
    fingerprint  which classes of metric two environments allow to compare
    folder_comparison  two folders set against each other
    policy       the gate's rules: what is a regression, what is not known, what passes
    gate_runs    how the runs of both sides of a gate ended
    labels       words and numbers as people read them
    tables       the terminal's and Markdown's tables, from a summary alone
    program_tables  those of whole programs
    comparison_tables  those of two folders
    duel_tables  those of two allocators measured against each other
    calibration_tables  those of the gate's own errors
    gate_tables  those of a gate
    gate_text    a gate for a terminal and as Markdown
    junit        a gate for CI services
    palette      one colour, marker and line for each allocator
    plots        one file for each kind of picture
    truths       what is known to be true of named allocators, as data
    rules        what no run of any folder may break
    evidence     what a folder has to say about a truth, and the verdict
    remedies     the line that measures what a folder does not have
    google_benchmark  runs as the JSON that Google Benchmark writes
    readme, reference, validate, verify, export, summarize, compare, gate, calibration, plot    the subcommands
"""

SCHEMA_VERSION = 1
