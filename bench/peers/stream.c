// A stream through memory: for each line `copy`, `add` or `sum`, one pass over arrays of the given number of MiB, on all
// threads. Answers with the milliseconds.
#define _DEFAULT_SOURCE
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

int main(int argc, char** argv) {
  const size_t bytes = (size_t)(argc > 1 ? atoi(argv[1]) : 64) << 20, count = bytes / sizeof(float);
  float* arrays[3];
  for (int i = 0; i < 3; i++) {
    if (posix_memalign((void**)&arrays[i], 2 << 20, bytes)) return 1;
#ifdef __linux__
    // As the engine does for its memory, so that both sides have huge pages where the system gives them.
    madvise(arrays[i], bytes, MADV_HUGEPAGE);
#endif
#pragma omp parallel for
    for (size_t k = 0; k < count; k++) arrays[i][k] = (float)(k % 97);
  }
  float *a = arrays[0], *b = arrays[1], *c = arrays[2];
  char line[64];
  volatile float sink;
  while (fgets(line, sizeof line, stdin)) {
    const double start = omp_get_wtime();
    if (!strncmp(line, "copy", 4)) {
#pragma omp parallel
      {
        const size_t team = omp_get_num_threads(), me = omp_get_thread_num();
        const size_t from = count * me / team, to = count * (me + 1) / team;
        memcpy(c + from, a + from, (to - from) * sizeof(float));
      }
    } else if (!strncmp(line, "add", 3)) {
#pragma omp parallel for simd
      for (size_t k = 0; k < count; k++) c[k] = a[k] + b[k];
    } else {
      float sum = 0;
#pragma omp parallel for simd reduction(+ : sum)
      for (size_t k = 0; k < count; k++) sum += a[k];
      sink = sum;
    }
    printf("{\"ms\":%f}\n", (omp_get_wtime() - start) * 1e3);
    fflush(stdout);
  }
  (void)sink;
  return 0;
}
