// The table of experiments, by subject: a file each, with its functions declared here.
#include "bench/experiment/experiment.h"

namespace heapwise {

void address_bits(Report& report, const Arguments& arguments);
void anonymous_overrun(Report& report, const Arguments& arguments);
void block_churn(Report& report, const Arguments& arguments);
void block_places(Report& report, const Arguments& arguments);
void calloc_touch(Report& report, const Arguments& arguments);
void chunk_overhead(Report& report, const Arguments& arguments);
void cold_file(Report& report, const Arguments& arguments);
void conditions(Report& report, const Arguments& arguments);
void content_after_reuse(Report& report, const Arguments& arguments);
void corrupted_header(Report& report, const Arguments& arguments);
void data_segment(Report& report, const Arguments& arguments);
void dynamic_threshold(Report& report, const Arguments& arguments);
void fault_count(Report& report, const Arguments& arguments);
void fault_counters(Report& report, const Arguments& arguments);
void faults_by_ps(Report& report, const Arguments& arguments);
void file_overrun(Report& report, const Arguments& arguments);
void first_access(Report& report, const Arguments& arguments);
void first_malloc(Report& report, const Arguments& arguments);
void first_touch(Report& report, const Arguments& arguments);
void first_use_of_mapped(Report& report, const Arguments& arguments);
void fork_address_space(Report& report, const Arguments& arguments);
void fragment_counts(Report& report, const Arguments& arguments);
void fragmentation(Report& report, const Arguments& arguments);
void free_below_live_block(Report& report, const Arguments& arguments);
void free_block_fields(Report& report, const Arguments& arguments);
void free_block_ranges(Report& report, const Arguments& arguments);
void free_everything(Report& report, const Arguments& arguments);
void free_mapped_block(Report& report, const Arguments& arguments);
void fresh_boundary(Report& report, const Arguments& arguments);
void heap_in_one_piece(Report& report, const Arguments& arguments);
void heap_rounds(Report& report, const Arguments& arguments);
void huge_page_step(Report& report, const Arguments& arguments);
void kernel_space(Report& report, const Arguments& arguments);
void layout(Report& report, const Arguments& arguments);
void locked_touch(Report& report, const Arguments& arguments);
void malloc_areas(Report& report, const Arguments& arguments);
void malloc_exercise(Report& report, const Arguments& arguments);
void mapped_blocks(Report& report, const Arguments& arguments);
void mapping_area(Report& report, const Arguments& arguments);
void mapping_boundary(Report& report, const Arguments& arguments);
void move_brk(Report& report, const Arguments& arguments);
void narrow_process(Report& report, const Arguments& arguments);
void neighbours(Report& report, const Arguments& arguments);
void page_costs(Report& report, const Arguments& arguments);
void page_steps(Report& report, const Arguments& arguments);
void page_table_growth(Report& report, const Arguments& arguments);
void pmap_total(Report& report, const Arguments& arguments);
void pool_churn(Report& report, const Arguments& arguments);
void read_only_memory(Report& report, const Arguments& arguments);
void reuse_of_large_block(Report& report, const Arguments& arguments);
void shared_frame(Report& report, const Arguments& arguments);
void small_mallocs(Report& report, const Arguments& arguments);
void stack_limit(Report& report, const Arguments& arguments);
void statistics_overflow(Report& report, const Arguments& arguments);
void threshold_after_free(Report& report, const Arguments& arguments);
void threshold_by_mallopt(Report& report, const Arguments& arguments);
void threshold_limit(Report& report, const Arguments& arguments);
void threshold_values(Report& report, const Arguments& arguments);
void top_moves(Report& report, const Arguments& arguments);
void top_states(Report& report, const Arguments& arguments);
void trim_limit(Report& report, const Arguments& arguments);
void unfreed_blocks(Report& report, const Arguments& arguments);
void valgrind_on_ladder(Report& report, const Arguments& arguments);
void vsz_steps(Report& report, const Arguments& arguments);
void mechanism_overhead(Report& report, const Arguments& arguments);
void mechanism_own_mapping(Report& report, const Arguments& arguments);
void mechanism_release(Report& report, const Arguments& arguments);
void mechanism_threads(Report& report, const Arguments& arguments);
void mechanism_alignment(Report& report, const Arguments& arguments);
void mechanism_contents(Report& report, const Arguments& arguments);
void mechanism_exhaustion(Report& report, const Arguments& arguments);
void mechanism_start(Report& report, const Arguments& arguments);
void mechanism_misuse(Report& report, const Arguments& arguments);
void mechanism_edges(Report& report, const Arguments& arguments);
void mechanism_fork(Report& report, const Arguments& arguments);

const Experiment kExperiments[] = {
    {"conditions", "what this process runs under: C library, malloc, pages, rights", conditions},
    // block_places.cpp
    {"block_places",
     "addresses of a small and of a large block and of the stack; `legacy`: in the old layout",
     block_places},
    // chunk_header.cpp
    {"chunk_overhead",
     "blocks of 1 to 4096 bytes: what malloc takes besides, and what stands before each",
     chunk_overhead},
    {"corrupted_header", "a word before a block overwritten, then free, each in a fork",
     corrupted_header},
    {"unfreed_blocks", "blocks that are freed and blocks that are not, as mallinfo2 counts them",
     unfreed_blocks},
    // heap_top.cpp
    {"first_malloc", "malloc(1), then 10,000 of 100 bytes: how far and how often brk moves",
     first_malloc},
    {"top_states",
     "malloc with nothing free, with room in the top, with a freed block: does brk move",
     top_states},
    {"top_moves", "10,000 mallocs of each of four sizes: how often brk moves", top_moves},
    // mmap_threshold.cpp
    {"mapping_boundary", "the first size that is mapped when nothing is free in the heap",
     mapping_boundary},
    {"fresh_boundary", "the first size that is mapped at a process's first malloc", fresh_boundary},
    {"threshold_after_free", "malloc(1 MiB), free, malloc(1 MiB), and the thresholds then",
     threshold_after_free},
    {"threshold_limit", "the largest mapped block whose free moves the threshold", threshold_limit},
    {"mapped_blocks", "malloc(128 KiB) until one is not mapped", mapped_blocks},
    {"threshold_by_mallopt", "mallopt(M_MMAP_THRESHOLD, 64 KiB), then malloc(70,000) three times",
     threshold_by_mallopt},
    {"threshold_values", "which values mallopt takes for M_MMAP_THRESHOLD", threshold_values},
    // resident.cpp
    {"first_touch", "malloc of MiB, then a write to each page: VSZ, RSS, faults", first_touch},
    {"calloc_touch",
     "calloc and malloc from the heap's top, calloc of a mapped block: what is resident",
     calloc_touch},
    {"locked_touch", "malloc under mlockall: what is resident", locked_touch},
    {"page_steps", "1, 5 and 7 KiB written: what becomes resident", page_steps},
    {"huge_page_step", "one byte written where huge pages were asked for: what becomes resident",
     huge_page_step},
    // vsz_growth.cpp
    {"small_mallocs", "many mallocs of 1,000 bytes: how often VSZ grows", small_mallocs},
    {"vsz_steps", "how far VSZ grows at a mapped block, a small one, and a thread's first",
     vsz_steps},
    // address_space.cpp
    {"fork_address_space", "one page, written by the child of a fork: what each finds there",
     fork_address_space},
    {"kernel_space", "reads and writes an address of the kernel's, each in a fork", kernel_space},
    {"address_bits", "how far up a process can map, and what the processor says", address_bits},
    // page_tables.cpp
    {"shared_frame", "one page of a memfd at two addresses: which frames", shared_frame},
    {"page_table_growth", "a read in each of many reaches: how the page tables grow",
     page_table_growth},
    {"first_access", "a read, a write and another of anonymous pages: faults, RSS", first_access},
    // memory_pressure.cpp; both for a memory cgroup with less
    {"anonymous_overrun", "writes MiB of anonymous memory, until it is killed", anonymous_overrun},
    {"file_overrun", "writes MiB of a mapped file and reads them again", file_overrun},
    // layout.cpp
    {"layout", "the address of something in each part of the process", layout},
    {"mapping_area", "where libraries, shared memory, malloc(1 MiB) and a thread's stack lie",
     mapping_area},
    {"move_brk", "sbrk(8192) and sbrk(-8192): where brk is, what can be used", move_brk},
    {"malloc_areas", "where malloc takes memory for the main thread, for another, for 1 MiB",
     malloc_areas},
    // segments.cpp
    {"read_only_memory", "writes to code, a literal and a const object, each in a fork",
     read_only_memory},
    {"data_segment", "where variables lie and who may write them", data_segment},
    // stack.cpp
    {"stack_limit", "uses the stack, up to its limit and beyond", stack_limit},
    // narrow_process.cpp
    {"narrow_process", "a 32-bit process: where its addresses begin and end", narrow_process},
    // pmap.cpp
    {"pmap_total", "pmap -x of this process against the kernel's count", pmap_total},
    // giving_back.cpp
    {"free_mapped_block",
     "malloc(10 MiB), write, free: what VSZ and RSS lose; is a write to it still possible?",
     free_mapped_block},
    {"free_below_live_block", "free of 100,000 bytes below a live block, and their reuse",
     free_below_live_block},
    {"free_everything", "10 MB in blocks of SIZE, freed in ORDER lifo, fifo or pinned: RSS and brk",
     free_everything},
    // trim_limit.cpp
    {"trim_limit", "how much must lie free at the heap's top before free gives it back",
     trim_limit},
    // coalescing.cpp
    {"neighbours", "which sizes of freed neighbours become one chunk", neighbours},
    // fragmentation.cpp
    {"fragmentation", "RSS over live bytes in PATTERN plateau, ladder [MIB] or pins",
     fragmentation},
    {"valgrind_on_ladder", "the ladder under valgrind: what it finds", valgrind_on_ladder},
    // mapped_blocks.cpp
    {"first_use_of_mapped", "faults of malloc of MIB and of a write to each page",
     first_use_of_mapped},
    {"page_costs", "time for a page's first write and for one when it is resident", page_costs},
    {"heap_in_one_piece",
     "200 x malloc(10,000) on an open or obstructed heap: which do not follow the last",
     heap_in_one_piece},
    {"reuse_of_large_block", "malloc, write, free of MIB again and again: faults and system calls",
     reuse_of_large_block},
    {"content_after_reuse",
     "what is in a block that was freed and asked for again: mapped, and from the heap",
     content_after_reuse},
    // block_churn.cpp
    {"block_churn", "malloc of bytes, a write to each page, free, again and again: time, faults",
     block_churn},
    // dynamic_threshold.cpp
    {"dynamic_threshold", "the smallest size that is mapped, after each of a series of frees",
     dynamic_threshold},
    // fault_counters.cpp
    {"fault_count", "the minor faults of this process so far", fault_count},
    {"fault_counters", "minor faults of a process, of its child, and across exec", fault_counters},
    {"faults_by_ps", "a child's faults by its own account and by ps", faults_by_ps},
    // heap_rounds.cpp
    {"heap_rounds", "blocks allocated, filled and freed together, in rounds: faults", heap_rounds},
    {"pool_churn", "the same as block_churn out of a fixed pool: faults", pool_churn},
    // major_faults.cpp
    {"cold_file", "pages of a file from storage, from memory, and anonymous ones: faults, time",
     cold_file},
    // malloc_exercise.cpp
    {"malloc_exercise", "two threads allocate, check and free: which library answered, what broke",
     malloc_exercise},
    // malloc_statistics.cpp
    {"fragment_counts", "mallinfo2's counts of free blocks, and whether a large block finds room",
     fragment_counts},
    {"free_block_fields", "which of mallinfo2's fields count freed blocks of three sizes",
     free_block_fields},
    {"free_block_ranges", "which of mallinfo2's fields count freed blocks of 8 to 1,208 bytes",
     free_block_ranges},
    {"statistics_overflow", "mallinfo and mallinfo2 with 1 GiB and with more than 2 GiB",
     statistics_overflow},
    // mechanism_overhead.cpp
    {"mechanism_overhead", "by size: resident, mapped, usable bytes and stride of an object",
     mechanism_overhead},
    // mechanism_own_mapping.cpp
    {"mechanism_own_mapping",
     "from which size on a request is mapped on its own, also after a large free",
     mechanism_own_mapping},
    // mechanism_release.cpp
    {"mechanism_release",
     "BLOCK_BYTES idle|ticks [KIND NAME ARGUMENT [FLUSH]]: when 256 MiB of freed blocks go back",
     mechanism_release},
    // mechanism_threads.cpp
    {"mechanism_threads", "how many regions serve 1 to 16 threads", mechanism_threads},
    // mechanism_contents.cpp
    {"mechanism_alignment", "by size: what malloc's addresses are multiples of",
     mechanism_alignment},
    {"mechanism_contents", "stale bytes in reused objects; what calloc writes", mechanism_contents},
    // mechanism_exhaustion.cpp
    {"mechanism_exhaustion", "malloc under RLIMIT_AS until it refuses, and after a free",
     mechanism_exhaustion},
    {"mechanism_start", "mallocs a little and ends; mechanism_exhaustion starts it",
     mechanism_start},
    // mechanism_misuse.cpp
    {"mechanism_misuse", "double, interior and foreign free, overrun, read after free",
     mechanism_misuse},
    // mechanism_edges.cpp
    {"mechanism_edges", "malloc(0), realloc(p, 0), overflow, bad alignment", mechanism_edges},
    // mechanism_fork.cpp
    {"mechanism_fork", "whether children allocate that are forked while threads do",
     mechanism_fork},
    {nullptr, nullptr, nullptr},
};

}  // namespace heapwise
