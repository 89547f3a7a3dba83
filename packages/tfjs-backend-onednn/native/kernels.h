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
  /* pool.cc */             \
  KERNEL(MaxPool)           \
  KERNEL(MaxPoolWithArgmax) \
  KERNEL(MaxPoolGrad)       \
  KERNEL(AvgPool)           \
  KERNEL(AvgPoolGrad)

#define BAG_DECLARE(name) void name(Arguments& arguments);
BAG_KERNELS(BAG_DECLARE)
#undef BAG_DECLARE

}  // namespace bag
