"""What was measured, as it was measured: a result folder and how its figures are named, paired and allowed to be compared.

    schema       finds results/schema.json and checks against it
    folder       a result folder as frozen dataclasses, blocks selected
    metrics      which metrics are compared, their class, unit and band
    cells        which groups are passes over the same cell
    work         whether a run did the baseline's work: exit code, outputs, files, state
    pairs        what is compared inside a block: figures, or the slices of two processes in lockstep
    catalogue    what the built program can measure
    headers      how the files of the workloads describe them
    fingerprint  which classes of metric two environments allow to compare
"""
