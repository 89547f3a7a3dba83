#include "instruction_set.h"

#include <cstdio>

#include "onednn.h"

namespace bag {

namespace {

struct Named {
  int set;
  const char* name;
};

constexpr Named named[] = {
    // On ARM oneDNN tells no more.
    {0x0, "default"},
    {dnnl_cpu_isa_sse41, "sse4.1"},
    {dnnl_cpu_isa_avx, "avx"},
    {dnnl_cpu_isa_avx2, "avx2"},
    {dnnl_cpu_isa_avx2_vnni, "avx2_vnni"},
    {dnnl_cpu_isa_avx512_core, "avx512"},
    {dnnl_cpu_isa_avx512_core_vnni, "avx512_vnni"},
    {dnnl_cpu_isa_avx512_core_bf16, "avx512_bf16"},
    {dnnl_cpu_isa_avx512_core_amx, "amx"},
#if DNNL_VERSION_MAJOR >= 3
    // In numbers, since a header need not be the newest: all versions 3 have the same.
    {0x1f, "avx2_vnni_2"},
    {0x1ef, "avx512_fp16"},
    {0x1fef, "amx_fp16"},
    {0x201ff, "avx10_2"},
    {0x22fff, "avx10_2_amx_2"},
#else
    {dnnl_cpu_isa_avx512_mic, "avx512_mic"},
    {dnnl_cpu_isa_avx512_mic_4ops, "avx512_mic_4ops"},
#endif
};

bool contains(int set, int part) { return (set & part) == part; }

}  // namespace

int instructionSet() { return static_cast<int>(dnnl::get_effective_cpu_isa()); }

std::string instructionSetName(int set) {
  for (const auto& one : named) {
    if (one.set == set) return one.name;
  }
  char text[16];
  std::snprintf(text, sizeof text, "isa 0x%x", static_cast<unsigned>(set));
  return text;
}

const char* bfloat16Instructions(int set) {
  if (contains(set, dnnl_cpu_isa_avx512_core_amx)) return "AMX";
  return contains(set, dnnl_cpu_isa_avx512_core_bf16) ? "AVX-512-BF16" : nullptr;
}

bool hasAvx512(int set) { return contains(set, dnnl_cpu_isa_avx512_core); }

}  // namespace bag
