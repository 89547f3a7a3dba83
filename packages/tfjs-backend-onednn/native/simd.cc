#include "simd.h"

#include "onednn.h"

namespace bag {

bool hasWideVectors() {
  constexpr int wide = static_cast<int>(dnnl::cpu_isa::avx512_core);
  static const bool has = BAG_COMPILES_WIDE && (static_cast<int>(dnnl::get_effective_cpu_isa()) & wide) == wide;
  return has;
}

}  // namespace bag
