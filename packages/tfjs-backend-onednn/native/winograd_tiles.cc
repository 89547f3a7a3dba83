// One text, compiled for vectors of 8 and of 16 floats: whatever it calls is inlined, into two pairs of functions.
#include "winograd_tiles.h"

#include <algorithm>
#include <cstring>

#include "simd.h"

namespace bag::winograd {

namespace {

typedef float Wide __attribute__((vector_size(64)));

template <typename V>
constexpr int width = sizeof(V) / sizeof(float);

template <typename V>
BAG_INLINE void read(V& v, const float* from) {
  std::memcpy(&v, from, sizeof v);
}

template <typename V>
BAG_INLINE void write(float* to, const V& v) {
  std::memcpy(to, &v, sizeof v);
}

/** Where a tile lies: its image, and its first pixel of the result. */
struct Position {
  int64_t image, row, column;

  BAG_INLINE Position(const Shape& s, int64_t tile)
      : image(tile / (s.tileRows() * s.tileColumns())),
        row(tile / s.tileColumns() % s.tileRows() * 2),
        column(tile % s.tileColumns() * 2) {}
  BAG_INLINE void next(const Shape& s) {
    if ((column += 2) < s.outWidth) return;
    column = 0;
    if ((row += 2) < s.outHeight) return;
    row = 0;
    image++;
  }
};

/** Bᵀ along one axis: four vectors that are `step` apart, in place. */
template <typename V>
BAG_INLINE void transformInput(V* d, int step) {
  const V first = d[0] - d[2 * step], second = d[step] + d[2 * step];
  const V third = d[2 * step] - d[step], fourth = d[step] - d[3 * step];
  d[0] = first;
  d[step] = second;
  d[2 * step] = third;
  d[3 * step] = fourth;
}

/** Floats between the positions of a tile, and between the panels of a block. */
constexpr int64_t positionStride = block * panel, panelStride = positions * positionStride;

/** Where channel c of tile t lies in a workspace, at position 0. */
BAG_INLINE int64_t cell(int64_t tile, int64_t channels, int64_t c) {
  return (tile / block * (channels / panel) + c / panel) * panelStride + tile % block * panel + c % panel;
}

/** Bᵀ d B of a tile, for all channels. Pixels outside of the image are zero. */
template <typename V>
BAG_INLINE void transformInput(const Shape& s, const float* x, const float* zeros, const Position& at, float* v,
                               int64_t tile) {
  const int64_t top = at.row - s.padTop, left = at.column - s.padLeft;
  const float* pixels[16];
  for (int i = 0; i < 4; i++) {
    const bool rowInside = top + i >= 0 && top + i < s.height;
    const int64_t first = (at.image * s.height + top + i) * s.width + left;
    for (int j = 0; j < 4; j++) {
      const bool inside = rowInside && left + j >= 0 && left + j < s.width;
      pixels[i * 4 + j] = inside ? x + (first + j) * s.channels : zeros;
    }
  }
  for (int64_t c = 0; c < s.channels; c += width<V>) {
    V d[16];
    for (int p = 0; p < positions; p++) read(d[p], pixels[p] + c);
    for (int j = 0; j < 4; j++) transformInput(d + j, 4);
    for (int i = 0; i < 4; i++) transformInput(d + i * 4, 1);
    float* to = v + cell(tile, s.channels, c);
    for (int p = 0; p < positions; p++) write(to + p * positionStride, d[p]);
  }
}

/** Aᵀ m A of a tile, for all channels; only pixels inside of the result are written. */
template <typename V>
BAG_INLINE void transformOutput(const Shape& s, const float* m, int64_t tile, const float* bias, const Position& at,
                                float* y) {
  const int64_t rowStride = s.outWidth * s.outChannels;
  float* corner = y + (at.image * s.outHeight + at.row) * rowStride + at.column * s.outChannels;
  const bool lower = at.row + 1 < s.outHeight, right = at.column + 1 < s.outWidth;
  for (int64_t c = 0; c < s.outChannels; c += width<V>) {
    V upper[4], under[4], added{};
    const float* from = m + cell(tile, s.outChannels, c);
    for (int j = 0; j < 4; j++) {
      V rows[4];
      for (int i = 0; i < 4; i++) read(rows[i], from + (i * 4 + j) * positionStride);
      upper[j] = rows[0] + (rows[1] + rows[2]);
      under[j] = (rows[1] - rows[2]) - rows[3];
    }
    if (bias != nullptr) read(added, bias + c);
    float* target = corner + c;
    write(target, upper[0] + (upper[1] + upper[2]) + added);
    if (right) write(target + s.outChannels, (upper[1] - upper[2]) - upper[3] + added);
    if (!lower) continue;
    target += rowStride;
    write(target, under[0] + (under[1] + under[2]) + added);
    if (right) write(target + s.outChannels, (under[1] - under[2]) - under[3] + added);
  }
}

/** A along one axis: from two vectors to four that are `step` apart. */
template <typename V>
BAG_INLINE void spread(const V& first, const V& second, V* to, int step) {
  to[0] = first;
  to[step] = first + second;
  to[2 * step] = first - second;
  to[3 * step] = -second;
}

/** A dy Aᵀ of a tile, for all channels. */
template <typename V>
BAG_INLINE void transformOutputGradient(const Shape& s, const float* dy, const Position& at, float* m, int64_t tile) {
  const int64_t rowStride = s.outWidth * s.outChannels;
  const float* corner = dy + (at.image * s.outHeight + at.row) * rowStride + at.column * s.outChannels;
  const bool lower = at.row + 1 < s.outHeight, right = at.column + 1 < s.outWidth;
  for (int64_t c = 0; c < s.outChannels; c += width<V>) {
    V e[4] = {};
    read(e[0], corner + c);
    if (right) read(e[1], corner + s.outChannels + c);
    if (lower) read(e[2], corner + rowStride + c);
    if (lower && right) read(e[3], corner + rowStride + s.outChannels + c);
    V rows[8], spreadOut[16];
    for (int j = 0; j < 2; j++) spread(e[j], e[2 + j], rows + j, 2);
    for (int i = 0; i < 4; i++) spread(rows[i * 2], rows[i * 2 + 1], spreadOut + i * 4, 1);
    float* to = m + cell(tile, s.outChannels, c);
    for (int p = 0; p < positions; p++) write(to + p * positionStride, spreadOut[p]);
  }
}

/**
 * c[r, v] = (or +=) Σ a[r, k] · b[k, v], for a block that stays in registers. k runs over `count` groups of `each`, whose
 * rows of b lie 16 floats apart.
 */
template <typename V, int rows, int vectors, int each, int aRow, int aStep, bool add>
BAG_INLINE void multiply(const float* a, int64_t aGroup, const float* b, int64_t bGroup, int64_t bVector, int64_t count,
                         float* c, int64_t cRow, int64_t cVector) {
  V sums[rows][vectors] = {};
  for (int64_t group = 0; group < count; group++, a += aGroup, b += bGroup) {
    for (int k = 0; k < each; k++) {
      V right[vectors];
      for (int v = 0; v < vectors; v++) read(right[v], b + k * panel + v * bVector);
      for (int r = 0; r < rows; r++) {
        const float left = a[r * aRow + k * aStep];
        for (int v = 0; v < vectors; v++) sums[r][v] += left * right[v];
      }
    }
  }
  for (int r = 0; r < rows; r++) {
    for (int v = 0; v < vectors; v++) {
      float* target = c + r * cRow + v * cVector;
      if constexpr (add) {
        V before;
        read(before, target);
        sums[r][v] += before;
      }
      write(target, sums[r][v]);
    }
  }
}

/** Floats between the vectors of a row: halves of a panel, or the same place of two panels. */
template <typename V>
BAG_INLINE int64_t vectorStride(int64_t betweenPanels) {
  return width<V> == panel ? betweenPanels : width<V>;
}

/** m = v · u at one position, for all tiles. */
template <typename V, int rows, int vectors>
BAG_INLINE void multiplyTiles(const Shape& s, const float* v, const float* u, float* m, int64_t blocks) {
  static_assert(block % rows == 0);
  const int64_t panels = s.channels / panel, outPanels = s.outChannels / panel;
  constexpr int64_t step = vectors * width<V> / panel;
  for (int64_t out = 0; out < outPanels; out += step) {
    const float* right = u + out * s.channels * panel;
    for (int64_t i = 0; i < blocks; i++) {
      const float* left = v + i * panels * panelStride;
      float* product = m + (i * outPanels + out) * panelStride;
      for (int row = 0; row < block; row += rows) {
        multiply<V, rows, vectors, panel, panel, 1, false>(
            left + row * panel, panelStride, right, panel * panel, vectorStride<V>(s.channels * panel), panels,
            product + row * panel, panel, vectorStride<V>(panelStride));
      }
    }
  }
}

/** Sets the tiles behind the last one to zero, up to a whole block. */
BAG_INLINE void clearRest(float* tiles, int64_t channels, int64_t count) {
  if (count % block == 0) return;
  for (int64_t c = 0; c < channels; c += panel) {
    float* first = tiles + cell(count, channels, c);
    for (int p = 0; p < positions; p++) std::fill_n(first + p * positionStride, (block - count % block) * panel, 0.0f);
  }
}

/** A tensor's images, whose pixels are fetched into the cache while others are multiplied. */
struct Images {
  const float* data;
  int64_t height, columns, channels;

