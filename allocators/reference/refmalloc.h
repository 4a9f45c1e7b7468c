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

/* Bytes are whole slices of 64 KiB, but for the metadata. Counts are since the start. */
struct refmalloc_statistics {
  unsigned long long mapped_bytes;            /* address space, used or not */
  unsigned long long resident_estimate_bytes; /* active, dirty and metadata: an upper bound */
  unsigned long long active_bytes;            /* in slabs, medium and large objects */
  unsigned long long large_bytes;             /* of the active: mappings of large objects */
  unsigned long long retained_bytes;          /* free, not unmapped: dirty and clean */
  unsigned long long dirty_bytes;             /* of the retained: pages may be resident */
  unsigned long long metadata_bytes;          /* the allocator's own records */
  unsigned long long mmap_count;
  unsigned long long munmap_count;
  unsigned long long madvise_count;
  unsigned long long mremap_count;
  unsigned long long refills_count;        /* magazine empty: a batch from the arena */
  unsigned long long flushes_count;        /* magazine full or idle: a batch to the arena */
  unsigned long long remote_batches_count; /* atomic hand-overs to slabs of other arenas */
  unsigned long long purges_count;         /* runs and mappings returned to the system */
  unsigned long long arenas_count;         /* arenas that have been used */
};

const char* refmalloc_version(void);

/* Effective value of a setting of REFMALLOC_CONF (mmap_threshold, trim_threshold, decay_ms,
 * arenas); -1 for an unknown one. */
long long refmalloc_option(const char* key);

/* 1 when an object of this heap begins at the address. */
int refmalloc_owns(const void* object);

void refmalloc_stats(struct refmalloc_statistics* statistics);

#ifdef __cplusplus
}
#endif

#endif
