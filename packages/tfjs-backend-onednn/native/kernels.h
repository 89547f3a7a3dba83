// Every kernel, one line each. JavaScript finds them by these names.
#pragma once

#include "arguments.h"

namespace bag {

#define BAG_KERNELS(KERNEL)         \
  /* arg_extreme.cc */              \
  KERNEL(ArgExtreme)                \
  /* batch_norm.cc */               \
  KERNEL(BatchNormTraining)         \
  KERNEL(BatchNormTrainingGrad)     \
  KERNEL(BatchNormInference)        \
  KERNEL(RunningStatistics)         \
  /* binary.cc */                   \
  KERNEL(Add)                       \
  KERNEL(AddN)                      \
  KERNEL(Sub)                       \
  KERNEL(Multiply)                  \
  KERNEL(RealDiv)                   \
  KERNEL(FloorDiv)                  \
  KERNEL(Mod)                       \
  KERNEL(Pow)                       \
  KERNEL(Maximum)                   \
  KERNEL(Minimum)                   \
  KERNEL(SquaredDifference)         \
  KERNEL(Atan2)                     \
  KERNEL(BitwiseAnd)                \
  KERNEL(Prelu)                     \
  KERNEL(EluGrad)                   \
  /* compare.cc */                  \
  KERNEL(Equal)                     \
  KERNEL(NotEqual)                  \
  KERNEL(Greater)                   \
  KERNEL(GreaterEqual)              \
  KERNEL(Less)                      \
  KERNEL(LessEqual)                 \
  KERNEL(LogicalAnd)                \
  KERNEL(LogicalOr)                 \
  KERNEL(LogicalNot)                \
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
  /* cumulative.cc */               \
  KERNEL(Cumulate)                  \
  /* gather.cc */                   \
  KERNEL(GatherV2)                  \
  KERNEL(GatherNd)                  \
  KERNEL(OneHot)                    \
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
  KERNEL(GlobalAveragePoolGrad)     \
  /* reduction.cc */                \
  KERNEL(Reduce)                    \
  /* resize.cc */                   \
  KERNEL(ResizeBilinear)            \
  KERNEL(ResizeNearestNeighbor)     \
  KERNEL(ResizeGrad)                \
  /* round_to.cc */                 \
  KERNEL(RoundTo)                   \
  KERNEL(Widen)                     \
  KERNEL(Narrow)                    \
  /* scatter.cc */                  \
  KERNEL(ScatterNd)                 \
  KERNEL(TensorScatterUpdate)       \
  KERNEL(UnsortedSegmentSum)        \
  /* select.cc */                   \
  KERNEL(Select)                    \
  KERNEL(Cast)                      \
  KERNEL(Fill)                      \
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
  /* top_k.cc */                    \
  KERNEL(TopK)                      \
  /* transpose.cc */                \
  KERNEL(Transpose)                 \
  /* unary.cc */                    \
  KERNEL(Abs)                       \
  KERNEL(Neg)                       \
  KERNEL(Sign)                      \
  KERNEL(Square)                    \
  KERNEL(Sqrt)                      \
  KERNEL(Rsqrt)                     \
  KERNEL(Reciprocal)                \
  KERNEL(Exp)                       \
  KERNEL(Expm1)                     \
  KERNEL(Log)                       \
  KERNEL(Log1p)                     \
  KERNEL(Sin)                       \
  KERNEL(Cos)                       \
  KERNEL(Tan)                       \
  KERNEL(Asin)                      \
  KERNEL(Acos)                      \
  KERNEL(Atan)                      \
  KERNEL(Sinh)                      \
  KERNEL(Cosh)                      \
  KERNEL(Tanh)                      \
  KERNEL(Asinh)                     \
  KERNEL(Acosh)                     \
  KERNEL(Atanh)                     \
  KERNEL(Sigmoid)                   \
  KERNEL(Softplus)                  \
  KERNEL(Erf)                       \
  KERNEL(Relu)                      \
  KERNEL(Relu6)                     \
  KERNEL(Elu)                       \
  KERNEL(Selu)                      \
  KERNEL(LeakyRelu)                 \
  KERNEL(Step)                      \
  KERNEL(Ceil)                      \
  KERNEL(Floor)                     \
  KERNEL(Round)                     \
  KERNEL(IsNan)                     \
  KERNEL(IsInf)                     \
  KERNEL(IsFinite)                  \
  KERNEL(ClipByValue)

#define BAG_DECLARE(name) void name(Arguments& arguments);
BAG_KERNELS(BAG_DECLARE)
#undef BAG_DECLARE

}  // namespace bag
