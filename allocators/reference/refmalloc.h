/* What refmalloc offers beside the malloc family. For C and C++.
 *
 * In librefmalloc.so these are exported next to malloc, free and the others. A program that is
 * preloaded with it finds them by dlsym(RTLD_DEFAULT, …).
 */
#ifndef REFMALLOC_H
#define REFMALLOC_H

#ifdef __cplusplus
extern "C" {
#endif

/* The heap as a whole. Memory is counted in whole slices of 64 KiB, objects at the size of their
 * class: what a program asked for exactly would cost work in every malloc. Counts are since the
 * start. brk is never called.
 *
 * While other threads work the figures are of slightly different moments. In a quiet heap
 *   mapped = active + retained + metadata_mapped, and less only what the system refused to unmap;
 *   active >= allocated >= cached, and what the program holds is allocated - cached. */
struct refmalloc_statistics {
  unsigned long long mapped_bytes;            /* address space, used or not */
  unsigned long long resident_estimate_bytes; /* active, dirty and metadata: an upper bound */
  unsigned long long active_bytes;            /* slabs, medium and large objects */
  unsigned long long allocated_bytes;         /* objects that left a slab, medium, large */
  unsigned long long cached_bytes;            /* of the allocated: in threads' magazines */
  unsigned long long medium_bytes;            /* of the active: runs of medium objects */
  unsigned long long large_bytes;             /* of the active: mappings of large objects */
  unsigned long long retained_bytes;          /* free, not unmapped: dirty and clean */
  unsigned long long dirty_bytes;             /* of the retained: pages may be resident */
  unsigned long long metadata_bytes;          /* the allocator's own records */
  unsigned long long metadata_mapped_bytes;   /* address space for them and for the page map */
  unsigned long long mmap_count;
  unsigned long long munmap_count;
  unsigned long long madvise_count;
  unsigned long long mremap_count;
  unsigned long long refills_count;        /* magazine empty: a batch from the arena */
  unsigned long long flushes_count;        /* magazine full or idle: a batch to the arena */
  unsigned long long remote_batches_count; /* atomic hand-overs to slabs of other arenas */
  unsigned long long purges_count;         /* runs and mappings returned to the system */
  unsigned long long slabs_count;          /* slabs at present */
  unsigned long long arenas_count;         /* arenas that have been used */
  unsigned long long thread_caches_count;  /* those that wait for a thread included */
};

/* One arena. mapped = active + retained. */
struct refmalloc_arena_statistics {
  unsigned long long threads_count; /* that have joined it and not ended */
  unsigned long long mapped_bytes;
  unsigned long long active_bytes;
  unsigned long long medium_bytes;
  unsigned long long retained_bytes;
  unsigned long long dirty_bytes;
  unsigned long long purges_count;
};

/* One size class in one arena. */
struct refmalloc_class_statistics {
  unsigned long long object_bytes;
  unsigned long long slabs_count;
  unsigned long long active_bytes;    /* memory of these slabs */
  unsigned long long allocated_bytes; /* objects out of them: with the program, in magazines, or
                                         handed over by other arenas and not yet taken in */
  unsigned long long cached_bytes;    /* in magazines of the arena's threads, whosever slabs */
  unsigned long long refills_count;
  unsigned long long flushes_count;
  unsigned long long remote_batches_count; /* sent by threads of this arena */
};

const char* refmalloc_version(void);

/* Effective value of a setting of REFMALLOC_CONF; -1 for an unknown one. Where words are allowed,
 * the place of the word among them, from 0. */
long long refmalloc_option(const char* key);

/* 1 when an object of this heap begins at the address. */
int refmalloc_owns(const void* object);

void refmalloc_stats(struct refmalloc_statistics* statistics);

/* One field of refmalloc_statistics by its name, for readers that were built without this header;
 * -1 for an unknown one. */
long long refmalloc_statistic(const char* name);

/* 1, or 0 when no such arena has been used. Arenas count from 0. */
int refmalloc_arena_stats(unsigned arena, struct refmalloc_arena_statistics* statistics);

/* 1, or 0 when there is no such arena or class. Classes count from 1, by size. */
int refmalloc_class_stats(unsigned arena, unsigned size_class,
                          struct refmalloc_class_statistics* statistics);

#ifdef __cplusplus
}
#endif

#endif
