// oneDNN primitives, made once for each combination of shapes, and what they run with.
#pragma once

#include <omp.h>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "allocator.h"
#include "onednn.h"

namespace bag {

dnnl::engine& cpu();
dnnl::stream& stream();

using Key = std::vector<int64_t>;

struct KeyHash {
  size_t operator()(const Key& key) const {
    uint64_t hash = 1469598103934665603ull;
    for (const int64_t part : key) hash = (hash ^ static_cast<uint64_t>(part)) * 1099511628211ull;
    return static_cast<size_t>(hash ^ (hash >> 29));
  }
};

/** Keeps the most recently used values by key and number of threads, for which oneDNN makes its primitives. */
template <typename Value>
class Cache {
 public:
  explicit Cache(size_t capacity = 1024) : capacity_(capacity) {}

  template <typename Make>
  Value& get(Key key, Make make) {
    key.push_back(omp_get_max_threads());
    const auto found = index_.find(key);
    if (found != index_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return found->second->second;
    }
    order_.emplace_front(key, make());
    index_[key] = order_.begin();
    if (order_.size() > capacity_) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    return order_.front().second;
  }

 private:
  using Entry = std::pair<Key, Value>;
  size_t capacity_;
  std::list<Entry> order_;
  std::unordered_map<Key, typename std::list<Entry>::iterator, KeyHash> index_;
};

/** Scratch memory is ours and shared: primitives must not keep their own. */
dnnl::primitive_attr withOwnScratchpad();

/** Runs a primitive with scratch memory from the allocator. */
void execute(const dnnl::primitive& primitive, const onednn::Descriptor& scratchpad,
             std::unordered_map<int, dnnl::memory> arguments);

/** A descriptor of a plain float32 array; strides are of the rows-last layout where none are given. */
onednn::Descriptor plain(const dnnl::memory::dims& dims, const dnnl::memory::dims& strides = {});

inline dnnl::memory memoryOf(const onednn::Descriptor& descriptor, void* data) { return {descriptor, cpu(), data}; }

/** Copies between layouts. */
void reorder(const onednn::Descriptor& from, const void* source, const onednn::Descriptor& to, void* target);

/**
 * The memory of a weight in the layout that a primitive wants: the weight itself if it is laid out so, else a copy, made
 * once and kept until the weight's block is freed.
 */
void* inLayout(BlockId weight, const void* data, const onednn::Descriptor& from, const onednn::Descriptor& wanted);

/** Forgets the copies of a weight. Called when its block is freed. */
void dropLayouts(BlockId weight);

}  // namespace bag
