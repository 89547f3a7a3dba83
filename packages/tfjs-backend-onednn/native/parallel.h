// Loops over threads. Work is cut into the same pieces for the same number of threads, so results do not vary.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <exception>

namespace bag {

/** What a thread threw, to be thrown again where all of them have ended: an exception must not leave a parallel region. */
class Failure {
 public:
  template <typename Function>
  void guard(Function function) {
    try {
      function();
    } catch (...) {
#pragma omp critical(bag_failure)
      first_ = std::current_exception();
    }
  }
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::exception_ptr first_;
};

/** Elements below which waking other threads costs more than it saves. */
constexpr int64_t grain = 16384;

/**
 * Calls body(from, to) for contiguous pieces of [0, count), one per thread. `cost` is the number of elements that one
 * index stands for; pieces begin at multiples of `step`.
 */
template <typename Body>
void parallelFor(int64_t count, int64_t cost, Body body, int64_t step = 1) {
  if (count <= 0) return;
  const int64_t most = std::max<int64_t>(1, count * std::max<int64_t>(cost, 1) / grain);
  const int threads = static_cast<int>(std::min<int64_t>({most, omp_get_max_threads(), (count + step - 1) / step}));
  if (threads == 1) {
    body(int64_t{0}, count);
    return;
  }
  const int64_t steps = (count + step - 1) / step;
  Failure failure;
#pragma omp parallel num_threads(threads)
  {
    // The system may give fewer threads than were asked for.
    const int64_t team = omp_get_num_threads(), me = omp_get_thread_num();
    const int64_t from = steps * me / team * step, to = std::min(count, steps * (me + 1) / team * step);
    if (from < to) failure.guard([&] { body(from, to); });
  }
  failure.rethrow();
}

/** As parallelFor, and tells the body which thread it is: body(thread, from, to). Returns how many threads ran. */
template <typename Body>
int parallelParts(int64_t count, int64_t cost, Body body) {
  const int64_t most = std::max<int64_t>(1, count * std::max<int64_t>(cost, 1) / grain);
  const int threads = static_cast<int>(std::min<int64_t>({most, omp_get_max_threads(), std::max<int64_t>(count, 1)}));
  if (threads == 1) {
    body(0, int64_t{0}, count);
    return 1;
  }
  int team = 1;
  Failure failure;
#pragma omp parallel num_threads(threads)
  {
    const int size = omp_get_num_threads(), me = omp_get_thread_num();
#pragma omp single
    team = size;
    failure.guard([&] { body(me, count * me / size, count * (me + 1) / size); });
  }
  failure.rethrow();
  return team;
}

}  // namespace bag
