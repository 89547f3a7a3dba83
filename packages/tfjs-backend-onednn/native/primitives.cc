#include "primitives.h"

namespace bag {

dnnl::engine& cpu() {
  static dnnl::engine* engine = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *engine;
}

dnnl::stream& stream() {
  static dnnl::stream* stream = new dnnl::stream(cpu());
  return *stream;
}

dnnl::primitive_attr withOwnScratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

void execute(const dnnl::primitive& primitive, const onednn::Descriptor& scratchpad,
             std::unordered_map<int, dnnl::memory> arguments) {
  const size_t bytes = scratchpad.get_size();
  if (bytes == 0) {
    primitive.execute(stream(), arguments);
    return;
  }
  const Scratch scratch(bytes);
  arguments.emplace(DNNL_ARG_SCRATCHPAD, memoryOf(scratchpad, scratch.data()));
  primitive.execute(stream(), arguments);
}

onednn::Descriptor plain(const dnnl::memory::dims& dims, const dnnl::memory::dims& strides) {
  if (!strides.empty()) return {dims, dnnl::memory::data_type::f32, strides};
  dnnl::memory::dims rowsLast(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) rowsLast[i - 1] = rowsLast[i] * std::max<int64_t>(dims[i], 1);
  return {dims, dnnl::memory::data_type::f32, rowsLast};
}

void reorder(const onednn::Descriptor& from, const void* source, const onednn::Descriptor& to, void* target) {
  dnnl::memory a = memoryOf(from, const_cast<void*>(source)), b = memoryOf(to, target);
  dnnl::reorder(a, b).execute(stream(), a, b);
}

namespace {

struct Layout {
  onednn::Descriptor descriptor;
  std::unique_ptr<Scratch> copy;
};

std::unordered_map<BlockId, std::vector<Layout>>& layouts() {
  static auto* map = new std::unordered_map<BlockId, std::vector<Layout>>();
  return *map;
}

}  // namespace

void* inLayout(BlockId weight, const void* data, const onednn::Descriptor& from, const onednn::Descriptor& wanted) {
  if (from == wanted) return const_cast<void*>(data);
  auto& copies = layouts()[weight];
  for (const auto& [descriptor, copy] : copies) {
    if (descriptor == wanted) return copy->data();
  }
  auto copy = std::make_unique<Scratch>(wanted.get_size());
  reorder(from, data, wanted, copy->data());
  copies.push_back({wanted, std::move(copy)});
  return copies.back().copy->data();
}

void dropLayouts(BlockId weight) { layouts().erase(weight); }

}  // namespace bag
