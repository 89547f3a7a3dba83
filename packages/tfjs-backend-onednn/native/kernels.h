// Every kernel, one line each. JavaScript finds them by these names.
#pragma once

#include "arguments.h"

namespace bag {

#define BAG_KERNELS(KERNEL)         \
  /* batch_norm.cc */               \
  KERNEL(BatchNormTraining)         \
  KERNEL(BatchNormTrainingGrad)     \
  KERNEL(BatchNormInference)        \
  /* concat.cc */                   \
  KERNEL(Concat)                    \
  KERNEL(Split)                     \
  /* convolution.cc */              \
  KERNEL(Convolution)               \
  KERNEL(ConvolutionInputGradient)  \
  KERNEL(ConvolutionFilterGradient) \
  /* cross_entropy.cc */            \
  KERNEL(CrossEntropy)              \
  KERNEL(CrossEntropyGradient)      \
  /* mat_mul.cc */                  \
  KERNEL(MatMul)                    \
  /* pad.cc */                      \
  KERNEL(PadV2)                     \
  KERNEL(MirrorPad)                 \
  /* pool.cc */                     \
  KERNEL(MaxPool)                   \
  KERNEL(MaxPoolWithArgmax)         \
  KERNEL(MaxPoolGrad)               \
  KERNEL(AvgPool)                   \
  KERNEL(AvgPoolGrad)               \
  /* reduction.cc */                \
  KERNEL(Reduce)                    \
  /* sgd_update.cc */               \
  KERNEL(SgdUpdate)                 \
  KERNEL(AllFinite)                 \
  /* slice.cc */                    \
  KERNEL(Slice)                     \
  KERNEL(Diag)                      \
  /* softmax.cc */                  \
  KERNEL(Softmax)                   \
  /* tile.cc */                     \
  KERNEL(Tile)                      \
  /* transpose.cc */                \
  KERNEL(Transpose)

#define BAG_DECLARE(name) void name(Arguments& arguments);
BAG_KERNELS(BAG_DECLARE)
#undef BAG_DECLARE

}  // namespace bag
