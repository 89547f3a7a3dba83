// Products of matrices, batched and broadcast, by oneDNN, or by loops where they are tiny. Operands in bfloat16 are
// summed up in float32.
#include "activation.h"
#include "half.h"
#include "kernels.h"
#include "primitives.h"

namespace bag {

namespace {

/** Multiplications below which to set a primitive up costs more than they do. */
constexpr int64_t few = 1024;

/** The same product by loops. Strides of a and b: along the batch, the rows and the columns. */
template <typename T, typename Result>
void multiplyFew(const Tensor& a, const int64_t (&ofA)[3], const Tensor& b, const int64_t (&ofB)[3], int64_t inner,
                 const Tensor& bias, const Tensor& y) {
  Result* to = static_cast<Result*>(y.data);
  for (int64_t n = 0; n < y.dim(0); n++) {
    for (int64_t i = 0; i < y.dim(1); i++) {
      for (int64_t j = 0; j < y.dim(2); j++) {
        const T* left = static_cast<T*>(a.data) + n * ofA[0] + i * ofA[1];
        const T* right = static_cast<T*>(b.data) + n * ofB[0] + j * ofB[2];
        float sum = 0;
        for (int64_t k = 0; k < inner; k++) sum += get(left + k * ofA[2], 0.0f) * get(right + k * ofB[1], 0.0f);
        put(to++, bias.data == nullptr ? sum : sum + bias.floats()[j]);
      }
    }
  }
}

}  // namespace

/**
 * y[b,i,j] = Σ_k a[b,i,k]·b[b,k,j] (+ bias[j], then an activation); either operand may be stored transposed, and either
 * may have a batch of 1. Operands of rank 3.
 */
void MatMul(Arguments& in) {
  const Tensor a = in.stored(), b = in.tensor(a.dtype), bias = in.optionalFloats(), y = in.stored();
  const bool transposeA = in.flag(), transposeB = in.flag();
  const auto activation = static_cast<Activation>(in.integer(0, 5));
  const float alpha = in.real();
  require(a.rank == 3 && b.rank == 3 && y.rank == 3, "expected operands of rank 3");
  const int64_t rows = a.dim(transposeA ? 2 : 1), inner = a.dim(transposeA ? 1 : 2);
  const int64_t columns = b.dim(transposeB ? 1 : 2);
  require(b.dim(transposeB ? 2 : 1) == inner, "the inner sizes differ");
  require(y.dim(1) == rows && y.dim(2) == columns, "the output has another shape than the product");
  require((a.dim(0) == y.dim(0) || a.dim(0) == 1) && (b.dim(0) == y.dim(0) || b.dim(0) == 1),
          "the batch sizes do not fit");
  require(bias.data == nullptr || bias.size == columns, "expected a bias of one number per column");
  require(a.dtype != DType::float16, "expected operands in float32 or bfloat16");
  require(y.dtype == DType::float32 || y.dtype == a.dtype, "expected a result in float32, or stored as the operands are");
  require(activation == Activation::linear || y.dtype == DType::float32, "expected no activation of 16 bits");
  if (y.size == 0) return;
  require(inner > 0, "cannot multiply over an empty axis");

  if (y.size <= few && y.size * inner <= few) {
    const int64_t ofA[] = {a.dim(0) == 1 ? 0 : rows * inner, transposeA ? 1 : inner, transposeA ? rows : 1};
    const int64_t ofB[] = {b.dim(0) == 1 ? 0 : inner * columns, transposeB ? 1 : columns, transposeB ? inner : 1};
    if (y.dtype == DType::bfloat16) multiplyFew<Bfloat16, Bfloat16>(a, ofA, b, ofB, inner, bias, y);
    else if (a.dtype == DType::bfloat16) multiplyFew<Bfloat16, float>(a, ofA, b, ofB, inner, bias, y);
    else multiplyFew<float, float>(a, ofA, b, ofB, inner, bias, y);
    return activate(y, activation, alpha);
  }

  struct Prepared {
    dnnl::matmul::primitive_desc description;
    dnnl::matmul primitive;
  };
  static Cache<Prepared> cache;
  const bool hasBias = bias.data != nullptr;
  using Type = dnnl::memory::data_type;
  const Type ofOperands = a.dtype == DType::float32 ? Type::f32 : Type::bf16;
  const Type ofResult = y.dtype == DType::float32 ? Type::f32 : Type::bf16;
  const auto& prepared = cache.get(
      {a.dim(0), b.dim(0), y.dim(0), rows, inner, columns, transposeA, transposeB, hasBias,
       static_cast<int64_t>(ofOperands), static_cast<int64_t>(ofResult)},
      [&] {
        // A transposed operand is the same memory, walked the other way.
        const auto operand = [=](int64_t batch, int64_t rows, int64_t columns, bool transposed) -> onednn::Descriptor {
          using Dims = dnnl::memory::dims;
          return {{batch, rows, columns}, ofOperands,
                  transposed ? Dims{rows * columns, 1, rows} : Dims{rows * columns, columns, 1}};
        };
        const onednn::Descriptor result({y.dim(0), rows, columns}, ofResult, dnnl::memory::format_tag::abc);
        const auto description = onednn::matmul(
            cpu(), operand(a.dim(0), rows, inner, transposeA), operand(b.dim(0), inner, columns, transposeB),
            hasBias ? plain({1, 1, columns}) : onednn::Descriptor(), result,
            withOwnScratchpad());
        return Prepared{description, dnnl::matmul(description)};
      });
  std::unordered_map<int, dnnl::memory> arguments{
      {DNNL_ARG_SRC, memoryOf(prepared.description.src_desc(), a.data)},
      {DNNL_ARG_WEIGHTS, memoryOf(prepared.description.weights_desc(), b.data)},
      {DNNL_ARG_DST, memoryOf(prepared.description.dst_desc(), y.data)},
  };
  if (hasBias) arguments.emplace(DNNL_ARG_BIAS, memoryOf(prepared.description.bias_desc(), bias.data));
  execute(prepared.primitive, prepared.description.scratchpad_desc(), std::move(arguments));
  activate(y, activation, alpha);
}

}  // namespace bag
