"""What follows from it: everything that is a conclusion is drawn here, and only here.

    statistics   inference, paired inside blocks and between two folders
    summary      a folder's summary.json
    findings     what a user of `try` must know before any figure
    inside       what allocators say of themselves beside what was seen of them
    endurance    what long runs come to: resident over live bytes and the tail over their course
    sweep        which M_MMAP_THRESHOLD: rows and their reading
    scaling      what more threads bring
    folder_comparison  two folders set against each other
    policy       the gate's rules: what is a regression, what is not known, what passes
    gate_runs    how the runs of both sides of a gate ended
    calibration  the gate's own errors
    targets      what refmalloc is to reach, as data, and how far it is
    truths       what is known to be true of named allocators, as data
    rules        what no run of any folder may break
    evidence     what a folder has to say about a truth, and the verdict
    remedies     the line that measures what a folder does not have
"""
