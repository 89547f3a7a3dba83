// Convolutions by 3×3 filters and both of their gradients with 16 multiplications where the direct way has 36, or 36 where
// it has 144: F(2×2, 3×3) and F(4×4, 3×3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015).
//
// An image is cut into overlapping tiles d of 4×4 (6×6) pixels, each of which gives 2×2 (4×4) pixels y of the result:
//
//   y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A
//
// with g the filter. ⊙ multiplies at each position of the tile and sums over channels: 16 (36) matrix products. The
// gradient of the input is the same with the filter turned by 180°; that of the filter is
// Gᵀ [ Σ (A dy Aᵀ) ⊙ (Bᵀ d B) ] G. All of it is computed in float32; images and filters may be stored in 16 bits.
//
// The larger tiles' rounding is larger than float32's own, but small beside that of 16 bits: they are for those. It is
// relative to what a whole tile adds up, so they are for sums over many channels.
#pragma once

#include <cstdint>
#include <optional>

#include "tensor.h"

namespace bag::winograd {

/** A convolution by a 3×3 filter, strides and dilations 1. */
struct Shape {
  int64_t batch, height, width, channels;
  int64_t outHeight, outWidth, outChannels;
  int64_t padTop, padLeft;
  /** How images and filters are stored. */
  DType dtype;
  /** Pixels of the result, along an axis, that a tile gives: 2 or, on 16 bits, 4. */
  int64_t side = 2;

  int64_t positions() const { return (side + 2) * (side + 2); }
  int64_t tileRows() const { return (outHeight + side - 1) / side; }
  int64_t tileColumns() const { return (outWidth + side - 1) / side; }
  int64_t tiles() const { return batch * tileRows() * tileColumns(); }

  /** Floats between the matrices of a transformed filter; not a power of two, as their rows would share cache lines. */
  int64_t matrixStride() const { return channels * outChannels + 16; }
};

/** The shape with the tiles' side that is best, where `convolve` can compute it, and faster than oneDNN's direct way. */
std::optional<Shape> forConvolution(Shape shape);

/** The same for `filterGradient`. */
std::optional<Shape> forFilterGradient(Shape shape);

/**
 * y = x convolved by filter [3, 3, channels, outChannels] (+ bias, where it is not null); or, for the gradient of the
 * input, by filter [3, 3, outChannels, channels] turned by 180°.
 */
void convolve(const Shape& shape, const void* x, const void* filter, bool turned, const float* bias, void* y);

/** df[u,v,c,o] = Σ x[b, i + u − p, j + v − p, c] · dy[b,i,j,o], in float32. */
void filterGradient(const Shape& shape, const void* x, const void* dy, float* dFilter);

}  // namespace bag::winograd
