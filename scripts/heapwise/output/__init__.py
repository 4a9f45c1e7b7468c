"""How it is shown: tables, texts, pictures and other tools' files, from documents alone.

    tables       the terminal's and Markdown's tables of a summary, as data
    program_tables, comparison_tables, duel_tables, calibration_tables, gate_tables    those of whole programs, two folders,
                 two allocators measured against each other, the gate's own errors, a gate
    scaling_tables  what more threads bring
    inside_tables  what allocators say of themselves beside what was seen of them
    endurance_tables  what long runs come to
    target_tables  refmalloc's targets beside the figures
    matrix       cells × allocators, for the README
    workload_pages  what each workload is, as Markdown
    render       prints tables for a terminal and as Markdown
    gate_text    a gate for a terminal and as Markdown
    junit        a gate for CI services
    google_benchmark  runs as the JSON that Google Benchmark writes
    palette      one colour, marker and line for each allocator
    plots        one file for each kind of picture
"""
