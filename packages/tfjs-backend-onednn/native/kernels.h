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
  /* transpose.cc */        \
  KERNEL(Transpose)         \
  /* slice.cc */            \
  KERNEL(Slice)             \
  KERNEL(Diag)              \
  /* pad.cc */              \
  KERNEL(PadV2)             \
  KERNEL(MirrorPad)         \
  /* tile.cc */             \
  KERNEL(Tile)              \
  /* concat.cc */           \
  KERNEL(Concat)            \
  KERNEL(Split)             \
  /* gather.cc */           \
  KERNEL(GatherV2)          \
  KERNEL(GatherNd)          \
  KERNEL(OneHot)            \
  /* scatter.cc */          \
  KERNEL(ScatterNd)         \
  KERNEL(TensorScatterUpdate)       \
  KERNEL(UnsortedSegmentSum)        \
  /* resize.cc */           \
  KERNEL(ResizeBilinear)    \
  KERNEL(ResizeNearestNeighbor)     \
  KERNEL(ResizeGrad)

#define BAG_DECLARE(name) void name(Arguments& arguments);
BAG_KERNELS(BAG_DECLARE)
#undef BAG_DECLARE

}  // namespace bag
