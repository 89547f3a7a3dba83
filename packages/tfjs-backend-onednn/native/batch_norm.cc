// Batch normalisation in training, with the residual and the ReLU that follow it, and its gradient. Both are bound by
// memory, so what counts is how often an activation is read and written: forward twice and once, backward twice and once.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "channel_passes.h"
#include "kernels.h"

namespace bag {

namespace {

using namespace channel_passes;

/** Hands compile-time booleans to a function, one combination of four. */
template <typename Function>
void specialise(bool a, bool b, Function function) {
  if (a && b) function(std::true_type{}, std::true_type{});
  else if (a) function(std::true_type{}, std::false_type{});
  else if (b) function(std::false_type{}, std::true_type{});
  else function(std::false_type{}, std::false_type{});
}

template <typename T>
void normalise(const Tensor& x, const Tensor& residual, const Tensor& y, const Rows& rows, const float* mean,
               const float* scale, const float* beta, bool relu) {
  const auto means = rows.widen(mean), scales = rows.widen(scale), betas = rows.widen(beta);
  const T *from = static_cast<T*>(x.data), *other = static_cast<T*>(residual.data);
  T* to = static_cast<T*>(y.data);
  const float *m = means.data(), *s = scales.data(), *b = betas.data();
  const float floor = relu ? 0 : -std::numeric_limits<float>::infinity();
  const auto pass = [&](auto streaming, auto withResidual) {
    forEach(rows, Reads(rows, {&x, &residual}), [=](int64_t c, auto zero) BAG_INLINE_BODY {
      return [=, centre = get(m + c, zero), factor = get(s + c, zero),
              shift = get(b + c, zero)](int64_t i) BAG_INLINE_BODY {
        auto value = fusedMultiplyAdd(get(from + i, zero) - centre, factor, shift);
        if constexpr (withResidual) value += get(other + i, zero);
        put<streaming>(to + i, atLeast(floor, value));
      };
    });
  };
  specialise(static_cast<int64_t>(y.bytes()) >= streamingBytes, other != nullptr, pass);
}

/** The mean of a few rows from all over the batch: squares of differences to it lose no digits to a large mean. */
template <typename T>
std::vector<float> roughMean(const Tensor& x) {
  const int64_t channels = x.last(), count = x.size / channels, taken = std::min<int64_t>(count, 32);
  std::vector<float> result(static_cast<size_t>(channels), 0.0f);
  for (int64_t n = 0; n < taken; n++) {
    const T* row = static_cast<T*>(x.data) + count * n / taken * channels;
    for (int64_t c = 0; c < channels; c++) result[c] += get(row + c, 0.0f) / static_cast<float>(taken);
  }
  return result;
}

void requireVectors(const Tensor& x, std::initializer_list<const Tensor*> vectors) {
  require(x.rank >= 1 && x.last() > 0, "expected values to normalise");
  for (const auto* t : vectors) require(t->size == x.last(), "a vector does not fit the channels");
}

/** The batch's μ and biased σ², summed about a rough mean. */
template <typename T>
void takeStatistics(const Tensor& x, const Rows& rows, const Tensor& mean, const Tensor& variance) {
  const auto centre = roughMean<T>(x);
  const auto origins = rows.widen(centre.data());
  const T* values = static_cast<T*>(x.data);
  const float* origin = origins.data();
  std::vector<double> sums, squares;
  twoSums(
      rows, Reads(rows, {&x}),
      [=](int64_t c, auto zero) BAG_INLINE_BODY {
        return [=, pivot = get(origin + c, zero)](int64_t i, auto& sum, auto& square) BAG_INLINE_BODY {
          const auto value = get(values + i, zero) - pivot;
          sum += value;
          square = fusedMultiplyAdd(value, value, square);
        };
      },
      sums, squares);
  const double count = static_cast<double>(x.size / x.last());
  for (int64_t c = 0; c < x.last(); c++) {
    const double shift = sums[c] / count;
    mean.floats()[c] = static_cast<float>(origin[c] + shift);
    const double spread = squares[c] / count - shift * shift;
    // A NaN stays one.
    variance.floats()[c] = static_cast<float>(spread < 0 ? 0 : spread);
  }
}

}  // namespace

/** y = relu(γ·(x − μ)/√(σ² + ε) + β + residual) with the batch's μ and biased σ². */
void BatchNormTraining(Arguments& in) {
  const Tensor x = in.stored(), gamma = in.floats(), beta = in.floats(), residual = in.optional(x.dtype);
  const Tensor y = in.tensor(x.dtype), mean = in.floats(), variance = in.floats();
  const float epsilon = in.real();
  const bool relu = in.flag();
  requireVectors(x, {&gamma, &beta, &mean, &variance});
  require(x.size > 0 && y.size == x.size, "the output differs in size from the input");
  require(residual.data == nullptr || residual.size == x.size, "the residual differs in size from the input");

  const Rows rows(x.size, x.last());
  withStorage(x.dtype, [&](auto type) {
    using T = decltype(type);
    takeStatistics<T>(x, rows, mean, variance);
    std::vector<float> scale(static_cast<size_t>(x.last()));
    for (int64_t c = 0; c < x.last(); c++) {
      scale[c] = gamma.floats()[c] / std::sqrt(variance.floats()[c] + epsilon);
    }
    normalise<T>(x, residual, y, rows, mean.floats(), scale.data(), beta.floats(), relu);
  });
}

/** The same with given statistics; γ and β may be missing. */
void BatchNormInference(Arguments& in) {
  const Tensor x = in.stored(), gamma = in.optionalFloats(), beta = in.optionalFloats();
  const Tensor residual = in.optional(x.dtype);
  const Tensor mean = in.floats(), variance = in.floats(), y = in.tensor(x.dtype);
  const float epsilon = in.real();
  const bool relu = in.flag();
  requireVectors(x, {&mean, &variance});
  if (gamma.data != nullptr) requireVectors(x, {&gamma});
  if (beta.data != nullptr) requireVectors(x, {&beta});
  require(y.size == x.size, "the output differs in size from the input");
  require(residual.data == nullptr || residual.size == x.size, "the residual differs in size from the input");
  std::vector<float> scale(static_cast<size_t>(x.last()), 1.0f), shift(scale.size());
  if (gamma.data != nullptr) std::copy_n(gamma.floats(), x.last(), scale.begin());
  if (beta.data != nullptr) std::copy_n(beta.floats(), x.last(), shift.begin());
  for (int64_t c = 0; c < x.last(); c++) scale[c] /= std::sqrt(variance.floats()[c] + epsilon);
  withStorage(x.dtype, [&](auto type) {
    normalise<decltype(type)>(x, residual, y, Rows(x.size, x.last()), mean.floats(), scale.data(), shift.data(), relu);
  });
}

namespace {

/** What the gradient in training is computed from, and what it gives. */
struct Gradient {
  Tensor dy, x, mean, variance, gamma, beta, y, dx, dGamma, dBeta, dResidual;
  float epsilon;
  bool relu;
};

template <typename T>
void computeGradient(const Gradient& t) {
  const Rows rows(t.x.size, t.x.last());
  const int64_t channels = t.x.last();
  std::vector<float> inverse(static_cast<size_t>(channels)), scale(inverse.size());
  for (int64_t c = 0; c < channels; c++) {
    scale[c] = t.gamma.floats()[c] / std::sqrt(t.variance.floats()[c] + t.epsilon);
    inverse[c] = 1 / std::sqrt(t.variance.floats()[c] + t.epsilon);
  }
  const auto means = rows.widen(t.mean.floats()), scales = rows.widen(scale.data()), betas = rows.widen(t.beta.floats());
  const float *m = means.data(), *s = scales.data(), *b = betas.data();
  const T *gradient = static_cast<T*>(t.dy.data), *input = static_cast<T*>(t.x.data);
  const T* output = static_cast<T*>(t.y.data);
  T* other = static_cast<T*>(t.dResidual.data);

  // g and x − μ of element i of column c. Where the ReLU was open is told by the y that is computed again from x, or by
  // the given one if there was a residual.
  const auto termsOf = [=](auto masked, auto keeps, int64_t c, auto zero) BAG_INLINE_BODY {
    return [=, centre = get(m + c, zero), factor = get(s + c, zero),
            shift = get(b + c, zero)](int64_t i) BAG_INLINE_BODY {
      const auto centred = get(input + i, zero) - centre;
      auto g = get(gradient + i, zero);
      if constexpr (masked && keeps) g = whereAbove0(get(output + i, zero), g);
      else if constexpr (masked) g = whereAbove0(fusedMultiplyAdd(centred, factor, shift), g);
      return std::pair(g, centred);
    };
  };
  specialise(t.relu, other != nullptr, [&](auto masked, auto keeps) {
    std::vector<double> sums, products;
    const Tensor mask = masked && keeps ? t.y : Tensor();
    twoSums(
        rows, Reads(rows, {&t.dy, &t.x, &mask, &t.dResidual}),
        [=](int64_t c, auto zero) BAG_INLINE_BODY {
          return [=, terms = termsOf(masked, keeps, c, zero)](int64_t i, auto& sum, auto& product) BAG_INLINE_BODY {
            const auto [g, centred] = terms(i);
            // The second pass then finds g itself.
            if constexpr (keeps) put<false>(other + i, g);
            sum += g;
            product = fusedMultiplyAdd(g, centred, product);
          };
        },
        sums, products);

    const double count = static_cast<double>(t.x.size / channels);
    std::vector<float> ofX(static_cast<size_t>(channels)), constant(ofX.size());
    for (int64_t c = 0; c < channels; c++) {
      t.dGamma.floats()[c] = static_cast<float>(products[c] * inverse[c]);
      t.dBeta.floats()[c] = static_cast<float>(sums[c]);
      ofX[c] = static_cast<float>(-double{scale[c]} * inverse[c] * inverse[c] * products[c] / count);
      constant[c] = static_cast<float>(-double{scale[c]} * sums[c] / count);
    }
    const auto wideOfX = rows.widen(ofX.data()), wideConstant = rows.widen(constant.data());
    const float *k = wideOfX.data(), *d = wideConstant.data();
    T* to = static_cast<T*>(t.dx.data);
    const auto pass = [&](auto streaming) {
      const Reads reads(rows, {keeps ? &t.dResidual : &t.dy, &t.x});
      forEach(rows, reads, [=](int64_t c, auto zero) BAG_INLINE_BODY {
        return [=, centre = get(m + c, zero), factor = get(s + c, zero), slope = get(k + c, zero),
                shift = get(d + c, zero), terms = termsOf(masked, keeps, c, zero)](int64_t i) BAG_INLINE_BODY {
          const auto combined = [=](auto g, auto centred) BAG_INLINE_BODY {
            return fusedMultiplyAdd(g, factor, fusedMultiplyAdd(centred, slope, shift));
          };
          if constexpr (keeps) {
            put<streaming>(to + i, combined(get(other + i, zero), get(input + i, zero) - centre));
          } else {
            const auto [g, centred] = terms(i);
            put<streaming>(to + i, combined(g, centred));
          }
        };
      });
    };
    if (static_cast<int64_t>(t.dx.bytes()) >= streamingBytes) pass(std::true_type{});
    else pass(std::false_type{});
  });
}

}  // namespace

/**
 * With g = dy where y > 0, s = 1/√(σ² + ε): dγ = s·Σ g·(x − μ), dβ = Σ g, dx = γ·s·(g − dβ/n − (x − μ)·s·dγ/n),
 * dresidual = g. Without a residual the sign of y is computed again from x, which is read anyway.
 */
void BatchNormTrainingGrad(Arguments& in) {
  Gradient t;
  t.dy = in.stored();
  const DType dtype = t.dy.dtype;
  t.x = in.tensor(dtype);
  for (Tensor* one : {&t.mean, &t.variance, &t.gamma, &t.beta}) *one = in.floats();
  t.y = in.optional(dtype);
  t.dx = in.tensor(dtype);
  for (Tensor* one : {&t.dGamma, &t.dBeta}) *one = in.floats();
  t.dResidual = in.optional(dtype);
  t.epsilon = in.real();
  t.relu = in.flag();
  requireVectors(t.x, {&t.gamma, &t.beta, &t.mean, &t.variance, &t.dGamma, &t.dBeta});
  require(t.dy.size == t.x.size && t.dx.size == t.x.size, "the gradients differ in size from the input");
  require(t.dResidual.data == nullptr || t.dResidual.size == t.x.size, "the residual's gradient differs in size");
  require(!t.relu || t.dResidual.data == nullptr || t.y.size == t.x.size,
          "expected the output to tell where the ReLU is open");
  withStorage(dtype, [&](auto type) { computeGradient<decltype(type)>(t); });
}

/** running ← (1 − m)·running + m·batch, of a mean and of a variance, which is taken times n/(n − 1) first. */
void RunningStatistics(Arguments& in) {
  const Tensor runningMean = in.floats(), runningVariance = in.floats(), mean = in.floats(), variance = in.floats();
  const Tensor nextMean = in.floats(), nextVariance = in.floats();
  const float momentum = in.real(), unbiased = in.real();
  const int64_t channels = mean.size;
  for (const auto* t : {&runningMean, &runningVariance, &variance, &nextMean, &nextVariance}) {
    require(t->size == channels, "the statistics differ in size");
  }
  const auto blend = [=](const Tensor& running, const Tensor& batch, float scale, const Tensor& next) {
    for (int64_t c = 0; c < channels; c++) {
      next.floats()[c] = running.floats()[c] * (1 - momentum) + batch.floats()[c] * scale * momentum;
    }
  };
  blend(runningMean, mean, 1, nextMean);
  blend(runningVariance, variance, unbiased, nextVariance);
}

}  // namespace bag
