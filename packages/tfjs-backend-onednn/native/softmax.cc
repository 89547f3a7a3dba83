#include "softmax.h"

#include <cmath>

#include "kernels.h"
#include "parallel.h"

namespace bag {

/** Of each row of the last axis exp(x − max) / Σ exp(x − max), or x − max − log Σ exp(x − max). */
void Softmax(Arguments& in) {
  const Tensor x = in.floats(), y = in.floats();
  const bool logarithm = in.flag();
  require(x.rank > 0 && x.sameShape(y), "expected rows, and an output of their shape");
  if (x.size == 0) return;
  const int64_t length = x.last();
  parallelFor(x.size / length, 2 * length, [=](int64_t first, int64_t end) {
    for (int64_t row = first; row < end; row++) {
      const float* from = x.floats() + row * length;
      float* to = y.floats() + row * length;
      const float largest = largestOf(from, length);
      if (logarithm) {
        const double sum = sumOfExponentials(from, length, largest, [](int64_t, Vector, int64_t) {});
        const Vector shift = splat(static_cast<float>(std::log(sum)));
        forVectors(length, [&](int64_t i, int64_t count) {
          storeUpTo(to + i, loadUpTo(from + i, count, 0) - largest - shift, count);
        });
      } else {
        const double sum = sumOfExponentials(
            from, length, largest, [=](int64_t i, Vector term, int64_t count) { storeUpTo(to + i, term, count); });
        const Vector factor = splat(static_cast<float>(1 / sum));
        forVectors(length, [&](int64_t i, int64_t count) {
          storeUpTo(to + i, loadUpTo(to + i, count, 0) * factor, count);
        });
      }
    }
  });
}

}  // namespace bag
