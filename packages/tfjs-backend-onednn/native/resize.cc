#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels.h"
#include "parallel.h"

namespace bag {

namespace {

/** For each index of a resized axis, the two of the original one that it lies between, and how far from the first. */
struct Axis {
  std::vector<int64_t> low, high;
  std::vector<float> fraction;

  Axis(int64_t from, int64_t to, bool alignCorners, bool halfPixelCenters, bool nearest)
      : low(static_cast<size_t>(to)), high(low.size()), fraction(low.size()) {
    const bool aligned = alignCorners && to > 1;
    const double scale = static_cast<double>(aligned ? from - 1 : from) / static_cast<double>(aligned ? to - 1 : to);
    const auto bounded = [=](double index) { return std::clamp<int64_t>(static_cast<int64_t>(index), 0, from - 1); };
    for (size_t i = 0; i < low.size(); i++) {
      const double at = scale * (static_cast<double>(i) + (halfPixelCenters ? 0.5 : 0.0));
      if (nearest) {
        low[i] = high[i] = bounded(alignCorners ? std::floor(at + 0.5) : std::floor(at));
        continue;
      }
      const double centre = halfPixelCenters ? at - 0.5 : at;
      low[i] = bounded(std::floor(centre));
      high[i] = bounded(std::ceil(centre));
      fraction[i] = static_cast<float>(centre - static_cast<double>(low[i]));
    }
  }
};

struct Images {
  int64_t batch, height, width, channels;

  explicit Images(const Tensor& t) : batch(t.dim(0)), height(t.dim(1)), width(t.dim(2)), channels(t.dim(3)) {
    require(t.rank == 4, "expected images [batch, height, width, channels]");
  }
};

void requireFit(const Images& x, const Images& y) {
  require(x.batch == y.batch && x.channels == y.channels, "the images differ in number or channels");
  require(x.height > 0 && x.width > 0, "expected images that are not empty");
}

/** A row of pixels, resized. */
template <typename T>
void resizeRow(const T* from, const Axis& columns, int64_t channels, float* to) {
  for (size_t i = 0; i < columns.low.size(); i++) {
    const T *left = from + columns.low[i] * channels, *right = from + columns.high[i] * channels;
    const float fraction = columns.fraction[i];
    for (int64_t c = 0; c < channels; c++) {
      const auto a = static_cast<float>(left[c]), b = static_cast<float>(right[c]);
      *to++ = a + (b - a) * fraction;
    }
  }
}

template <typename T>
void resizeBilinear(const T* from, float* to, const Images& x, const Images& y, const Axis& rows, const Axis& columns) {
  const int64_t width = y.width * y.channels, source = x.width * x.channels;
  parallelFor(y.batch * y.height, width, [&](int64_t begin, int64_t end) {
    // The two rows that were resized last: the next row often lies between the same ones.
    std::vector<float> memory(static_cast<size_t>(2 * width));
    float* kept[2] = {memory.data(), memory.data() + width};
    int64_t keptRow[2] = {-1, -1};
    const auto rowAt = [&](int64_t row, int64_t other) -> int {
      for (int k = 0; k < 2; k++) {
        if (keptRow[k] == row) return k;
      }
      const int k = keptRow[0] == other ? 1 : 0;
      resizeRow(from + row * source, columns, x.channels, kept[k]);
      keptRow[k] = row;
      return k;
    };
    for (int64_t i = begin; i < end; i++) {
      const int64_t first = i / y.height * x.height, r = i % y.height;
      const int64_t low = first + rows.low[r], high = first + rows.high[r];
      const float *top = kept[rowAt(low, high)], *bottom = kept[rowAt(high, low)];
      const float fraction = rows.fraction[r];
      float* target = to + i * width;
      for (int64_t k = 0; k < width; k++) target[k] = top[k] + (bottom[k] - top[k]) * fraction;
    }
  });
}

template <typename T>
void resizeNearest(const T* from, T* to, const Images& x, const Images& y, const Axis& rows, const Axis& columns) {
  const int64_t channels = x.channels;
  parallelFor(y.batch * y.height, y.width * channels, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const T* row = from + (i / y.height * x.height + rows.low[i % y.height]) * x.width * channels;
      T* target = to + i * y.width * channels;
      for (int64_t c = 0; c < y.width; c++, target += channels) {
        std::copy_n(row + columns.low[c] * channels, channels, target);
      }
    }
  });
}