  /** Where the rows of a tile begin. */
  BAG_INLINE const float* before(const Shape& s, int64_t tile) const {
    const Position at(s, std::min(tile, s.tiles()));
    return data + (at.image * height + std::min(at.row, height)) * columns * channels;
  }

  /** Fetches a part of the tiles [from, to), as many as there are positions. */
  template <int toWrite>
  BAG_INLINE void fetch(const Shape& s, int64_t from, int64_t to, int part) const {
    constexpr int64_t line = 16;
    const float *first = before(s, from), *end = before(s, to);
    const int64_t lines = (end - first) / line;
    for (int64_t i = lines * part / positions; i < lines * (part + 1) / positions; i++) {
      __builtin_prefetch(first + i * line, toWrite, 2);
    }
  }
};

template <typename V, int rows>
BAG_INLINE void convolveTiles(const Shape& s, const Workspace& workspace, const float* x, const float* transformed,
                              const float* bias, float* y, int64_t from, int64_t to) {
  const int64_t count = to - from, blocks = (count + block - 1) / block;
  Position at(s, from);
  for (int64_t tile = 0; tile < count; tile++, at.next(s)) {
    transformInput<V>(s, x, workspace.zeros, at, workspace.v, tile);
  }
  clearRest(workspace.v, s.channels, count);
  const Images input{x, s.height, s.width, s.channels}, output{y, s.outHeight, s.outWidth, s.outChannels};
  for (int p = 0; p < positions; p++) {
    input.fetch<0>(s, to, to + count, p);
    output.fetch<1>(s, from, to, p);
    const float *v = workspace.v + p * positionStride, *u = transformed + p * matrixStride(s.channels, s.outChannels);
    float* m = workspace.m + p * positionStride;
    if (s.outChannels % (2 * width<V>) == 0) multiplyTiles<V, rows, 2>(s, v, u, m, blocks);
    else if constexpr (width<V> == panel) multiplyTiles<V, rows, 1>(s, v, u, m, blocks);
  }
  at = Position(s, from);
  for (int64_t tile = 0; tile < count; tile++, at.next(s)) {
    transformOutput<V>(s, workspace.m, tile, bias, at, y);
  }
}

/** sums += vᵀ · m at one position. */
template <typename V, int rows, int vectors>
BAG_INLINE void multiplyChannels(const Shape& s, const float* v, const float* m, float* sums, int64_t blocks) {
  static_assert(panel % rows == 0);
  const int64_t panels = s.channels / panel, outPanels = s.outChannels / panel;
  constexpr int64_t step = vectors * width<V> / panel;
  for (int64_t out = 0; out < outPanels; out += step) {
    for (int64_t c = 0; c < s.channels; c += rows) {
      multiply<V, rows, vectors, block, 1, panel, true>(
          v + c / panel * panelStride + c % panel, panels * panelStride, m + out * panelStride, outPanels * panelStride,
          vectorStride<V>(panelStride), blocks, sums + c * s.outChannels + out * panel, s.outChannels, width<V>);
    }
  }
}

template <typename V, int rows>
BAG_INLINE void filterGradientOfTiles(const Shape& s, const Workspace& workspace, const float* x, const float* dy,
                                      float* sums, int64_t from, int64_t to) {
  const int64_t count = to - from, blocks = (count + block - 1) / block;
  Position at(s, from);
  for (int64_t tile = 0; tile < count; tile++, at.next(s)) {
    transformInput<V>(s, x, workspace.zeros, at, workspace.v, tile);
    transformOutputGradient<V>(s, dy, at, workspace.m, tile);
  }
  clearRest(workspace.v, s.channels, count);
  clearRest(workspace.m, s.outChannels, count);
  const Images input{x, s.height, s.width, s.channels}, output{dy, s.outHeight, s.outWidth, s.outChannels};
  for (int p = 0; p < positions; p++) {
    input.fetch<0>(s, to, to + count, p);
    output.fetch<0>(s, to, to + count, p);
    const float *v = workspace.v + p * positionStride, *m = workspace.m + p * positionStride;
    float* sum = sums + p * matrixStride(s.channels, s.outChannels);
    if (s.outChannels % (2 * width<V>) == 0) multiplyChannels<V, rows, 2>(s, v, m, sum, blocks);
    else if constexpr (width<V> == panel) multiplyChannels<V, 2 * rows, 1>(s, v, m, sum, blocks);
  }
}

void convolveBy8(const Shape& s, const Workspace& workspace, const float* x, const float* transformed,
                 const float* bias, float* y, int64_t from, int64_t to) {
  convolveTiles<Vector, 6>(s, workspace, x, transformed, bias, y, from, to);
}

void filterGradientBy8(const Shape& s, const Workspace& workspace, const float* x, const float* dy, float* sums,
                       int64_t from, int64_t to) {
  filterGradientOfTiles<Vector, 4>(s, workspace, x, dy, sums, from, to);
}

BAG_WIDE void convolveBy16(const Shape& s, const Workspace& workspace, const float* x, const float* transformed,
                           const float* bias, float* y, int64_t from, int64_t to) {
  convolveTiles<Wide, 12>(s, workspace, x, transformed, bias, y, from, to);
}

BAG_WIDE void filterGradientBy16(const Shape& s, const Workspace& workspace, const float* x, const float* dy,
                                 float* sums, int64_t from, int64_t to) {
  filterGradientOfTiles<Wide, 8>(s, workspace, x, dy, sums, from, to);
}

}  // namespace

const TileKernels& tileKernels() {
  static constexpr TileKernels by8{convolveBy8, filterGradientBy8}, by16{convolveBy16, filterGradientBy16};
  return hasWideVectors() ? by16 : by8;
}

}  // namespace bag::winograd
