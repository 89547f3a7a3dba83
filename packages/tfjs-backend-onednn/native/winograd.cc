#include "winograd.h"

#include <algorithm>

#include "allocator.h"
#include "parallel.h"
#include "simd.h"
#include "transpose_block.h"
#include "winograd_tiles.h"

namespace bag::winograd {

namespace {

using Transformed = Vector[positions];

/** G along one axis: from three vectors to four, which are `step` apart. */
inline void expand(const Vector* g, Vector* u, int step) {
  const Vector half = (g[0] + g[2 * step]) * 0.5f, middle = g[step] * 0.5f;
  u[0] = g[0];
  u[step] = half + middle;
  u[2 * step] = half - middle;
  u[3 * step] = g[2 * step];
}

/** Gᵀ along one axis: from four vectors to three. */
inline void contract(const Vector* s, Vector* g, int step) {
  const Vector sum = (s[step] + s[2 * step]) * 0.5f;
  g[0] = s[0] + sum;
  g[step] = (s[step] - s[2 * step]) * 0.5f;
  g[2 * step] = sum + s[3 * step];
}

/** G g Gᵀ of eight filters. `g` and `u` are rows of four. */
inline void expand(const Vector g[12], Transformed u) {
  for (int column = 0; column < 3; column++) expand(g + column, u + column, 4);
  for (int row = 0; row < 16; row += 4) {
    const Vector three[3] = {u[row], u[row + 1], u[row + 2]};
    expand(three, u + row, 1);
  }
}

/** Turning a filter exchanges the first and the last row, and column, of its transform. */
constexpr int turned(int position) {
  constexpr int swapped[4] = {3, 1, 2, 0};
  return swapped[position / 4] * 4 + swapped[position % 4];
}

/** Loads filter[u, v, c, o … o + 7]. */
inline void loadFilters(const float* filter, int64_t channels, int64_t outChannels, int64_t c, int64_t o, Vector g[12]) {
  for (int u = 0; u < 3; u++) {
    for (int v = 0; v < 3; v++) g[u * 4 + v] = load(filter + ((u * 3 + v) * channels + c) * outChannels + o);
  }
}

}  // namespace

// The bounds are measured, on two cores with AVX-512: below them oneDNN's direct way was as fast or faster.
bool pays([[maybe_unused]] const Shape& s) {
#if defined(__AVX2__)
  if (s.channels % panel != 0 || s.outChannels % panel != 0) return false;
  // Where the images are small, much of their last tiles lies outside.
  const int64_t computed = 4 * s.tileRows() * s.tileColumns();
  return s.tiles() / omp_get_max_threads() >= 64 && 10 * s.outHeight * s.outWidth >= 6 * computed;
#else
  return false;
#endif
}

bool filterGradientPays(const Shape& s) {
  // Every thread adds up matrices of its own: they are to be few beside the work, and their memory beside the images'.
  const int64_t threads = omp_get_max_threads(), filter = s.channels * s.outChannels;
  const int64_t images = s.batch * (s.height * s.width * s.channels + s.outHeight * s.outWidth * s.outChannels);
  return pays(s) && s.tiles() / threads >= filter / 1024 && threads * positions * filter <= 4 * images;
}

void transformFilter(const float* filter, int64_t channels, int64_t outChannels, float* transformed) {
  const int64_t position = matrixStride(channels, outChannels);
  parallelFor(channels, 25 * outChannels, [=](int64_t from, int64_t to) {
    for (int64_t c = from; c < to; c++) {
      for (int64_t o = 0; o < outChannels; o += lanes) {
        Vector g[12];
        Transformed u;
        loadFilters(filter, channels, outChannels, c, o, g);
        expand(g, u);
        float* target = transformed + (o / panel * channels + c) * panel + o % panel;
        for (int p = 0; p < positions; p++) store(target + p * position, u[p]);
      }
    }
  });
}

void transformTurnedFilter(const float* filter, int64_t channels, int64_t outChannels, float* transformed) {
  const int64_t position = matrixStride(channels, outChannels);
  parallelFor(channels / panel, 25 * outChannels * panel, [=](int64_t from, int64_t to) {
    for (int64_t index = from; index < to; index++) {
      for (int64_t o = 0; o < outChannels; o += lanes) {
        alignas(64) float rows[positions][panel][lanes];
        for (int64_t c = 0; c < panel; c++) {
          Vector g[12];
          Transformed u;
          loadFilters(filter, channels, outChannels, index * panel + c, o, g);
          expand(g, u);
          for (int p = 0; p < positions; p++) store(rows[p][c], u[p]);
        }
        for (int p = 0; p < positions; p++) {
          float* target = transformed + turned(p) * position + (index * outChannels + o) * panel;
          transposeBlock(reinterpret_cast<const uint32_t*>(rows[p]), lanes, reinterpret_cast<uint32_t*>(target), panel,
                         lanes, panel, false);
        }
      }
    }
  });
}

void convolve(const Shape& shape, const float* x, const float* transformed, const float* bias, float* y) {
  const int64_t threads = omp_get_max_threads(), tiles = tilesAtOnce(shape, threads);
  const int64_t each = Workspace::floats(shape, tiles);
  const Scratch scratch(threads * each * sizeof(float));
  const auto run = tileKernels().convolve;
  parallelParts(shape.tiles(), shape.channels * shape.outChannels, [&](int thread, int64_t from, int64_t to) {
    const Workspace workspace(scratch.floats() + thread * each, shape, tiles);
    for (; from < to; from += tiles) run(shape, workspace, x, transformed, bias, y, from, std::min(from + tiles, to));
  });
}

void filterGradient(const Shape& shape, const float* x, const float* dy, float* dFilter) {
  const int64_t channels = shape.channels, outChannels = shape.outChannels;
  const int64_t position = matrixStride(channels, outChannels), filter = channels * outChannels;
  const int64_t threads = omp_get_max_threads(), tiles = tilesAtOnce(shape, threads);
  const int64_t each = Workspace::floats(shape, tiles);
  const Scratch scratch(threads * each * sizeof(float));
  const Scratch sums(threads * positions * position * sizeof(float));
  const auto run = tileKernels().filterGradient;
  const int team = parallelParts(shape.tiles(), filter, [&](int thread, int64_t from, int64_t to) {
    const Workspace workspace(scratch.floats() + thread * each, shape, tiles);
    float* sum = sums.floats() + thread * positions * position;
    std::fill(sum, sum + positions * position, 0.0f);
    for (; from < to; from += tiles) run(shape, workspace, x, dy, sum, from, std::min(from + tiles, to));
  });
  parallelFor(channels, 25 * outChannels, [&](int64_t from, int64_t to) {
    for (int64_t i = from * outChannels; i < to * outChannels; i += lanes) {
      Vector s[positions], g[12];
      for (int p = 0; p < positions; p++) {
        s[p] = load(sums.floats() + p * position + i);
        for (int t = 1; t < team; t++) s[p] += load(sums.floats() + (t * positions + p) * position + i);
      }
      for (int column = 0; column < 4; column++) contract(s + column, g + column, 4);
      for (int u = 0; u < 3; u++) {
        Vector row[3];
        contract(g + u * 4, row, 1);
        for (int v = 0; v < 3; v++) store(dFilter + (u * 3 + v) * filter + i, row[v]);
      }
    }
  });
}

}  // namespace bag::winograd
