// Convolutions of NHWC images with HWIO filters and both gradients, by oneDNN, or where that pays by Winograd's algorithm or,
// of each channel by one 3×3 filter, directly. With groups it is the depthwise one: its filter is [height, width, channels,
// multiplier], and each channel is a group. Images and filters are stored alike, in 32 bits or in 16; products are summed up
// in 32.
#include <cstring>

#include "activation.h"
#include "depthwise3x3.h"
#include "in_floats.h"
#include "kernels.h"
#include "parallel.h"
#include "primitives.h"
#include "simd.h"
#include "winograd.h"

namespace bag {

namespace {

using dnnl::memory;

/** The sizes of one convolution and where its operands lie, as oneDNN names them. */
struct Convolution2d {
  onednn::Geometry geometry;
  bool depthwise;
  /** How images are stored; filters, too, where they are operands. */
  DType dtype;
  memory::dims src, weights, dst;
  memory::dims weightsStrides;

  Convolution2d(const Tensor& x, const Tensor& filter, const Tensor& y, Arguments& in) {
    dtype = x.dtype;
    require(y.dtype == dtype, "expected images that are stored alike");
    geometry.strides = in.integers();
    geometry.dilations = in.integers();
    geometry.padBefore = in.integers();
    depthwise = in.flag();
    require(x.rank == 4 && filter.rank == 4 && y.rank == 4, "expected images and filters of rank 4");
    require(geometry.strides.size() == 2 && geometry.dilations.size() == 2 && geometry.padBefore.size() == 2,
            "expected strides, dilations and padding of height and width");
    constexpr int64_t most = 1 << 20;
    for (const auto& list : {geometry.strides, geometry.dilations}) {
      for (const int64_t value : list) require(value >= 1 && value <= most, "expected strides and dilations from 1 to 2²⁰");
    }
    const int64_t batch = x.dim(0), height = x.dim(1), width = x.dim(2), from = x.dim(3);
    const int64_t h = filter.dim(0), w = filter.dim(1), to = y.dim(3);
    require(y.dim(0) == batch, "the output has another batch size than the input");
    require(filter.dim(2) == from, "the filter expects another number of channels");
    const int64_t multiplier = filter.dim(3);
    require(to == (depthwise ? from * multiplier : multiplier), "the output has another number of channels");
    // What is left over of the far side: it may be negative where strides leave a rest.
    geometry.padAfter.resize(2);
    for (int axis = 0; axis < 2; axis++) {
      const int64_t extent = ((axis == 0 ? h : w) - 1) * geometry.dilations[axis] + 1;
      const int64_t out = y.dim(axis + 1), size = axis == 0 ? height : width;
      require(geometry.padBefore[axis] >= 0 && geometry.padBefore[axis] <= most, "expected padding from 0 to 2²⁰");
      geometry.padAfter[axis] = (out - 1) * geometry.strides[axis] + extent - size - geometry.padBefore[axis];
    }
    src = {batch, from, height, width};
    dst = {batch, to, y.dim(1), y.dim(2)};
    if (depthwise) {
      weights = {from, multiplier, 1, h, w};
      weightsStrides = {multiplier, 1, 1, w * from * multiplier, from * multiplier};
    } else {
      weights = {to, from, h, w};
      weightsStrides = {1, to, w * from * to, from * to};
    }
  }

  bool empty() const {
    for (const auto& dims : {src, weights, dst}) {
      for (const int64_t size : dims) {
        if (size == 0) return true;
      }
    }
    return false;
  }

  /** Whether oneDNN computes it on what is stored so. */
  bool direct() const { return dtype == DType::float32 || (dtype == DType::bfloat16 && multipliesBfloat16()); }

  /** Whether it is one by 1×1 filters that meet only some of the pixels. */
  bool skipsPixels() const {
    return !depthwise && weights[2] == 1 && weights[3] == 1 && geometry.strides != memory::dims{1, 1} &&
           geometry.padBefore == memory::dims{0, 0};
  }

  /** The same on an image of these pixels alone. */
  Convolution2d ofMetPixels() const {
    Convolution2d result = *this;
    result.src = {src[0], src[1], dst[2], dst[3]};
    result.geometry.strides = {1, 1};
    result.geometry.padAfter = {0, 0};
    return result;
  }

