// Every kernel, one line each. JavaScript finds them by these names.
#pragma once

#include "arguments.h"

namespace bag {

#define BAG_KERNELS(KERNEL) \
  /* convolution.cc */      \
  KERNEL(Convolution)       \
  KERNEL(ConvolutionInputGradient)  \
  KERNEL(ConvolutionFilterGradient) \
  /* mat_mul.cc */          \
  KERNEL(MatMul)            \
  /* batch_norm.cc */       \
  KERNEL(BatchNormTraining) \
  KERNEL(BatchNormTrainingGrad)     \
  KERNEL(BatchNormInference)        \
  /* sgd_update.cc */       \
  KERNEL(SgdUpdate)         \
  KERNEL(AllFinite)         \
  /* reduction.cc */        \
  KERNEL(Reduce)            \
  /* softmax.cc */          \
  KERNEL(Softmax)           \
  /* cross_entropy.cc */    \
  KERNEL(CrossEntropy)      \
  KERNEL(CrossEntropyGradient)      \
  /* arg_extreme.cc */      \
  KERNEL(ArgExtreme)        \
  /* cumulative.cc */       \
  KERNEL(Cumulate)          \
  /* top_k.cc */            \
  KERNEL(TopK)

#define BAG_DECLARE(name) void name(Arguments& arguments);
BAG_KERNELS(BAG_DECLARE)
#undef BAG_DECLARE

}  // namespace bag
