// Memory for tensors: blocks that are 64-byte aligned, named by a number that is never used twice.
//
// One stretch of addresses is reserved at the start; pages of it become real when they are first written. Large blocks
// are cut from it best-fit and merged again when freed, so that memory serves tensors of every size in turn. Small ones
// (up to 32 KiB) come from lists by size class. Freed memory is reused at once; beyond a bound it goes back to the system.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace bag {

using BlockId = uint64_t;

class Allocator {
 public:
  struct Statistics {
    size_t bytesInUse, blocksInUse, bytesResident, peakBytesInUse, limit;
  };

  Allocator();
  ~Allocator();
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  /** `owner` is who `blocksOf` finds it for; 0 is nobody. @throws OutOfMemory naming the size. */
  BlockId allocate(size_t bytes, uint32_t owner = 0);
  /** @throws Disposed where there is no such block. */
  void free(BlockId id);
  /** The memory of a block. @throws Disposed */
  void* data(BlockId id) const;
  /** The bytes that were asked for. @throws Disposed */
  size_t size(BlockId id) const;
  bool has(BlockId id) const { return blocks_.count(id) > 0; }

  /** Every block that carries this owner. */
  std::vector<BlockId> blocksOf(uint32_t owner) const;

  /** Gives the pages of free memory back to the system; false where it does not take them. */
  bool trim();
  Statistics statistics() const;
  void resetPeak() { peakBytesInUse_ = bytesInUse_; }
  /** The most bytes that may be in use at once. */
  size_t limit() const { return limit_; }
  void setLimit(size_t bytes) { limit_ = bytes; }
  /** How many free bytes may stay resident. */
  size_t cacheLimit() const { return cacheLimit_; }
  void setCacheLimit(size_t bytes);

 private:
  struct Block {
    char* data;
    size_t bytes, capacity;
    uint32_t owner;
  };
  struct Range {
    size_t size;
    bool resident;
  };

  char* takeLarge(size_t capacity);
  void giveLarge(char* data, size_t capacity);
  void insertRange(size_t offset, Range range);
  const Block& at(BlockId id) const;

  char* base_ = nullptr;
  size_t reserved_ = 0, limit_ = 0, cacheLimit_ = 0;
  size_t bytesInUse_ = 0, peakBytesInUse_ = 0, freeResident_ = 0, touched_ = 0;
  BlockId next_ = 1;
  std::unordered_map<BlockId, Block> blocks_;
  std::map<size_t, Range> free_;                   // by offset
  std::set<std::pair<size_t, size_t>> freeBySize_;  // size, offset
  std::vector<std::vector<char*>> smallFree_;
};

Allocator& allocator();

/** A block that lives as long as this object: scratch memory, a reordered weight. */
class Scratch {
 public:
  explicit Scratch(size_t bytes) : id_(allocator().allocate(bytes ? bytes : 1)), data_(allocator().data(id_)) {}
  ~Scratch() { allocator().free(id_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  BlockId id() const { return id_; }
  void* data() const { return data_; }
  float* floats() const { return static_cast<float*>(data_); }

 private:
  BlockId id_;
  void* data_;
};

}  // namespace bag