  /** The same on images in 32 bits. */
  Convolution2d inFloats() const {
    Convolution2d result = *this;
    result.dtype = DType::float32;
    return result;
  }

  memory::data_type type() const { return dtype == DType::float32 ? memory::data_type::f32 : memory::data_type::bf16; }
  onednn::Descriptor image(const memory::dims& dims) const { return {dims, type(), memory::format_tag::nhwc}; }
  onednn::Descriptor plainWeights() const { return {weights, type(), weightsStrides}; }
  onednn::Descriptor anyWeights() const { return {weights, type(), memory::format_tag::any}; }
  /** The filter's gradient is float32 whatever the images are. */
  onednn::Descriptor plainGradient() const { return {weights, memory::data_type::f32, weightsStrides}; }
  onednn::Descriptor anyGradient() const { return {weights, memory::data_type::f32, memory::format_tag::any}; }

  /** Whether it is one by 3×3 filters that Winograd's algorithm is for. */
  bool plain3x3() const {
    const memory::dims ones{1, 1};
    return !depthwise && weights[2] == 3 && weights[3] == 3 && geometry.strides == ones && geometry.dilations == ones &&
           geometry.padBefore[0] <= 2 && geometry.padBefore[1] <= 2;
  }

  winograd::Shape asWinograd() const {
    const auto& pad = geometry.padBefore;
    return {src[0], src[2], src[3], src[1], dst[2], dst[3], dst[1], pad[0], pad[1], dtype};
  }

  /** The convolution of dy that gives dx. */
  winograd::Shape turned() const {
    const auto& pad = geometry.padBefore;
    return {dst[0], dst[2], dst[3], dst[1], src[2], src[3], src[1], 2 - pad[0], 2 - pad[1], dtype};
  }

  /** The same for depthwise3x3.h, if it has such. */
  std::optional<depthwise3x3::Shape> asDepthwise3x3() const {
    const auto& [strides, dilations, pad, _] = geometry;
    const bool plain = depthwise && weights == memory::dims{src[1], 1, 1, 3, 3} && strides[0] == strides[1] &&
                       dilations == memory::dims{1, 1};
    const depthwise3x3::Shape shape{src[0], src[2],     src[3], src[1], dst[2],
                                    dst[3], strides[0], pad[0], pad[1], dtype};
    return plain && shape.fits() ? std::optional(shape) : std::nullopt;
  }

  Key key(int64_t extra = 0) const {
    Key key{depthwise, extra, static_cast<int64_t>(dtype)};
    for (const auto& list : {geometry.strides, geometry.dilations, geometry.padBefore, src, weights, dst}) {
      key.insert(key.end(), list.begin(), list.end());
    }
    return key;
  }

  dnnl::convolution_forward::primitive_desc forward(const onednn::Descriptor& bias,
                                                    const dnnl::primitive_attr& attributes) const {
    return onednn::convolutionForward(cpu(), image(src), anyWeights(), bias, image(dst), geometry, attributes);
  }
};

template <typename Primitive>
struct Prepared {
  typename Primitive::primitive_desc description;
  Primitive primitive;
  explicit Prepared(typename Primitive::primitive_desc description)
      : description(description), primitive(description) {}
};

using Forward = Prepared<dnnl::convolution_forward>;
using BackwardData = Prepared<dnnl::convolution_backward_data>;
using BackwardWeights = Prepared<dnnl::convolution_backward_weights>;

void zero(const Tensor& t) {
  if (t.size > 0) std::memset(t.data, 0, t.bytes());
}

/** A filter's numbers in 32 bits. */
class FilterInFloats {
 public:
  explicit FilterInFloats(const Tensor& filter)
      : floats_(isHalf(filter.dtype) ? wide_.emplace(filter).read().floats() : filter.floats()) {}
  const float* floats() const { return floats_; }

