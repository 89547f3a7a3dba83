#include <vector>

#include "half.h"
#include "kernels.h"
#include "parallel.h"

namespace bag {

namespace {

/** p, g, v and what becomes of them; a copy of p' in 16 bits where that is asked for. */
struct Update {
  Tensor parameter, gradient, velocity, next, nextVelocity, copy;
  float rate, momentum, decay, scale;
  bool nesterov;
};

template <bool streaming, typename Half>
void update(const Update& u) {
  const float *p = u.parameter.floats(), *g = u.gradient.floats(), *v = u.velocity.floats();
  float *to = u.next.floats(), *toVelocity = u.nextVelocity.floats();
  Half* copy = static_cast<Half*>(u.copy.data);
  const float scale = u.scale, decay = u.decay, momentum = u.momentum, rate = u.rate;
  const float ofG = u.nesterov ? 1 : 0, ofV = u.nesterov ? momentum : 1;
  const auto one = [=](int64_t i, auto zero) {
    const auto old = get(p + i, zero), total = scale * get(g + i, zero) + decay * old;
    const auto moved = momentum * get(v + i, zero) + total, next = old - rate * (ofG * total + ofV * moved);
    put<streaming>(toVelocity + i, moved);
    put<streaming>(to + i, next);
    if constexpr (!std::is_same_v<Half, float>) put<streaming>(copy + i, next);
  };
  parallelFor(u.parameter.size, 1, [=](int64_t from, int64_t end) {
    int64_t i = from;
    for (; i + lanes <= end; i += lanes) one(i, Vector{});
    for (; i < end; i++) one(i, 0.0f);
    fence();
  }, 4 * lanes);
}

}  // namespace

/**
 * g' = s·g + λ·p; v' = μ·v + g'; p' = p − η·(g' + μ·v') with Nesterov, else p − η·v'. One pass, into fresh memory: what
 * hangs on the old weight stays true of it.
 */
void SgdUpdate(Arguments& in) {
  Update u;
  for (Tensor* t : {&u.parameter, &u.gradient, &u.velocity, &u.next, &u.nextVelocity}) *t = in.floats();
  const bool copied = in.flag();
  if (copied) u.copy = in.stored();
  for (float* value : {&u.rate, &u.momentum, &u.decay, &u.scale}) *value = in.real();
  u.nesterov = in.flag();
  for (const auto* t : {&u.gradient, &u.velocity, &u.next, &u.nextVelocity}) {
    require(t->size == u.parameter.size, "the tensors differ in size");
  }
  require(!copied || (u.copy.size == u.parameter.size && isHalf(u.copy.dtype)),
          "expected a copy of this size in 16 bits");
  // The weights together are larger than the cache, even where each is not.
  const bool streaming = u.parameter.bytes() >= 1 << 20;
  withStorage(u.copy.dtype, [&](auto type) {
    using Half = decltype(type);
    if (streaming) update<true, Half>(u);
    else update<false, Half>(u);
  });
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
