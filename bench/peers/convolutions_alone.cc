// The convolutions of a ResNet-50 step and nothing else: every primitive as often as the step runs it, on NHWC images and
// weights that are laid out as it wants them. What an engine that leaves all of them to oneDNN can reach at most.
// Usage: convolutions_alone BATCH [fp32|bf16]; then for each line `train` or `infer` one step; `version` for oneDNN's.
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
  const bool half = argc > 2 && std::strcmp(argv[2], "bf16") == 0;
  const auto type = half ? memory::data_type::bf16 : memory::data_type::f32;
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
    const auto tag = memory::format_tag::nhwc;
    const Descriptor src({batch, from, size, size}, type, tag), dst({batch, to, out, out}, type, tag);
    const Descriptor weights({to, from, kernel, kernel}, type, memory::format_tag::any);
    // The gradient of a filter is float32 in mixed precision, too.
    const Descriptor gradient({to, from, kernel, kernel}, memory::data_type::f32, memory::format_tag::any);
    const auto forward = convolutionForward(engine, src, weights, {}, dst, g, {});
    auto make = [&](const Descriptor& d) {
      memory m(d, engine);
      auto* words = static_cast<uint32_t*>(m.get_data_handle());
      for (size_t k = 0; k < d.get_size() / 4; k++) {
        const float value = static_cast<float>(k % 7) * 0.1f - 0.3f;
        std::memcpy(words + k, &value, sizeof value);
        // Two numbers in 16 bits: the upper half of one in 32, twice.
        if (half) words[k] = words[k] >> 16 | (words[k] & 0xffff0000);
      }
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
    const auto pd = convolutionBackwardWeights(engine, src, gradient, dst, g, forward, {});
    works.push_back({dnnl::convolution_backward_weights(pd),
                     {{DNNL_ARG_DIFF_DST, make(pd.diff_dst_desc())},
                      {DNNL_ARG_SRC, make(pd.src_desc())},
                      {DNNL_ARG_DIFF_WEIGHTS, make(pd.diff_weights_desc())}},
                     count, 2});
  }

  char line[64];
  while (std::fgets(line, sizeof line, stdin)) {
    if (std::strncmp(line, "version", 7) == 0) {
      const auto* version = dnnl::version();
      std::printf("{\"version\":\"oneDNN %d.%d.%d\"}\n", version->major, version->minor, version->patch);
    } else {
      const bool train = std::strncmp(line, "train", 5) == 0;
      const auto start = std::chrono::steady_clock::now();
      for (auto& [primitive, arguments, count, kind] : works) {
        if (!train && kind > 0) continue;
        for (int n = 0; n < count; n++) primitive.execute(stream, arguments);
      }
      stream.wait();
      std::printf("{\"ms\":%f}\n",
                  std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
    std::fflush(stdout);
  }
}
