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

inline void appendEltwise(dnnl::post_ops& ops, dnnl::algorithm algorithm, float alpha, float beta) {
  ops.append_eltwise(algorithm, alpha, beta);
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

inline void appendEltwise(dnnl::post_ops& ops, dnnl::algorithm algorithm, float alpha, float beta) {
  ops.append_eltwise(1.0f, algorithm, alpha, beta);
}

#endif

/** An activation as the last step of a primitive, by the numbers of src/activation.ts. */
inline void appendActivation(dnnl::post_ops& ops, int64_t activation, float alpha) {
  using dnnl::algorithm;
  switch (activation) {
    case 1: return appendEltwise(ops, algorithm::eltwise_relu, 0, 0);
    case 2: return appendEltwise(ops, algorithm::eltwise_clip, 0, 6);
    case 3: return appendEltwise(ops, algorithm::eltwise_elu, 1, 0);
    case 4: return appendEltwise(ops, algorithm::eltwise_logistic, 0, 0);
    case 5: return appendEltwise(ops, algorithm::eltwise_relu, alpha, 0);
    default: return;
  }
}

}  // namespace bag::onednn
