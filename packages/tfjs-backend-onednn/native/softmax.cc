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
  // A row that is made beside the result can be written past the cache, where the result is larger than that.
  constexpr int64_t most = 4096;
  const bool streaming =
      !logarithm && static_cast<int64_t>(y.bytes()) >= streamingBytes && length <= most && length % lanes == 0;
  parallelFor(x.size / length, 2 * length, [=](int64_t first, int64_t end) {
    alignas(64) float beside[most];
    for (int64_t row = first; row < end; row++) {
      const float* from = x.floats() + row * length;
      float *to = y.floats() + row * length, *terms = streaming ? beside : to;
      const float largest = largestOf(from, length);
      if (logarithm) {
        const Vector shift = splat(static_cast<float>(std::log(sumOfExponentials(from, length, largest, nullptr))));
        forVectors(length, [&](int64_t i, int64_t count) {
          storeUpTo(to + i, loadUpTo(from + i, count, 0) - largest - shift, count);
        });
        continue;
      }
      const Vector factor = splat(static_cast<float>(1 / sumOfExponentials(from, length, largest, terms)));
      if (streaming) {
        for (int64_t i = 0; i < length; i += lanes) storeStreaming(to + i, load(terms + i) * factor);
      } else {
        forVectors(length, [&](int64_t i, int64_t count) {
          storeUpTo(to + i, loadUpTo(terms + i, count, 0) * factor, count);
        });
      }
    }
    if (streaming) fence();
  });
}

}  // namespace bag
