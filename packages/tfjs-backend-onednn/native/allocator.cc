#include "allocator.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "error.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(data, bytes) ASAN_POISON_MEMORY_REGION(data, bytes)
#define UNPOISON(data, bytes) ASAN_UNPOISON_MEMORY_REGION(data, bytes)
constexpr size_t redZone = 64;
#else
#define POISON(data, bytes) ((void)(data), (void)(bytes))
#define UNPOISON(data, bytes) ((void)(data), (void)(bytes))
constexpr size_t redZone = 0;
#endif

namespace bag {

namespace {

constexpr size_t alignment = 64;
constexpr size_t largestSmall = 32 << 10;
constexpr size_t slab = 1 << 20;
constexpr size_t hugePage = 2 << 20;

/** What the system gives and takes back memory in. */
const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));

size_t roundUp(size_t value, size_t step) { return (value + step - 1) / step * step; }

/** Classes of 64 bytes up to 1 KiB, then four to each doubling. */
size_t classSize(size_t bytes) {
  if (bytes <= 1024) return roundUp(std::max<size_t>(bytes, 1), alignment);
  size_t step = 256;
  while (step * 8 < bytes) step *= 2;
  return roundUp(bytes, step);
}

std::string mebibytes(size_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

size_t physicalMemory() {
  return static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * page;
}

}  // namespace

Allocator::Allocator() : limit_(physicalMemory()), cacheLimit_(physicalMemory() / 2) {
  smallFree_.resize(largestSmall / alignment + 1);
  // Twice the memory, so that fragments do not exhaust the addresses before the memory is exhausted.
  for (reserved_ = roundUp(2 * limit_, hugePage); reserved_ > hugePage; reserved_ = roundUp(reserved_ / 2, hugePage)) {
    void* memory = mmap(nullptr, reserved_ + hugePage, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) continue;
    base_ = reinterpret_cast<char*>(roundUp(reinterpret_cast<size_t>(memory), hugePage));
    break;
  }
  if (base_ == nullptr) throw OutOfMemory("no address space for tensors");
#ifdef MADV_HUGEPAGE
  madvise(base_, reserved_, MADV_HUGEPAGE);
#endif
  insertRange(0, {reserved_, false});
}

// Arrays of JavaScript may still point into the memory when the process ends.
Allocator::~Allocator() = default;

BlockId Allocator::allocate(size_t bytes, uint32_t owner) {
  const size_t needed = bytes + redZone;
  const size_t capacity =
      needed <= largestSmall ? classSize(needed) : roundUp(needed, needed >= 16 * hugePage ? hugePage / 4 : page);
  if (capacity < bytes || capacity > limit_ - std::min(bytesInUse_, limit_)) {
    throw OutOfMemory("cannot allocate " + mebibytes(bytes) + ": " + mebibytes(bytesInUse_) + " of " +
                      mebibytes(limit_) + " are in use");
  }
  char* data;
  if (capacity <= largestSmall) {
    auto& list = smallFree_[capacity / alignment];
    if (list.empty()) {
      char* fresh = takeLarge(slab);
      POISON(fresh, slab);
      for (size_t at = slab / capacity; at-- > 0;) list.push_back(fresh + at * capacity);
    }
    data = list.back();
    list.pop_back();
  } else {
    data = takeLarge(capacity);
    POISON(data, capacity);
  }
  UNPOISON(data, bytes);
  const BlockId id = next_++;
  blocks_.emplace(id, Block{data, bytes, capacity, owner});
  bytesInUse_ += capacity;
  peakBytesInUse_ = std::max(peakBytesInUse_, bytesInUse_);
  return id;
}

void Allocator::free(BlockId id) {
  const Block block = at(id);
  blocks_.erase(id);
  bytesInUse_ -= block.capacity;
  POISON(block.data, block.capacity);
  if (block.capacity <= largestSmall) smallFree_[block.capacity / alignment].push_back(block.data);
  else giveLarge(block.data, block.capacity);
  if (freeResident_ > cacheLimit_) trim();
}

