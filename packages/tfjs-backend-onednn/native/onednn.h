// The one place that knows which oneDNN it is built against: 2.6 (Debian 12) or 3.x.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

namespace bag::onednn {

/** Strides, dilations (1 is dense) and padding of a convolution, height first. */
struct Geometry {
  dnnl::memory::dims strides, dilations, padBefore, padAfter;

  /** oneDNN counts the gaps between taps, not the steps. */
  dnnl::memory::dims gaps() const {
    auto result = dilations;
    for (auto& dilation : result) dilation -= 1;
    return result;
  }
};

using Descriptor = dnnl::memory::desc;
using Attributes = dnnl::primitive_attr;

inline constexpr auto convolution = dnnl::algorithm::convolution_direct;

#if DNNL_VERSION_MAJOR >= 3

/** `bias` may be the empty descriptor. */
inline dnnl::convolution_forward::primitive_desc convolutionForward(const dnnl::engine& engine, const Descriptor& src,
                                                                    const Descriptor& weights, const Descriptor& bias,
                                                                    const Descriptor& dst, const Geometry& g,
                                                                    const Attributes& attributes) {
  return {engine, dnnl::prop_kind::forward_training, convolution,  src,        weights, bias, dst, g.strides,
          g.gaps(), g.padBefore, g.padAfter, attributes};
}

inline dnnl::convolution_backward_data::primitive_desc convolutionBackwardData(
    const dnnl::engine& engine, const Descriptor& diffSrc, const Descriptor& weights, const Descriptor& diffDst,
    const Geometry& g, const dnnl::convolution_forward::primitive_desc& forward, const Attributes& attributes) {
  return {engine, convolution, diffSrc, weights, diffDst, g.strides, g.gaps(), g.padBefore, g.padAfter, forward,
          attributes};
}

inline dnnl::convolution_backward_weights::primitive_desc convolutionBackwardWeights(
    const dnnl::engine& engine, const Descriptor& src, const Descriptor& diffWeights, const Descriptor& diffDst,
    const Geometry& g, const dnnl::convolution_forward::primitive_desc& forward, const Attributes& attributes) {
  return {engine, convolution, src, diffWeights, diffDst, g.strides, g.gaps(), g.padBefore, g.padAfter, forward,
          attributes};
}

/** `bias` may be the empty descriptor. */
inline dnnl::matmul::primitive_desc matmul(const dnnl::engine& engine, const Descriptor& a, const Descriptor& b,
                                           const Descriptor& bias, const Descriptor& c, const Attributes& attributes) {
  return {engine, a, b, bias, c, attributes};
}

#else

inline dnnl::convolution_forward::primitive_desc convolutionForward(const dnnl::engine& engine, const Descriptor& src,
                                                                    const Descriptor& weights, const Descriptor& bias,
                                                                    const Descriptor& dst, const Geometry& g,
                                                                    const Attributes& attributes) {
  return {{dnnl::prop_kind::forward_training, convolution, src, weights, bias, dst, g.strides, g.gaps(), g.padBefore,
           g.padAfter},
          attributes, engine};
}

inline dnnl::convolution_backward_data::primitive_desc convolutionBackwardData(
    const dnnl::engine& engine, const Descriptor& diffSrc, const Descriptor& weights, const Descriptor& diffDst,
    const Geometry& g, const dnnl::convolution_forward::primitive_desc& forward, const Attributes& attributes) {
  return {{convolution, diffSrc, weights, diffDst, g.strides, g.gaps(), g.padBefore, g.padAfter},
          attributes, engine, forward};
}

inline dnnl::convolution_backward_weights::primitive_desc convolutionBackwardWeights(
    const dnnl::engine& engine, const Descriptor& src, const Descriptor& diffWeights, const Descriptor& diffDst,
    const Geometry& g, const dnnl::convolution_forward::primitive_desc& forward, const Attributes& attributes) {
  return {{convolution, src, diffWeights, diffDst, g.strides, g.gaps(), g.padBefore, g.padAfter},
          attributes, engine, forward};
}

inline dnnl::matmul::primitive_desc matmul(const dnnl::engine& engine, const Descriptor& a, const Descriptor& b,
                                           const Descriptor& bias, const Descriptor& c, const Attributes& attributes) {
  return {{a, b, bias, c}, attributes, engine};
}

#endif

}  // namespace bag::onednn
