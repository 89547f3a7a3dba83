// One text, compiled for vectors of 8 and of 16 floats: whatever it calls is inlined, into pairs of functions.
#include "winograd_tiles.h"

#include <algorithm>
#include <cstring>

#include "simd.h"

namespace bag::winograd {

namespace {

/** Where a tile lies: its image, and its first pixel of the result. */
template <typename S>
struct Position {
  int64_t image, row, column;

  BAG_INLINE Position(const Shape& s, int64_t tile)
      : image(tile / (s.tileRows() * s.tileColumns())),
        row(tile / s.tileColumns() % s.tileRows() * S::side),
        column(tile % s.tileColumns() * S::side) {}
  BAG_INLINE void next(const Shape& s) {
    if ((column += S::side) < s.outWidth) return;
    column = 0;
    if ((row += S::side) < s.outHeight) return;
    row = 0;
    image++;
  }
};

/** Floats between the positions of a tile. */
constexpr int64_t positionStride = block * panel;

/** Floats between the panels of a block. */
template <typename S>
constexpr int64_t panelStride = S::positions * positionStride;

/** Where channel c of tile t lies in a workspace, at position 0. */
template <typename S>
BAG_INLINE int64_t cell(int64_t tile, int64_t channels, int64_t c) {
  return (tile / block * (channels / panel) + c / panel) * panelStride<S> + tile % block * panel + c % panel;
}

template <typename S, typename V>
BAG_INLINE void writePositions(const V* values, float* to) {
  for (int p = 0; p < S::positions; p++) write(to + p * positionStride, values[p]);
}

/** Bᵀ d B of a tile, for all channels. Pixels outside of the image are zero. */
template <typename S, typename V, typename Stored>
BAG_INLINE void transformInput(const Shape& s, const Stored* x, const float* zeros,
                               const Position<S>& at, float* v, int64_t tile) {
  const int64_t top = at.row - s.padTop, left = at.column - s.padLeft;
  const Stored* corner = x + ((at.image * s.height + top) * s.width + left) * s.channels;
  const Stored* pixels[S::positions];
  const bool inside = top >= 0 && left >= 0 && top + S::tile <= s.height && left + S::tile <= s.width;
  for (int i = 0; i < S::tile; i++) {
    for (int j = 0; j < S::tile; j++) pixels[i * S::tile + j] = corner + (i * s.width + j) * s.channels;
  }
  if (!inside) {
    for (int p = 0; p < S::positions; p++) {
      const int64_t row = top + p / S::tile, column = left + p % S::tile;
      if (row >= 0 && row < s.height && column >= 0 && column < s.width) continue;
      pixels[p] = reinterpret_cast<const Stored*>(zeros);
    }
  }
  for (int64_t c = 0; c < s.channels; c += width<V>) {
    V d[S::positions];
    for (int j = 0; j < S::tile; j++) {
      for (int i = 0; i < S::tile; i++) read(d[i * S::tile + j], pixels[i * S::tile + j] + c);
      S::transformInput(d + j, S::tile);
    }
    for (int i = 0; i < S::tile; i++) S::transformInput(d + i * S::tile, 1);
    writePositions<S>(d, v + cell<S>(tile, s.channels, c));
  }
}

/** Where the pixels lie that a tile gives, of which those beyond the edge are left out. */
template <typename S, typename T>
struct Corner {
  T* first;
  int64_t rowStride, columnStride;
  int rows, columns;

