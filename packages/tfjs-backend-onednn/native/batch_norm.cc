// Batch normalisation in training, with the residual and the ReLU that follow it, and its gradient. Both are bound by
// memory, so what counts is how often an activation is read and written: forward twice and once, backward twice and once.
#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels.h"
#include "parallel.h"
#include "simd.h"

namespace bag {

namespace {

/**
 * Rows of C channels seen as rows of a width that is a multiple of the vector's, several of the original ones each: each
 * column is still one channel. What is left over is `rest` original rows at the end.
 */
struct Rows {
  int64_t channels, fold, width, count, rest;

  Rows(int64_t size, int64_t channels) : channels(channels) {
    fold = lanes / std::gcd(channels, lanes);
    while (channels * fold < 64) fold *= 2;
    width = channels * fold;
    const int64_t rows = channels == 0 ? 0 : size / channels;
    count = rows / fold;
    rest = rows % fold;
  }

  /** A vector of the channels, repeated to the width. */
  std::vector<float> widen(const float* values) const {
    std::vector<float> result(static_cast<size_t>(width));
    for (int64_t i = 0; i < width; i++) result[i] = values[i % channels];
    return result;
  }
};

/** Rows that are summed in single precision before they are added to the double one. */
constexpr int64_t block = 64;

/** Two sums per channel, in double precision, of terms that `term(i, c)` gives: i into the tensor, c into the width. */
template <typename Terms>
void twoSums(const Rows& rows, Terms terms, std::vector<double>& first, std::vector<double>& second) {
  const int64_t width = rows.width, channels = rows.channels;
  const int most = omp_get_max_threads();
  std::vector<double> sums(static_cast<size_t>(most * 2 * width), 0.0);
  const int parts = parallelParts(rows.count, width, [&](int thread, int64_t from, int64_t to) {
    double* total = &sums[static_cast<size_t>(thread) * 2 * width];
    std::vector<float> partial(static_cast<size_t>(2 * width));
    float *a = partial.data(), *b = a + width;
    for (int64_t start = from; start < to; start += block) {
      const int64_t end = std::min(start + block, to);
      std::fill(partial.begin(), partial.end(), 0.0f);
      int64_t row = start;
      for (; row + 4 <= end; row += 4) {
        for (int64_t c = 0; c < width; c += lanes) {
          Vector s = load(a + c), q = load(b + c);
          for (int64_t r = 0; r < 4; r++) terms((row + r) * width + c, c, s, q);
          store(a + c, s);
          store(b + c, q);
        }
      }
      for (; row < end; row++) {
        for (int64_t c = 0; c < width; c += lanes) {
          Vector s = load(a + c), q = load(b + c);
          terms(row * width + c, c, s, q);
          store(a + c, s);
          store(b + c, q);
        }
      }
      for (int64_t c = 0; c < 2 * width; c++) total[c] += partial[c];
    }
  });
  first.assign(static_cast<size_t>(channels), 0.0);
  second.assign(static_cast<size_t>(channels), 0.0);
  for (int part = 0; part < parts; part++) {
    const double* total = &sums[static_cast<size_t>(part) * 2 * width];
    for (int64_t c = 0; c < width; c++) {
      first[c % channels] += total[c];
      second[c % channels] += total[width + c];
    }
  }
  // The rest, one value at a time.
  const int64_t start = rows.count * width;
  for (int64_t i = 0; i < rows.rest * channels; i++) {
    float s = 0, q = 0;
    terms(start + i, i % channels, s, q);
    first[i % channels] += s;
    second[i % channels] += q;
  }
}

/** Applies `body(i, c)`, a vector or a single value at a time, to all elements; backwards, so that the end of the pass
 *  before is still in the cache. */
template <typename Body>
void forEach(const Rows& rows, Body body) {
  parallelFor(rows.count, rows.width, [&](int64_t from, int64_t to) {
    for (int64_t end = to; end > from;) {
      const int64_t start = std::max(from, end - block);
      for (int64_t row = start; row < end; row++) {
        for (int64_t c = 0; c < rows.width; c += lanes) body(row * rows.width + c, c, Vector{});
      }
      end = start;
    }
    fence();
  });
  const int64_t start = rows.count * rows.width;
  for (int64_t i = 0; i < rows.rest * rows.channels; i++) body(start + i, i % rows.channels, 0.0f);
}

inline void get(const float* p, Vector& v) { v = load(p); }
inline void get(const float* p, float& v) { v = *p; }
template <bool streaming>
inline void put(float* p, Vector v) {
  if constexpr (streaming) storeStreaming(p, v);
  else store(p, v);
}
template <bool streaming>
inline void put(float* p, float v) {
  *p = v;
}

/** Hands compile-time booleans to a function, one combination of four. */
template <typename Function>
void specialise(bool a, bool b, Function function) {
  if (a && b) function(std::true_type{}, std::true_type{});
  else if (a) function(std::true_type{}, std::false_type{});
  else if (b) function(std::false_type{}, std::true_type{});
  else function(std::false_type{}, std::false_type{});
}

void normalise(const Tensor& x, const Tensor& residual, const Tensor& y, const Rows& rows, const float* mean,
               const float* scale, const float* beta, bool relu) {
  const auto means = rows.widen(mean), scales = rows.widen(scale), betas = rows.widen(beta);
  const float *from = x.floats(), *other = residual.floats();
  float* to = y.floats();
  const float *m = means.data(), *s = scales.data(), *b = betas.data();
  const auto pass = [&](auto streaming, auto withResidual) {
    forEach(rows, [=](int64_t i, int64_t c, auto zero) {
      decltype(zero) value, centre, factor, shift;
      get(from + i, value);
      get(m + c, centre);
      get(s + c, factor);
      get(b + c, shift);
      value = fusedMultiplyAdd(value - centre, factor, shift);
      if constexpr (withResidual) {
        decltype(zero) more;
        get(other + i, more);
        value += more;
      }
      put<streaming>(to + i, relu ? rectified(value) : value);
    });
  };
  specialise(y.size * 4 >= streamingBytes, other != nullptr, pass);
}

void requireVectors(const Tensor& x, std::initializer_list<const Tensor*> vectors) {
  require(x.rank >= 1 && x.last() > 0, "expected values to normalise");
  for (const auto* t : vectors) require(t->size == x.last(), "a vector does not fit the channels");
}

}  // namespace

/** y = relu(γ·(x − μ)/√(σ² + ε) + β + residual) with the batch's μ and biased σ², summed about the first row. */
void BatchNormTraining(Arguments& in) {
  const Tensor x = in.floats(), gamma = in.floats(), beta = in.floats(), residual = in.optionalFloats();
  const Tensor y = in.floats(), mean = in.floats(), variance = in.floats();
  const float epsilon = in.real();
  const bool relu = in.flag();
  requireVectors(x, {&gamma, &beta, &mean, &variance});
  require(x.size > 0 && y.size == x.size, "the output differs in size from the input");
  require(residual.data == nullptr || residual.size == x.size, "the residual differs in size from the input");

  const Rows rows(x.size, x.last());
  const auto origins = rows.widen(x.floats());
  const float *values = x.floats(), *origin = origins.data();
  std::vector<double> sums, squares;
  twoSums(
      rows,
      [=](int64_t i, int64_t c, auto& s, auto& q) {
        std::decay_t<decltype(s)> value, pivot;
        get(values + i, value);
        get(origin + c, pivot);
        value -= pivot;
        s += value;
        q = fusedMultiplyAdd(value, value, q);
      },
      sums, squares);

  const double count = static_cast<double>(x.size / x.last());
  std::vector<float> scale(static_cast<size_t>(x.last()));
  for (int64_t c = 0; c < x.last(); c++) {
    const double shift = sums[c] / count;
    mean.floats()[c] = static_cast<float>(origin[c] + shift);
    const double spread = squares[c] / count - shift * shift;
    // A NaN stays one.
    variance.floats()[c] = static_cast<float>(spread < 0 ? 0 : spread);
    scale[c] = gamma.floats()[c] / std::sqrt(variance.floats()[c] + epsilon);
  }
  normalise(x, residual, y, rows, mean.floats(), scale.data(), beta.floats(), relu);
}

/** The same with given statistics; γ and β may be missing. */
void BatchNormInference(Arguments& in) {
  const Tensor x = in.floats(), gamma = in.optionalFloats(), beta = in.optionalFloats();
  const Tensor residual = in.optionalFloats();
  const Tensor mean = in.floats(), variance = in.floats(), y = in.floats();
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
  normalise(x, residual, y, Rows(x.size, x.last()), mean.floats(), scale.data(), shift.data(), relu);
}

/**
 * With g = dy where y > 0, s = 1/√(σ² + ε): dγ = s·Σ g·(x − μ), dβ = Σ g, dx = γ·s·(g − dβ/n − (x − μ)·s·dγ/n),
 * dresidual = g. Without a residual the sign of y is computed again from x, which is read anyway.
 */
void BatchNormTrainingGrad(Arguments& in) {
  const Tensor dy = in.floats(), x = in.floats(), mean = in.floats(), variance = in.floats(), gamma = in.floats();
  const Tensor beta = in.floats(), y = in.optionalFloats();
  const Tensor dx = in.floats(), dGamma = in.floats(), dBeta = in.floats(), dResidual = in.optionalFloats();
  const float epsilon = in.real();
  const bool relu = in.flag();
  requireVectors(x, {&gamma, &beta, &mean, &variance, &dGamma, &dBeta});
  require(dy.size == x.size && dx.size == x.size, "the gradients differ in size from the input");
  require(dResidual.data == nullptr || dResidual.size == x.size, "the residual's gradient differs in size");
  require(!relu || dResidual.data == nullptr || y.size == x.size, "expected the output to tell where the ReLU is open");

  const Rows rows(x.size, x.last());
  const int64_t channels = x.last();
  std::vector<float> inverse(static_cast<size_t>(channels)), scale(inverse.size());
  for (int64_t c = 0; c < channels; c++) {
    scale[c] = gamma.floats()[c] / std::sqrt(variance.floats()[c] + epsilon);
    inverse[c] = 1 / std::sqrt(variance.floats()[c] + epsilon);
  }
  const auto means = rows.widen(mean.floats()), scales = rows.widen(scale.data()), betas = rows.widen(beta.floats());
  const float *m = means.data(), *s = scales.data(), *b = betas.data();
  const float *gradient = dy.floats(), *input = x.floats(), *output = y.floats();
  float* other = dResidual.floats();

  // How g comes about: 0 dy itself; 1 masked by the y that is computed again; 2 masked by the y that is given.
  const int mask = !relu ? 0 : other != nullptr ? 2 : 1;
  const auto maskedBy = [=](auto kind, int64_t i, int64_t c, auto& g, auto& centred) {
    std::decay_t<decltype(g)> centre;
    get(gradient + i, g);
    get(input + i, centred);
    get(m + c, centre);
    centred -= centre;
    if constexpr (kind == 1) {
      std::decay_t<decltype(g)> factor, shift;
      get(s + c, factor);
      get(b + c, shift);
      g = whereAbove0(fusedMultiplyAdd(centred, factor, shift), g);
    } else if constexpr (kind == 2) {
      std::decay_t<decltype(g)> value;
      get(output + i, value);
      g = whereAbove0(value, g);
    }
  };
  const auto run = [&](auto kind) {
    std::vector<double> sums, products;
    twoSums(
        rows,
        [=](int64_t i, int64_t c, auto& sum, auto& product) {
          std::decay_t<decltype(sum)> g, centred;
          maskedBy(kind, i, c, g, centred);
          // The second pass then finds g itself.
          if (other != nullptr) put<false>(other + i, g);
          sum += g;
          product = fusedMultiplyAdd(g, centred, product);
        },
        sums, products);

    const double count = static_cast<double>(x.size / channels);
    std::vector<float> ofX(static_cast<size_t>(channels)), constant(ofX.size());
    for (int64_t c = 0; c < channels; c++) {
      dGamma.floats()[c] = static_cast<float>(products[c] * inverse[c]);
      dBeta.floats()[c] = static_cast<float>(sums[c]);
      ofX[c] = static_cast<float>(-double{scale[c]} * inverse[c] * inverse[c] * products[c] / count);
      constant[c] = static_cast<float>(-double{scale[c]} * sums[c] / count);
    }
    const auto wideOfX = rows.widen(ofX.data()), wideConstant = rows.widen(constant.data());
    const float *k = wideOfX.data(), *d = wideConstant.data();
    float* to = dx.floats();
    specialise(dx.size * 4 >= streamingBytes, other != nullptr, [&](auto streaming, auto known) {
      forEach(rows, [=](int64_t i, int64_t c, auto zero) {
        decltype(zero) g, centred, factor, slope, shift;
        if constexpr (known) {
          get(other + i, g);
          get(input + i, centred);
          get(m + c, factor);
          centred -= factor;
        } else {
          maskedBy(kind, i, c, g, centred);
        }
        get(s + c, factor);
        get(k + c, slope);
        get(d + c, shift);
        put<streaming>(to + i, fusedMultiplyAdd(g, factor, fusedMultiplyAdd(centred, slope, shift)));
      });
    });
  };
  if (mask == 0) run(std::integral_constant<int, 0>{});
  else if (mask == 1) run(std::integral_constant<int, 1>{});
  else run(std::integral_constant<int, 2>{});
}

}  // namespace bag
