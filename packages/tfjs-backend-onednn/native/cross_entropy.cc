// Cross-entropy with softmax and label smoothing, of class numbers or of probabilities, in one pass over each row.
#include <cmath>

#include "kernels.h"
#include "parallel.h"
#include "softmax.h"

namespace bag {

namespace {

/** The target distribution is q = off + (on − off)·p: p is 1 at the label, or given for each class. */
struct Targets {
  Tensor labels;
  double on, off;
  int64_t classes;

  Targets(Arguments& in, const Tensor& logits) : labels(in.tensor()), classes(logits.dim(1)) {
    on = in.number();
    off = in.number();
    if (labels.rank == 1) {
      require(labels.dtype == DType::int32 && labels.size == logits.dim(0), "expected one class number for each row");
    } else {
      require(labels.dtype == DType::float32 && labels.sameShape(logits), "expected a probability for each class");
    }
  }

  bool given() const { return labels.rank != 1; }
  const float* row(int64_t i) const { return labels.floats() + i * classes; }
  /** The class of a row; −1 where it is none. */
  int64_t label(int64_t i) const {
    const int64_t value = labels.ints()[i];
    return value >= 0 && value < classes ? value : -1;
  }
};

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/** Σ q·(normaliser − (z − largest)); a class with q = 0 costs nothing, however impossible it is. */
double lossOf(const Targets& targets, int64_t row, const float* z, float largest, double normaliser) {
  const double on = targets.on, off = targets.off;
  const auto cost = [=](int64_t k) { return normaliser - (double{z[k]} - largest); };
  double sum = 0;
  if (targets.given()) {
    const float* p = targets.row(row);
#pragma omp simd reduction(+ : sum)
    for (int64_t k = 0; k < targets.classes; k++) {
      const double q = off + (on - off) * p[k], term = q * cost(k);
      sum += q == 0 ? 0 : term;
    }
    return sum;
  }
  const int64_t label = targets.label(row);
  if (label < 0) return nan;
  if (off == 0) return on * cost(label);
#pragma omp simd reduction(+ : sum)
  for (int64_t k = 0; k < targets.classes; k++) sum += cost(k);
  // Not on − off at the label: where its cost is infinite, so is the loss.
  return off * (sum - cost(label)) + on * cost(label);
}

}  // namespace

/** loss = −Σ q·log softmax(z), and log Σ exp(z), one number each for a row. */
void CrossEntropy(Arguments& in) {
  const Tensor logits = in.floats();
  require(logits.rank == 2, "expected logits of shape [batch, classes]");
  const Targets targets(in, logits);
  const Tensor loss = in.floats(), logSumExp = in.floats();
  require(loss.size == logits.dim(0) && logSumExp.size == loss.size, "expected one result for each row");
  parallelFor(loss.size, 4 * targets.classes, [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) {
      const float* z = logits.floats() + row * targets.classes;
      const float largest = largestOf(z, targets.classes);
      const double normaliser = std::log(sumOfExponentials(z, targets.classes, largest, nullptr));
      loss.floats()[row] = static_cast<float>(lossOf(targets, row, z, largest, normaliser));
      logSumExp.floats()[row] = static_cast<float>(largest + normaliser);
    }
  });
}

/** dz = dy·(Σq·softmax(z) − q). */
void CrossEntropyGradient(Arguments& in) {
  const Tensor dy = in.floats(), logits = in.floats();
  require(logits.rank == 2, "expected logits of shape [batch, classes]");
  const Targets targets(in, logits);
  const Tensor logSumExp = in.floats(), dz = in.floats();
  require(dy.size == logits.dim(0) && logSumExp.size == dy.size, "expected one number for each row");
  require(dz.sameShape(logits), "the gradient differs in shape from the logits");
  const int64_t classes = targets.classes;
  parallelFor(dy.size, 4 * classes, [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) {
      const float* z = logits.floats() + row * classes;
      float* result = dz.floats() + row * classes;
      // The normaliser is rounded, by much where logits are large: what the softmax then adds up to is divided out.
      const double sum = sumOfExponentials(z, classes, logSumExp.floats()[row], result);
      const double scale = dy.floats()[row], on = targets.on, off = targets.off;
      const Vector ofOff = splat(static_cast<float>(off));
      if (targets.given()) {
        const float* p = targets.row(row);
        double mass = 0;
#pragma omp simd reduction(+ : mass)
        for (int64_t k = 0; k < classes; k++) mass += p[k];
        const Vector factor = splat(static_cast<float>((off * classes + (on - off) * mass) / sum));
        const Vector slope = splat(static_cast<float>(on - off));
        forVectors(classes, [&](int64_t k, int64_t count) {
          const Vector q = fusedMultiplyAdd(loadUpTo(p + k, count, 0), slope, ofOff);
          const Vector difference = loadUpTo(result + k, count, 0) * factor - q;
          storeUpTo(result + k, difference * static_cast<float>(scale), count);
        });
        continue;
      }
      const int64_t label = targets.label(row);
      const double mass = label < 0 ? nan : on + off * static_cast<double>(classes - 1);
      const Vector factor = splat(static_cast<float>(mass / sum));
      const float atLabel = label < 0 ? 0 : result[label];
      forVectors(classes, [&](int64_t k, int64_t count) {
        storeUpTo(result + k, (loadUpTo(result + k, count, 0) * factor - ofOff) * static_cast<float>(scale), count);
      });
      if (label >= 0) result[label] = static_cast<float>(scale * (mass / sum * atLabel - on));
    }
  });
}

}  // namespace bag