  BAG_INLINE Corner(const Shape& s, T* y, const Position<S>& at)
      : rowStride(s.outWidth * s.outChannels),
        columnStride(s.outChannels),
        rows(static_cast<int>(std::min<int64_t>(S::side, s.outHeight - at.row))),
        columns(static_cast<int>(std::min<int64_t>(S::side, s.outWidth - at.column))) {
    first = y + (at.image * s.outHeight + at.row) * rowStride + at.column * columnStride;
  }
  BAG_INLINE bool has(int row, int column) const { return row < rows && column < columns; }
  BAG_INLINE T* pixel(int row, int column) const { return first + row * rowStride + column * columnStride; }
};

/** Aᵀ m A of a tile, for all channels; only pixels inside of the result are written. */
template <typename S, typename V, typename Stored>
BAG_INLINE void transformOutput(const Shape& s, const float* m, int64_t tile, const float* bias,
                                const Position<S>& at, Stored* y) {
  const Corner<S, Stored> corner(s, y, at);
  for (int64_t c = 0; c < s.outChannels; c += width<V>) {
    V half[S::side * S::tile], added{};
    const float* from = m + cell<S>(tile, s.outChannels, c);
    for (int j = 0; j < S::tile; j++) {
      V column[S::tile];
      for (int i = 0; i < S::tile; i++) read(column[i], from + (i * S::tile + j) * positionStride);
      S::collect(column, half + j, S::tile);
    }
    if (bias != nullptr) read(added, bias + c);
    for (int i = 0; i < S::side; i++) {
      V row[S::side];
      S::collect(half + i * S::tile, row, 1);
      for (int j = 0; j < S::side; j++) {
        if (corner.has(i, j)) write(corner.pixel(i, j) + c, row[j] + added);
      }
    }
  }
}

/** A dy Aᵀ of a tile, for all channels. */
template <typename S, typename V, typename Stored>
BAG_INLINE void transformOutputGradient(const Shape& s, const Stored* dy, const Position<S>& at,
                                        float* m, int64_t tile) {
  const Corner<S, const Stored> corner(s, dy, at);
  for (int64_t c = 0; c < s.outChannels; c += width<V>) {
    V half[S::tile * S::side], values[S::positions];
    for (int j = 0; j < S::side; j++) {
      V column[S::side] = {};
      for (int i = 0; i < S::side; i++) {
        if (corner.has(i, j)) read(column[i], corner.pixel(i, j) + c);
      }
      S::spread(column, half + j, S::side);
    }
    for (int i = 0; i < S::tile; i++) S::spread(half + i * S::side, values + i * S::tile, 1);
    writePositions<S>(values, m + cell<S>(tile, s.outChannels, c));
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
template <typename S, typename V, int rows, int vectors>
BAG_INLINE void multiplyTiles(const Shape& s, const float* v, const float* u, float* m, int64_t blocks) {
  static_assert(block % rows == 0);
  const int64_t panels = s.channels / panel, outPanels = s.outChannels / panel;
  constexpr int64_t step = vectors * width<V> / panel;
  for (int64_t out = 0; out < outPanels; out += step) {
    const float* right = u + out * s.channels * panel;
    for (int64_t i = 0; i < blocks; i++) {
      const float* left = v + i * panels * panelStride<S>;
      float* product = m + (i * outPanels + out) * panelStride<S>;
      for (int row = 0; row < block; row += rows) {
        multiply<V, rows, vectors, panel, panel, 1, false>(
            left + row * panel, panelStride<S>, right, panel * panel, vectorStride<V>(s.channels * panel), panels,
            product + row * panel, panel, vectorStride<V>(panelStride<S>));
      }
    }
  }
}

/** Sets the tiles behind the last one to zero, up to a whole block. */
template <typename S>
BAG_INLINE void clearRest(float* tiles, int64_t channels, int64_t count) {
  if (count % block == 0) return;
  for (int64_t c = 0; c < channels; c += panel) {
    float* first = tiles + cell<S>(count, channels, c);
    for (int p = 0; p < S::positions; p++) std::fill_n(first + p * positionStride, (block - count % block) * panel, 0.0f);
  }
}

/** The rows of pixels on which tiles lie, to be fetched into the cache while others are multiplied. */
template <typename S>
struct Rows {
  const char* first;
  int64_t lines;

  /** Of the tiles [from, to), in images of `height` rows. */
  BAG_INLINE Rows(const Shape& s, const void* images, int64_t height, int64_t rowBytes, int64_t from, int64_t to) {
    const auto before = [&](int64_t tile) {
      const Position<S> at(s, std::min(tile, s.tiles()));
      return (at.image * height + std::min(at.row, height)) * rowBytes;
    };
    const int64_t start = before(from);
    first = static_cast<const char*>(images) + start;
    lines = (before(to) - start) / cacheLine;
  }

  /** Fetches one part of as many as there are positions. */
  template <int toWrite>
  BAG_INLINE void fetch(int part) const {
    fetchLines<toWrite>(first, lines, part, S::positions);
  }
};

template <typename S, typename Stored>
BAG_INLINE Rows<S> inputRows(const Shape& s, const Stored* x, int64_t from, int64_t to) {
  return {s, x, s.height, s.width * s.channels * static_cast<int64_t>(sizeof(Stored)), from, to};
}

template <typename S, typename Stored>
BAG_INLINE Rows<S> outputRows(const Shape& s, const Stored* y, int64_t from, int64_t to) {
  return {s, y, s.outHeight, s.outWidth * s.outChannels * static_cast<int64_t>(sizeof(Stored)), from, to};
}

template <typename S, typename V, int rows, typename Stored>
BAG_INLINE void convolveTiles(const Shape& s, const Workspace& workspace, const Stored* x, const float* transformed,
                              const float* bias, Stored* y, int64_t from, int64_t to) {
  const int64_t count = to - from, blocks = (count + block - 1) / block;
  Position<S> at(s, from);
  for (int64_t tile = 0; tile < count; tile++, at.next(s)) {
    transformInput<S, V>(s, x, workspace.zeros, at, workspace.v, tile);
  }
  clearRest<S>(workspace.v, s.channels, count);
  const auto next = inputRows<S>(s, x, to, to + count), result = outputRows<S>(s, y, from, to);
  for (int p = 0; p < S::positions; p++) {
    next.template fetch<0>(p);
    result.template fetch<1>(p);
    const float *v = workspace.v + p * positionStride, *u = transformed + p * s.matrixStride();
    float* m = workspace.m + p * positionStride;
    if (s.outChannels % (2 * width<V>) == 0) multiplyTiles<S, V, rows, 2>(s, v, u, m, blocks);
    else if constexpr (width<V> == panel) multiplyTiles<S, V, rows, 1>(s, v, u, m, blocks);
  }
  at = Position<S>(s, from);
  for (int64_t tile = 0; tile < count; tile++, at.next(s)) {
    transformOutput<S, V>(s, workspace.m, tile, bias, at, y);
  }
}

/** sums += vᵀ · m at one position. */
template <typename S, typename V, int rows, int vectors>
BAG_INLINE void multiplyChannels(const Shape& s, const float* v, const float* m, float* sums, int64_t blocks) {
  static_assert(panel % rows == 0);
  const int64_t panels = s.channels / panel, outPanels = s.outChannels / panel;
  constexpr int64_t step = vectors * width<V> / panel;
  for (int64_t out = 0; out < outPanels; out += step) {
    for (int64_t c = 0; c < s.channels; c += rows) {
      multiply<V, rows, vectors, block, 1, panel, true>(
          v + c / panel * panelStride<S> + c % panel, panels * panelStride<S>, m + out * panelStride<S>,
          outPanels * panelStride<S>,
          vectorStride<V>(panelStride<S>), blocks, sums + c * s.outChannels + out * panel, s.outChannels, width<V>);
    }
  }
}

template <typename S, typename V, int rows, typename Stored>
BAG_INLINE void filterGradientOfTiles(const Shape& s, const Workspace& workspace, const Stored* x, const Stored* dy,
                                      float* sums, int64_t from, int64_t to) {
  const int64_t count = to - from, blocks = (count + block - 1) / block;
  Position<S> at(s, from);
  for (int64_t tile = 0; tile < count; tile++, at.next(s)) {
    transformInput<S, V>(s, x, workspace.zeros, at, workspace.v, tile);
    transformOutputGradient<S, V>(s, dy, at, workspace.m, tile);
  }
  clearRest<S>(workspace.v, s.channels, count);
  clearRest<S>(workspace.m, s.outChannels, count);
  const auto nextX = inputRows<S>(s, x, to, to + count), nextDy = outputRows<S>(s, dy, to, to + count);
  for (int p = 0; p < S::positions; p++) {
    nextX.template fetch<0>(p);
    nextDy.template fetch<0>(p);
    const float *v = workspace.v + p * positionStride, *m = workspace.m + p * positionStride;
    float* sum = sums + p * s.matrixStride();
    if (s.outChannels % (2 * width<V>) == 0) multiplyChannels<S, V, rows, 2>(s, v, m, sum, blocks);
    else if constexpr (width<V> == panel) multiplyChannels<S, V, 2 * rows, 1>(s, v, m, sum, blocks);
  }
}

template <typename S, typename Stored>
void convolveBy8(const Shape& s, const Workspace& workspace, const Stored* x, const float* transformed,
                 const float* bias, Stored* y, int64_t from, int64_t to) {
  convolveTiles<S, Vector, 6>(s, workspace, x, transformed, bias, y, from, to);
}

template <typename S, typename Stored>
void filterGradientBy8(const Shape& s, const Workspace& workspace, const Stored* x, const Stored* dy, float* sums,
                       int64_t from, int64_t to) {
  filterGradientOfTiles<S, Vector, 4>(s, workspace, x, dy, sums, from, to);
}

template <typename S, typename Stored>
BAG_WIDE void convolveBy16(const Shape& s, const Workspace& workspace, const Stored* x, const float* transformed,
                           const float* bias, Stored* y, int64_t from, int64_t to) {
  convolveTiles<S, Wide, 12>(s, workspace, x, transformed, bias, y, from, to);
}

template <typename S, typename Stored>
BAG_WIDE void filterGradientBy16(const Shape& s, const Workspace& workspace, const Stored* x, const Stored* dy,
                                 float* sums, int64_t from, int64_t to) {
  filterGradientOfTiles<S, Wide, 8>(s, workspace, x, dy, sums, from, to);
}

}  // namespace

template <typename S, typename Stored>
const TileKernels<Stored>& tileKernels() {
  static constexpr TileKernels<Stored> by8{convolveBy8<S, Stored>, filterGradientBy8<S, Stored>};
  static constexpr TileKernels<Stored> by16{convolveBy16<S, Stored>, filterGradientBy16<S, Stored>};
  return hasWideVectors() ? by16 : by8;
}

template const TileKernels<float>& tileKernels<Scheme<2>>();
template const TileKernels<Bfloat16>& tileKernels<Scheme<2>>();
template const TileKernels<Bfloat16>& tileKernels<Scheme<4>>();
template const TileKernels<Float16>& tileKernels<Scheme<2>>();
template const TileKernels<Float16>& tileKernels<Scheme<4>>();

}  // namespace bag::winograd