/** Hands the shapes and the two axes that a call describes to a function. */
template <typename Function>
void withAxes(Arguments& in, const Tensor& original, const Tensor& resized, bool nearest, Function function) {
  const bool alignCorners = in.flag(), halfPixelCenters = in.flag();
  const Images x(original), y(resized);
  requireFit(x, y);
  if (x.batch * x.channels == 0) return;
  function(x, y, Axis(x.height, y.height, alignCorners, halfPixelCenters, nearest),
           Axis(x.width, y.width, alignCorners, halfPixelCenters, nearest));
}

}  // namespace

void ResizeBilinear(Arguments& in) {
  const Tensor images = in.tensor(), resized = in.floats();
  withAxes(in, images, resized, false, [&](const auto& x, const auto& y, const Axis& rows, const Axis& columns) {
    if (images.dtype == DType::float32) resizeBilinear(images.floats(), resized.floats(), x, y, rows, columns);
    else if (images.dtype == DType::int32) resizeBilinear(images.ints(), resized.floats(), x, y, rows, columns);
    else resizeBilinear(images.bools(), resized.floats(), x, y, rows, columns);
  });
}

void ResizeNearestNeighbor(Arguments& in) {
  const Tensor images = in.tensor(), resized = in.tensor(images.dtype);
  withAxes(in, images, resized, true, [&](const auto& x, const auto& y, const Axis& rows, const Axis& columns) {
    if (bytesOf(images.dtype) == 1) resizeNearest(images.bools(), resized.bools(), x, y, rows, columns);
    else resizeNearest(images.ints(), resized.ints(), x, y, rows, columns);
  });
}

/** The gradient of either: each pixel's goes to the ones that it came from, by their weights. */
void ResizeGrad(Arguments& in) {
  const Tensor dy = in.floats(), dx = in.floats();
  const bool nearest = in.flag();
  withAxes(in, dx, dy, nearest, [&](const Images& x, const Images& y, const Axis& rows, const Axis& columns) {
    const int64_t channels = x.channels, width = x.width * channels, resizedWidth = y.width * channels;
    const float* from = dy.floats();
    float* to = dx.floats();
    parallelFor(x.batch * x.height, std::max<int64_t>(width, resizedWidth * y.height / x.height),
                [&](int64_t begin, int64_t end) {
      std::vector<double> gathered(static_cast<size_t>(resizedWidth)), sums(static_cast<size_t>(width));
      for (int64_t i = begin; i < end; i++) {
        const int64_t row = i % x.height;
        std::fill(gathered.begin(), gathered.end(), 0.0);
        // Both ends of the intervals ascend: the ones that touch this row are neighbours.
        auto r = std::lower_bound(rows.high.begin(), rows.high.end(), row) - rows.high.begin();
        for (; r < y.height && rows.low[r] <= row; r++) {
          const double part = rows.fraction[r];
          const double weight = (rows.low[r] == row ? 1 - part : 0) + (rows.high[r] == row ? part : 0);
          const float* source = from + (i / x.height * y.height + r) * resizedWidth;
          for (int64_t k = 0; k < resizedWidth; k++) gathered[k] += weight * source[k];
        }
        std::fill(sums.begin(), sums.end(), 0.0);
        for (int64_t c = 0; c < y.width; c++) {
          const double part = columns.fraction[c];
          double *left = &sums[columns.low[c] * channels], *right = &sums[columns.high[c] * channels];
          const double* source = &gathered[c * channels];
          if (left == right) {
            for (int64_t k = 0; k < channels; k++) left[k] += source[k];
            continue;
          }
          for (int64_t k = 0; k < channels; k++) {
            left[k] += (1 - part) * source[k];
            right[k] += part * source[k];
          }
        }
        std::copy(sums.begin(), sums.end(), to + i * width);
      }
    });
  });
}

}  // namespace bag
