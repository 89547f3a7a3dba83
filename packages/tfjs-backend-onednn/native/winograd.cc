#include "winograd.h"

#include <algorithm>

#include "allocator.h"
#include "parallel.h"
#include "simd.h"
#include "transpose_block.h"
#include "winograd_tiles.h"

namespace bag::winograd {

namespace {

/** Loads filter[u, v, c, o … o + 7], or the same turned by 180°. */
template <typename Stored>
void loadFilters(const Stored* filter, int64_t channels, int64_t outChannels, int64_t c, int64_t o, bool turned,
                 Vector g[9]) {
  for (int tap = 0; tap < 9; tap++) {
    g[tap] = load(filter + ((turned ? 8 - tap : tap) * channels + c) * outChannels + o);
  }
}

/** G g Gᵀ of eight filters. */
template <typename S>
void expand(const Vector g[9], Vector u[S::positions]) {
  Vector half[S::tile * 3];
  for (int column = 0; column < 3; column++) S::expand(g + column, half + column, 3);
  for (int row = 0; row < S::tile; row++) S::expand(half + row * 3, u + row * S::tile, 1);
}

/** G g Gᵀ of a filter, as the tiles' kernels want it: [position][panel of outChannels][channel][16]. */
template <typename S, typename Stored>
void transformFilter(const Shape& s, const Stored* filter, float* transformed) {
  parallelFor(s.channels, 25 * s.outChannels, [=](int64_t from, int64_t to) {
    for (int64_t c = from; c < to; c++) {
      for (int64_t o = 0; o < s.outChannels; o += lanes) {
        Vector g[9], u[S::positions];
        loadFilters(filter, s.channels, s.outChannels, c, o, false, g);
        expand<S>(g, u);
        float* target = transformed + (o / panel * s.channels + c) * panel + o % panel;
        for (int p = 0; p < S::positions; p++) store(target + p * s.matrixStride(), u[p]);
      }
    }
  });
}

/** The same of a filter [3, 3, outChannels, channels] that is turned. */
template <typename S, typename Stored>
void transformTurnedFilter(const Shape& s, const Stored* filter, float* transformed) {
  parallelFor(s.outChannels / panel, 25 * s.channels * panel, [=](int64_t from, int64_t to) {
    for (int64_t index = from; index < to; index++) {
      for (int64_t c = 0; c < s.channels; c += lanes) {
        alignas(64) float rows[S::positions][panel][lanes];
        for (int64_t o = 0; o < panel; o++) {
          Vector g[9], u[S::positions];
          loadFilters(filter, s.outChannels, s.channels, index * panel + o, c, true, g);
          expand<S>(g, u);
          for (int p = 0; p < S::positions; p++) store(rows[p][o], u[p]);
        }
        for (int p = 0; p < S::positions; p++) {
          float* target = transformed + p * s.matrixStride() + (index * s.channels + c) * panel;
          transposeBlock(reinterpret_cast<const uint32_t*>(rows[p]), lanes, reinterpret_cast<uint32_t*>(target), panel,
                         lanes, panel, false);
        }
      }
    }
  });
}

template <typename S, typename Stored>
void convolveTiles(const Shape& shape, const void* x, const float* transformed, const float* bias, void* y) {
  const int64_t threads = omp_get_max_threads(), tiles = tilesAtOnce(shape, threads);
  const int64_t each = Workspace::floats(shape, tiles);
  const Scratch scratch(threads * each * sizeof(float));
  const auto run = tileKernels<S, Stored>().convolve;
  parallelParts(shape.tiles(), shape.channels * shape.outChannels, [&](int thread, int64_t from, int64_t to) {
    const Workspace workspace(scratch.floats() + thread * each, shape, tiles);
    for (; from < to; from += tiles) {
      run(shape, workspace, static_cast<const Stored*>(x), transformed, bias, static_cast<Stored*>(y), from,
          std::min(from + tiles, to));
    }
  });
}

/** Gᵀ s G of the sums over all threads' parts. */
template <typename S>
void contractSums(const Shape& shape, const float* sums, int parts, float* dFilter) {
  const int64_t filter = shape.channels * shape.outChannels, position = shape.matrixStride();
  parallelFor(shape.channels, 25 * shape.outChannels, [=](int64_t from, int64_t to) {
    for (int64_t i = from * shape.outChannels; i < to * shape.outChannels; i += lanes) {
      Vector s[S::positions], g[3 * S::tile];
      for (int p = 0; p < S::positions; p++) {
        s[p] = load(sums + p * position + i);
        for (int part = 1; part < parts; part++) s[p] += load(sums + (part * S::positions + p) * position + i);
      }
      for (int column = 0; column < S::tile; column++) S::contract(s + column, g + column, S::tile);
      for (int u = 0; u < 3; u++) {
        Vector row[3];
        S::contract(g + u * S::tile, row, 1);
        for (int v = 0; v < 3; v++) store(dFilter + (u * 3 + v) * filter + i, row[v]);
      }
    }
  });
}

template <typename S, typename Stored>
void filterGradientOfTiles(const Shape& shape, const void* x, const void* dy, float* dFilter) {
  const int64_t threads = omp_get_max_threads(), tiles = tilesAtOnce(shape, threads);
  const int64_t each = Workspace::floats(shape, tiles), part = S::positions * shape.matrixStride();
  const Scratch scratch(threads * each * sizeof(float)), sums(threads * part * sizeof(float));
  const auto run = tileKernels<S, Stored>().filterGradient;
  const int64_t cost = shape.channels * shape.outChannels;
  const int team = parallelParts(shape.tiles(), cost, [&](int thread, int64_t from, int64_t to) {
    const Workspace workspace(scratch.floats() + thread * each, shape, tiles);
    float* sum = sums.floats() + thread * part;
    std::fill(sum, sum + part, 0.0f);
    for (; from < to; from += tiles) {
      run(shape, workspace, static_cast<const Stored*>(x), static_cast<const Stored*>(dy), sum, from,
          std::min(from + tiles, to));
    }
  });
  contractSums<S>(shape, sums.floats(), team, dFilter);
}

/** Hands over the scheme and the type of what is stored. */
template <typename Function>
void specialise(const Shape& shape, Function function) {
  withStorage(shape.dtype, [&](auto type) {
    if constexpr (!std::is_same_v<decltype(type), float>) {
      if (shape.side == 4) return function(Scheme<4>{}, type);
    }
    function(Scheme<2>{}, type);
  });
}

// The bounds are measured, on two cores with AVX-512: below them oneDNN's direct way was as fast or faster.
bool pays([[maybe_unused]] const Shape& s) {
#if defined(__AVX2__)
  if (s.channels % panel != 0 || s.outChannels % panel != 0) return false;
  // Where the images are small, much of their last tiles lies outside.
  const int64_t computed = s.side * s.side * s.tileRows() * s.tileColumns();
  if (10 * s.outHeight * s.outWidth < 6 * computed) return false;
  const int64_t pixels = s.side * s.side * s.tiles() / omp_get_max_threads();
  if (s.dtype != DType::bfloat16 || !multipliesBfloat16()) return pixels >= 256;
  // The direct way is twice as fast there: to go through the transformed filter must hardly count beside the tiles.
  return s.side == 4 && pixels >= std::max<int64_t>(256, s.channels * s.outChannels / 6);
#else
  return false;
#endif
}

}  // namespace

std::optional<Shape> forConvolution(Shape shape) {
  if (isHalf(shape.dtype) && shape.channels >= 2 * panel) shape.side = 4;
  return pays(shape) ? std::optional(shape) : std::nullopt;
}

std::optional<Shape> forFilterGradient(Shape shape) {
  if (isHalf(shape.dtype)) shape.side = 4;
  // Every thread adds up matrices of its own: they are to be few beside the work, and their memory beside the images'.
  const int64_t threads = omp_get_max_threads(), filter = shape.channels * shape.outChannels;
  const int64_t pixels = shape.batch * shape.height * shape.width * shape.channels;
  const int64_t outPixels = shape.batch * shape.outHeight * shape.outWidth * shape.outChannels;
  const bool fits = shape.tiles() / threads >= filter / 1024 &&
                    threads * shape.positions() * filter <= 4 * (pixels + outPixels);
  return fits && pays(shape) ? std::optional(shape) : std::nullopt;
}

void convolve(const Shape& shape, const void* x, const void* filter, bool turned, const float* bias, void* y) {
  specialise(shape, [&](auto scheme, auto type) {
    using S = decltype(scheme);
    using Stored = decltype(type);
    // Not kept: it is larger than the filter, and quickly made.
    const Scratch transformed(S::positions * shape.matrixStride() * sizeof(float));
    const auto transform = turned ? transformTurnedFilter<S, Stored> : transformFilter<S, Stored>;
    transform(shape, static_cast<const Stored*>(filter), transformed.floats());
    convolveTiles<S, Stored>(shape, x, transformed.floats(), bias, y);
  });
}

void filterGradient(const Shape& shape, const void* x, const void* dy, float* dFilter) {
  specialise(shape, [&](auto scheme, auto type) {
    filterGradientOfTiles<decltype(scheme), decltype(type)>(shape, x, dy, dFilter);
  });
}

}  // namespace bag::winograd