char* Allocator::takeLarge(size_t capacity) {
  const auto found = freeBySize_.lower_bound({capacity, 0});
  if (found == freeBySize_.end()) {
    throw OutOfMemory("cannot allocate " + mebibytes(capacity) + ": no stretch of that size is free");
  }
  // Best fit among memory that is real already, else the lowest fresh addresses.
  auto best = found;
  for (auto it = found; it != freeBySize_.end(); ++it) {
    if (free_.at(it->second).resident) {
      best = it;
      break;
    }
  }
  auto [size, offset] = *best;
  const bool resident = free_.at(offset).resident;
  // Fresh memory beside free memory that does not fit: not more of both than there may be in use.
  if (!resident && freeResident_ > 0 && touched_ + capacity > limit_ && trim()) return takeLarge(capacity);
  freeBySize_.erase(best);
  auto range = free_.erase(free_.find(offset));
  if (resident) {
    freeResident_ -= size;
  } else {
    touched_ += capacity;
    // Free memory that ends where the fresh addresses begin is used up first.
    if (range != free_.begin() && (--range)->first + range->second.size == offset && range->second.resident) {
      const size_t known = range->second.size;
      freeBySize_.erase({known, range->first});
      freeResident_ -= known;
      touched_ -= known;
      offset -= known;
      size += known;
      free_.erase(range);
    }
  }
  if (size > capacity) insertRange(offset + capacity, {size - capacity, resident});
  return base_ + offset;
}

void Allocator::giveLarge(char* data, size_t capacity) {
  size_t offset = static_cast<size_t>(data - base_), size = capacity;
  const auto after = free_.find(offset + size);
  if (after != free_.end() && after->second.resident) {
    size += after->second.size;
    freeResident_ -= after->second.size;
    freeBySize_.erase({after->second.size, after->first});
    free_.erase(after);
  }
  auto before = free_.lower_bound(offset);
  if (before != free_.begin()) {
    --before;
    if (before->first + before->second.size == offset && before->second.resident) {
      offset = before->first;
      size += before->second.size;
      freeResident_ -= before->second.size;
      freeBySize_.erase({before->second.size, before->first});
      free_.erase(before);
    }
  }
  insertRange(offset, {size, true});
}

void Allocator::insertRange(size_t offset, Range range) {
  free_[offset] = range;
  freeBySize_.insert({range.size, offset});
  if (range.resident) freeResident_ += range.size;
}

void Allocator::setCacheLimit(size_t bytes) {
  cacheLimit_ = bytes;
  if (freeResident_ > cacheLimit_) trim();
}

bool Allocator::trim() {
  for (const auto& [offset, range] : free_) {
    const size_t from = roundUp(offset, page), to = (offset + range.size) / page * page;
    // Locked memory is not taken back. What was taken before it still counts as resident, which does no harm.
    if (range.resident && to > from && madvise(base_ + from, to - from, MADV_DONTNEED) != 0) return false;
  }
  std::vector<std::pair<size_t, size_t>> merged;  // offset, size
  for (const auto& [offset, range] : free_) {
    if (range.resident) touched_ -= range.size;
    if (!merged.empty() && merged.back().first + merged.back().second == offset) merged.back().second += range.size;
    else merged.emplace_back(offset, range.size);
  }
  free_.clear();
  freeBySize_.clear();
  freeResident_ = 0;
  for (const auto& [offset, size] : merged) insertRange(offset, {size, false});
  return true;
}

const Allocator::Block& Allocator::at(BlockId id) const {
  const auto found = blocks_.find(id);
  if (found == blocks_.end()) throw Disposed("tensor is disposed");
  return found->second;
}

void* Allocator::data(BlockId id) const { return at(id).data; }
size_t Allocator::size(BlockId id) const { return at(id).bytes; }

std::vector<BlockId> Allocator::blocksOf(uint32_t owner) const {
  std::vector<BlockId> result;
  for (const auto& [id, block] : blocks_) {
    if (block.owner == owner) result.push_back(id);
  }
  return result;
}

Allocator::Statistics Allocator::statistics() const {
  return {bytesInUse_, blocks_.size(), touched_, peakBytesInUse_, limit_};
}

Allocator& allocator() {
  static Allocator* instance = new Allocator();
  return *instance;
}

}  // namespace bag
