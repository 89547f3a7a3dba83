// What oneDNN says of the processor: the set of instructions that it uses, as bits, wider sets having more of them.
#pragma once

#include <string>

namespace bag {

/** The set in use: the processor's, or ONEDNN_MAX_CPU_ISA's where that is narrower. */
int instructionSet();

/** Its name, shorter than oneDNN's own; `isa 0x…` for one that no oneDNN had yet. */
std::string instructionSetName(int set);

/** The instructions of a set that multiply bfloat16; null where it has none. */
const char* bfloat16Instructions(int set);

/** Whether it has those of AVX-512. */
bool hasAvx512(int set);

}  // namespace bag
