// The convolutions of a ResNet-50 training step and nothing else: every primitive once, on operands that are laid out as
// it wants them. What an engine over oneDNN can reach at most.
// Usage: convolutions_alone BATCH STEPS [nhwc|any] ; prints one JSON object.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "onednn.h"

using namespace bag::onednn;
using dnnl::memory;

struct Layer {
  int count, size, from, to, kernel, stride;
};

// ResNet-50 (B: the stride is in the 3×3), 224²: how many, input size, channels, kernel, stride.
static const std::vector<Layer> layers = {
    {1, 224, 3, 64, 7, 2},     {1, 56, 64, 64, 1, 1},    {3, 56, 64, 64, 3, 1},     {4, 56, 64, 256, 1, 1},
    {2, 56, 256, 64, 1, 1},    {1, 56, 256, 128, 1, 1},  {1, 56, 128, 128, 3, 2},   {4, 28, 128, 512, 1, 1},
    {1, 56, 256, 512, 1, 2},   {3, 28, 512, 128, 1, 1},  {3, 28, 128, 128, 3, 1},   {1, 28, 512, 256, 1, 1},
    {1, 28, 256, 256, 3, 2},   {6, 14, 256, 1024, 1, 1}, {1, 28, 512, 1024, 1, 2},  {5, 14, 1024, 256, 1, 1},
    {5, 14, 256, 256, 3, 1},   {1, 14, 1024, 512, 1, 1}, {1, 14, 512, 512, 3, 2},   {3, 7, 512, 2048, 1, 1},
    {1, 14, 1024, 2048, 1, 2}, {2, 7, 2048, 512, 1, 1},  {2, 7, 512, 512, 3, 1}};

int main(int argc, char** argv) {
  const int batch = argc > 1 ? std::atoi(argv[1]) : 16;
  const int steps = argc > 2 ? std::atoi(argv[2]) : 5;
  const bool any = argc > 3 && std::strcmp(argv[3], "any") == 0;
  const auto type = memory::data_type::f32;
  dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);

  struct Work {
    dnnl::primitive primitive;
    std::unordered_map<int, memory> arguments;
    int count, kind;
  };
  std::vector<Work> works;
  // The first layer's input needs no gradient.
  for (size_t i = 0; i < layers.size(); i++) {
    const auto [count, size, from, to, kernel, stride] = layers[i];
    const int out = (size + stride - 1) / stride, pad = kernel / 2;
    const int after = (out - 1) * stride + kernel - size - pad;
    const Geometry g{{stride, stride}, {1, 1}, {pad, pad}, {after, after}};
    const auto tag = any ? memory::format_tag::any : memory::format_tag::nhwc;
    const Descriptor src({batch, from, size, size}, type, tag), dst({batch, to, out, out}, type, tag);
    const Descriptor weights({to, from, kernel, kernel}, type, memory::format_tag::any);
    const auto forward = convolutionForward(engine, src, weights, {}, dst, g, {});
    auto make = [&](const Descriptor& d) {
      memory m(d, engine);
      float* p = static_cast<float*>(m.get_data_handle());
      for (size_t k = 0; k < d.get_size() / 4; k++) p[k] = static_cast<float>(k % 7) * 0.1f - 0.3f;
      return m;
    };
    const auto x = make(forward.src_desc()), y = make(forward.dst_desc());
    works.push_back({dnnl::convolution_forward(forward),
                     {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, make(forward.weights_desc())}, {DNNL_ARG_DST, y}},
                     count, 0});
    if (i > 0) {
      const auto pd = convolutionBackwardData(engine, src, weights, dst, g, forward, {});
      works.push_back({dnnl::convolution_backward_data(pd),
                       {{DNNL_ARG_DIFF_DST, make(pd.diff_dst_desc())},
                        {DNNL_ARG_WEIGHTS, make(pd.weights_desc())},
                        {DNNL_ARG_DIFF_SRC, make(pd.diff_src_desc())}},
                       count, 1});
    }
    const auto pd = convolutionBackwardWeights(engine, src, weights, dst, g, forward, {});
    works.push_back({dnnl::convolution_backward_weights(pd),
                     {{DNNL_ARG_DIFF_DST, make(pd.diff_dst_desc())},
                      {DNNL_ARG_SRC, make(pd.src_desc())},
                      {DNNL_ARG_DIFF_WEIGHTS, make(pd.diff_weights_desc())}},
                     count, 2});
  }

  std::vector<double> times;
  double parts[3] = {0, 0, 0};
  for (int step = -1; step < steps; step++) {
    double total = 0;
    for (auto& [primitive, arguments, count, kind] : works) {
      const auto start = std::chrono::steady_clock::now();
      for (int n = 0; n < count; n++) primitive.execute(stream, arguments);
      stream.wait();
      const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
      total += ms;
      if (step >= 0) parts[kind] += ms / steps;
    }
    if (step >= 0) times.push_back(total);
  }
  std::sort(times.begin(), times.end());
  const auto* version = dnnl::version();
  std::printf("{\"onednn\":\"%d.%d.%d\",\"batch\":%d,\"stepMs\":%.1f,\"imagesPerSecond\":%.2f,\"forwardMs\":%.1f,"
              "\"inputGradientMs\":%.1f,\"filterGradientMs\":%.1f}\n",
              version->major, version->minor, version->patch, batch, times[times.size() / 2],
              batch / times[times.size() / 2] * 1e3, parts[0], parts[1], parts[2]);
}
