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

const char* bfloat16Instructions() {
  if (oneDnnUses(dnnl::cpu_isa::avx512_core_amx)) return "AMX";
  return oneDnnUses(dnnl::cpu_isa::avx512_core_bf16) ? "AVX-512-BF16" : nullptr;
}

bool multipliesBfloat16() {
  static const bool does = bfloat16Instructions() != nullptr;
  return does;
}

}  // namespace bag