 private:
  std::optional<InFloats> wide_;
  const float* floats_;
};

struct Epilogue {
  Tensor bias;
  Activation activation;
  float alpha;
};

void convolve(const Convolution2d& c, const Tensor& x, const Tensor& filter, const Epilogue& epilogue, const Tensor& y) {
  const auto& [bias, activation, alpha] = epilogue;
  const bool hasBias = bias.data != nullptr;
  const auto tiled = c.plain3x3() ? winograd::forConvolution(c.asWinograd()) : std::nullopt;
  const auto single = c.asDepthwise3x3();
  // Activations are of what is not rounded yet.
  if (isHalf(c.dtype) && (activation != Activation::linear || !(tiled || single || c.direct()))) {
    const InFloats wideX(x), wideFilter(filter), wideY(y);
    convolve(c.inFloats(), wideX.read(), wideFilter.read(), epilogue, wideY.result());
    return wideY.write();
  }
  if (tiled) {
    winograd::convolve(*tiled, x.data, filter.data, false, hasBias ? bias.floats() : nullptr, y.data);
    return activate(y, activation, alpha);
  }
  if (single) {
    depthwise3x3::convolve(*single, x.data, FilterInFloats(filter).floats(), hasBias ? bias.floats() : nullptr, y.data);
    return activate(y, activation, alpha);
  }
  static Cache<Forward> cache;
  auto& prepared = cache.get(c.key(hasBias), [&] {
    return Forward(c.forward(hasBias ? plain({c.dst[1]}) : onednn::Descriptor(), withOwnScratchpad()));
  });
  const auto wanted = prepared.description.weights_desc();
  void* weights = inLayout(filter.id, filter.data, c.plainWeights(), wanted);
  std::unordered_map<int, memory> arguments{
      {DNNL_ARG_SRC, memoryOf(prepared.description.src_desc(), x.data)},
      {DNNL_ARG_WEIGHTS, memoryOf(wanted, weights)},
      {DNNL_ARG_DST, memoryOf(prepared.description.dst_desc(), y.data)},
  };
  if (hasBias) arguments.emplace(DNNL_ARG_BIAS, memoryOf(prepared.description.bias_desc(), bias.data));
  execute(prepared.primitive, prepared.description.scratchpad_desc(), std::move(arguments));
  activate(y, activation, alpha);
}

void inputGradient(const Convolution2d& c, const Tensor& dy, const Tensor& filter, const Tensor& dx) {
  if (const auto tiled = c.plain3x3() ? winograd::forConvolution(c.turned()) : std::nullopt) {
    return winograd::convolve(*tiled, dy.data, filter.data, true, nullptr, dx.data);
  }
  if (const auto single = c.asDepthwise3x3()) {
    return depthwise3x3::inputGradient(*single, dy.data, FilterInFloats(filter).floats(), dx.data);
  }
  if (!c.direct()) {
    const InFloats wideDy(dy), wideFilter(filter), wideDx(dx);
    inputGradient(c.inFloats(), wideDy.read(), wideFilter.read(), wideDx.result());
    return wideDx.write();
  }
  static Cache<BackwardData> cache;
  auto& prepared = cache.get(c.key(), [&] {
    const auto attributes = withOwnScratchpad();
    return BackwardData(onednn::convolutionBackwardData(cpu(), c.image(c.src), c.anyWeights(), c.image(c.dst),
                                                        c.geometry, c.forward({}, attributes), attributes));
  });
  const auto wanted = prepared.description.weights_desc();
  const bool direct = wanted == c.plainWeights();
  const Scratch blocked(direct ? 1 : wanted.get_size());
  if (!direct) reorder(c.plainWeights(), filter.data, wanted, blocked.data());
  execute(prepared.primitive, prepared.description.scratchpad_desc(),
          {{DNNL_ARG_DIFF_DST, memoryOf(prepared.description.diff_dst_desc(), dy.data)},
           {DNNL_ARG_WEIGHTS, memoryOf(wanted, direct ? filter.data : blocked.data())},
           {DNNL_ARG_DIFF_SRC, memoryOf(prepared.description.diff_src_desc(), dx.data)}});
}

/** The pixels that a filter meets, as `ofMetPixels` has them. */
void gatherMetPixels(const Convolution2d& c, const void* x, void* to) {
  const int64_t down = c.geometry.strides[0], across = c.geometry.strides[1];
  const int64_t height = c.dst[2], width = c.dst[3];
  const size_t pixel = static_cast<size_t>(c.src[1]) * bytesOf(c.dtype);
  const auto* from = static_cast<const char*>(x);
  auto* met = static_cast<char*>(to);
  parallelFor(c.dst[0] * height, width * c.src[1], [=, rows = c.src[2], columns = c.src[3]](int64_t first, int64_t end) {
    for (int64_t line = first; line < end; line++) {
      const int64_t row = line / height * rows + line % height * down;
      for (int64_t j = 0; j < width; j++) {
        std::memcpy(met + (line * width + j) * pixel, from + (row * columns + j * across) * pixel, pixel);
      }
    }
  });
}

void filterGradient(const Convolution2d& c, const Tensor& x, const Tensor& dy, const Tensor& dFilter) {
  if (const auto tiled = c.plain3x3() ? winograd::forFilterGradient(c.asWinograd()) : std::nullopt) {
    return winograd::filterGradient(*tiled, x.data, dy.data, dFilter.floats());
  }
  if (const auto single = c.asDepthwise3x3()) {
    return depthwise3x3::filterGradient(*single, x.data, dy.data, dFilter.floats());
  }
  if (!c.direct()) {
    const InFloats wideX(x), wideDy(dy);
    return filterGradient(c.inFloats(), wideX.read(), wideDy.read(), dFilter);
  }
  // oneDNN 3.2 gathers them itself, but for AVX2, where channels fill no vector, its threads are in each other's way.
  if (c.skipsPixels() && c.src[1] % lanes != 0) {
    const auto dense = c.ofMetPixels();
    const Scratch met(static_cast<size_t>(dense.src[0] * dense.src[1] * dense.src[2] * dense.src[3]) * bytesOf(c.dtype));
    gatherMetPixels(c, x.data, met.data());
    Tensor pixels = x;
    pixels.data = met.data();
    return filterGradient(dense, pixels, dy, dFilter);
  }
  static Cache<BackwardWeights> cache;
  auto& prepared = cache.get(c.key(), [&] {
    const auto attributes = withOwnScratchpad();
    return BackwardWeights(onednn::convolutionBackwardWeights(cpu(), c.image(c.src), c.anyGradient(), c.image(c.dst),
                                                              c.geometry, c.forward({}, attributes), attributes));
  });
  const auto made = prepared.description.diff_weights_desc();
  const bool direct = made == c.plainGradient();
  const Scratch blocked(direct ? 1 : made.get_size());
  execute(prepared.primitive, prepared.description.scratchpad_desc(),
          {{DNNL_ARG_SRC, memoryOf(prepared.description.src_desc(), x.data)},
           {DNNL_ARG_DIFF_DST, memoryOf(prepared.description.diff_dst_desc(), dy.data)},
           {DNNL_ARG_DIFF_WEIGHTS, memoryOf(made, direct ? dFilter.data : blocked.data())}});
  if (!direct) reorder(made, blocked.data(), c.plainGradient(), dFilter.data);
}

}  // namespace

/** y[b,i,j,o] = Σ x[b, i·s + u·d − p, …, c] · filter[u,v,c,o] (+ bias[o], then an activation). */
void Convolution(Arguments& in) {
  const Tensor x = in.stored(), filter = in.tensor(x.dtype), bias = in.optionalFloats(), y = in.stored();
  const Convolution2d c(x, filter, y, in);
  const auto activation = static_cast<Activation>(in.integer(0, 5));
  const float alpha = in.real();
  require(bias.data == nullptr || bias.size == c.dst[1], "expected a bias of one number per output channel");
  if (y.size == 0) return;
  if (c.empty()) throw BadArgument("cannot convolve without channels or pixels");
  convolve(c, x, filter, {bias, activation, alpha}, y);
}

/** dx[b, i·s + u·d − p, …, c] += Σ dy[b,i,j,o] · filter[u,v,c,o]. */
void ConvolutionInputGradient(Arguments& in) {
  const Tensor dy = in.stored(), filter = in.tensor(dy.dtype), dx = in.stored();
  const Convolution2d c(dx, filter, dy, in);
  if (c.empty()) return zero(dx);
  // The backward pass is the last to need a filter before its update. A network's reordered filters together are as large
  // as its weights, and memory is at its peak here: this copy is not kept, and that of the forward pass goes.
  dropLayouts(filter.id);
  inputGradient(c, dy, filter, dx);
}

/** df[u,v,c,o] = Σ x[b, i·s + u·d − p, …, c] · dy[b,i,j,o]. */
void ConvolutionFilterGradient(Arguments& in) {
  const Tensor x = in.stored(), dy = in.stored(), dFilter = in.floats();
  const Convolution2d c(x, dFilter, dy, in);
  if (c.empty()) return zero(dFilter);
  filterGradient(c, x, dy, dFilter);
}

}  // namespace bag
