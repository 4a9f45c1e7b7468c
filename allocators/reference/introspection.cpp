// The statistics in the forms that programs for the GNU C library ask for.

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>

#include "allocators/reference/interface.h"
#include "allocators/reference/message.h"
#include "allocators/reference/statistics.h"

namespace {

using refmalloc::Field;
using refmalloc::Message;

int narrowed(std::size_t value) {
  return value > INT_MAX ? INT_MAX : static_cast<int>(value);
}

// Of an arena, calls `with` for each class that has had slabs or was ever asked of.
template <class With>
void for_each_used_class(unsigned arena, With with) {
  refmalloc_class_statistics now{};
  for (unsigned size_class = 1; refmalloc_class_stats(arena, size_class, &now) != 0; ++size_class) {
    if (now.slabs_count + now.refills_count + now.flushes_count + now.cached_bytes > 0) with(now);
  }
}

constexpr std::size_t kLabelColumns = 25;
constexpr std::size_t kFigureColumns = 17;

// A heading of field names, and rows of figures below it.
template <class Statistics, std::size_t kCount>
void write_heading(const char* label, const Field<Statistics> (&fields)[kCount]) {
  Message line(label);
  for (const auto& field : fields) line.right(field.name, std::strlen(field.name) + 2);
  line.write();
}

template <class Statistics, std::size_t kCount>
void write_row(const char* label, const Statistics& now,
               const Field<Statistics> (&fields)[kCount]) {
  Message line(label);
  for (const auto& field : fields) line.right(now.*field.value, std::strlen(field.name) + 2);
  line.write();
}

void write_arena(unsigned arena, const refmalloc_arena_statistics& now) {
  Message("arena ").number(arena).write();
  write_heading("  ", refmalloc::kArenaFields);
  write_row("  ", now, refmalloc::kArenaFields);
  write_heading("    ", refmalloc::kClassFields);
  for_each_used_class(arena, [](const refmalloc_class_statistics& row) {
    write_row("    ", row, refmalloc::kClassFields);
  });
}

template <class Statistics, std::size_t kCount>
void print_attributes(FILE* stream, const Statistics& now,
                      const Field<Statistics> (&fields)[kCount]) {
  for (const auto& field : fields) fprintf(stream, " %s=\"%llu\"", field.name, now.*field.value);
}

void print_arena(FILE* stream, unsigned arena, const refmalloc_arena_statistics& now) {
  fprintf(stream, "  <arena nr=\"%u\"", arena);
  print_attributes(stream, now, refmalloc::kArenaFields);
  fputs(">\n", stream);
  for_each_used_class(arena, [stream](const refmalloc_class_statistics& row) {
    fputs("    <class", stream);
    print_attributes(stream, row, refmalloc::kClassFields);
    fputs("/>\n", stream);
  });
  fputs("  </arena>\n", stream);
}

}  // namespace

extern "C" {

// As in the GNU C library: `arena` is what is not mapped object by object, and the sum of what of
// it is in use (uordblks) and free (fordblks); large objects are in hblkhd alone. The rest has no
// meaning here.
RefmallocMallinfo2 REFMALLOC_NAME(mallinfo2)() noexcept {
  const refmalloc_statistics now = refmalloc::statistics();
  RefmallocMallinfo2 info{};
  info.arena = now.active_bytes + now.retained_bytes - now.large_bytes;
  info.hblkhd = now.large_bytes;
  info.uordblks = now.allocated_bytes - now.large_bytes;
  info.fordblks = info.arena > info.uordblks ? info.arena - info.uordblks : 0;
  info.keepcost = now.dirty_bytes;
  return info;
}

RefmallocMallinfo REFMALLOC_NAME(mallinfo)() noexcept {
  const RefmallocMallinfo2 wide = REFMALLOC_NAME(mallinfo2)();
  RefmallocMallinfo info{};
  info.arena = narrowed(wide.arena);
  info.hblkhd = narrowed(wide.hblkhd);
  info.uordblks = narrowed(wide.uordblks);
  info.fordblks = narrowed(wide.fordblks);
  info.keepcost = narrowed(wide.keepcost);
  return info;
}

// Allocates nothing: what is looked at stays as it is.
void REFMALLOC_NAME(malloc_stats)() noexcept {
  const refmalloc_statistics now = refmalloc::statistics();
  Message("refmalloc " REFMALLOC_VERSION).write();
  for (const auto& field : refmalloc::kFields) {
    Message("  ").left(field.name, kLabelColumns).right(now.*field.value, kFigureColumns).write();
  }
  refmalloc_arena_statistics runs{};
  for (unsigned arena = 0; refmalloc::arena_statistics(arena, runs); ++arena) {
    write_arena(arena, runs);
  }
}

int REFMALLOC_NAME(malloc_info)(int options, FILE* stream) noexcept {
  if (options != 0) return EINVAL;
  fputs("<malloc version=\"refmalloc-" REFMALLOC_VERSION "\">\n", stream);
  refmalloc_arena_statistics runs{};
  for (unsigned arena = 0; refmalloc::arena_statistics(arena, runs); ++arena) {
    print_arena(stream, arena, runs);
  }
  const refmalloc_statistics now = refmalloc::statistics();
  fputs("  <total", stream);
  print_attributes(stream, now, refmalloc::kFields);
  fputs("/>\n</malloc>\n", stream);
  return ferror(stream) != 0 ? -1 : 0;
}

}  // extern "C"
