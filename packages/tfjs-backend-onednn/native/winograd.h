// Convolutions by 3×3 filters and both of their gradients with 16 multiplications where the direct way has 36:
// F(2×2, 3×3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015).
//
// An image is cut into overlapping tiles d of 4×4 pixels, each of which gives 2×2 pixels y of the result:
//
//   y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A
//
// with g the filter. ⊙ multiplies at each of the 16 positions and sums over channels: 16 matrix products. The gradient
// of the input is the same with the filter turned by 180°; that of the filter is Gᵀ [ Σ (A dy Aᵀ) ⊙ (Bᵀ d B) ] G.
#pragma once

#include <cstdint>

namespace bag::winograd {

/** Those of a tile. */
constexpr int positions = 16;

/** A convolution by a 3×3 filter, strides and dilations 1. */
struct Shape {
  int64_t batch, height, width, channels;
  int64_t outHeight, outWidth, outChannels;
  int64_t padTop, padLeft;

  int64_t tileRows() const { return (outHeight + 1) / 2; }
  int64_t tileColumns() const { return (outWidth + 1) / 2; }
  int64_t tiles() const { return batch * tileRows() * tileColumns(); }
};

/** Whether `convolve` can compute it, and faster than oneDNN's direct way. */
bool pays(const Shape& shape);

/** The same of `filterGradient`. */
bool filterGradientPays(const Shape& shape);

/** Floats between the matrices of a transformed filter; not a power of two, as their rows would share cache lines. */
inline int64_t matrixStride(int64_t channels, int64_t outChannels) { return channels * outChannels + 16; }

/** Floats of a transformed filter. */
inline int64_t filterSize(int64_t channels, int64_t outChannels) { return positions * matrixStride(channels, outChannels); }

/** G g Gᵀ of a filter [3, 3, channels, outChannels], as `convolve` wants it. */
void transformFilter(const float* filter, int64_t channels, int64_t outChannels, float* transformed);

/** The same of the filter turned by 180° and with its channels exchanged, to convolve dy by. */
void transformTurnedFilter(const float* filter, int64_t channels, int64_t outChannels, float* transformed);

/** y = x convolved (+ bias, where it is not null). */
void convolve(const Shape& shape, const float* x, const float* transformed, const float* bias, float* y);

/** df[u,v,c,o] = Σ x[b, i + u − p, j + v − p, c] · dy[b,i,j,o]. */
void filterGradient(const Shape& shape, const float* x, const float* dy, float* dFilter);

}  // namespace bag::winograd
