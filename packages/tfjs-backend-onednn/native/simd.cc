#include "simd.h"

#include "onednn.h"

namespace bag {

namespace {

bool oneDnnUses(dnnl::cpu_isa instructions) {
  const int wanted = static_cast<int>(instructions);
  return (static_cast<int>(dnnl::get_effective_cpu_isa()) & wanted) == wanted;
}

}  // namespace

bool hasWideVectors() {
  static const bool has = BAG_COMPILES_WIDE && oneDnnUses(dnnl::cpu_isa::avx512_core);
  return has;
}

bool multipliesBfloat16() {
  static const bool does = oneDnnUses(dnnl::cpu_isa::avx512_core_bf16);
  return does;
}

}  // namespace bag
