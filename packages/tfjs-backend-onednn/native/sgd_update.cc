#include <vector>

#include "kernels.h"
#include "parallel.h"

namespace bag {

/**
 * g' = s·g + λ·p; v' = μ·v + g'; p' = p − η·(g' + μ·v') with Nesterov, else p − η·v'. One pass, into fresh memory: what
 * hangs on the old weight stays true of it.
 */
void SgdUpdate(Arguments& in) {
  const Tensor parameter = in.floats(), gradient = in.floats(), velocity = in.floats();
  const Tensor next = in.floats(), nextVelocity = in.floats();
  const float rate = in.real(), momentum = in.real(), decay = in.real(), scale = in.real();
  const bool nesterov = in.flag();
  for (const auto* t : {&gradient, &velocity, &next, &nextVelocity}) {
    require(t->size == parameter.size, "the tensors differ in size");
  }
  const float *p = parameter.floats(), *g = gradient.floats(), *v = velocity.floats();
  float *__restrict to = next.floats(), *__restrict toVelocity = nextVelocity.floats();
  const float ofG = nesterov ? 1 : 0, ofV = nesterov ? momentum : 1;
  parallelFor(parameter.size, 1, [=](int64_t from, int64_t end) {
#pragma omp simd
    for (int64_t i = from; i < end; i++) {
      const float total = scale * g[i] + decay * p[i];
      const float moved = momentum * v[i] + total;
      toVelocity[i] = moved;
      to[i] = p[i] - rate * (ofG * total + ofV * moved);
    }
  }, 16);
}

/** Writes 1 where every value of every tensor is finite, else 0. */
void AllFinite(Arguments& in) {
  const Tensor result = in.floats();
  require(result.size == 1, "expected one number for the result");
  const int64_t count = in.integer(0, 1 << 14);
  bool finite = true;
  std::vector<int32_t> found(static_cast<size_t>(omp_get_max_threads()), 0);
  for (int64_t n = 0; n < count; n++) {
    const Tensor x = in.floats();
    const int32_t* bits = x.ints();
    parallelParts(x.size, 1, [&](int thread, int64_t from, int64_t to) {
      int32_t any = 0;
#pragma omp simd reduction(| : any)
      for (int64_t i = from; i < to; i++) any |= (bits[i] & 0x7f800000) == 0x7f800000;
      found[static_cast<size_t>(thread)] |= any;
    });
  }
  for (const int32_t any : found) finite = finite && any == 0;
  result.floats()[0] = finite ? 1 : 0;
}

}  // namespace bag
