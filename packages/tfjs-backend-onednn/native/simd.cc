#include "simd.h"

#include "instruction_set.h"

namespace bag {

bool hasWideVectors() {
  static const bool has = BAG_COMPILES_WIDE && hasAvx512(instructionSet());
  return has;
}

bool multipliesBfloat16() {
  static const bool does = bfloat16Instructions(instructionSet()) != nullptr;
  return does;
}

}  // namespace bag
