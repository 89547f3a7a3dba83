"""PyTorch's side of depthwise.mjs: for each line of JSON one operation, several times if it is short. Channels-last, all
threads that OMP_NUM_THREADS allows."""
import functools
import json
import sys
import time

import torch
from torch.nn import functional as F


@functools.lru_cache(1)
def inputs(batch, size, channels, stride, precision):
    dtype = torch.bfloat16 if precision == 'bf16' else torch.float32
    out = (size - 1) // stride + 1

    def image(n):
        return torch.randn(batch, channels, n, n).to(dtype).to(memory_format=torch.channels_last)

    return image(size), torch.randn(channels, 1, 3, 3).to(dtype), image(out)


def run(work, x, w, dy, stride):
    groups = x.shape[1]
    if work == 'forward':
        return F.conv2d(x, w, stride=stride, padding=1, groups=groups)
    mask = [work == 'input', work == 'filter', False]
    return torch.ops.aten.convolution_backward(dy, x, w, None, [stride, stride], [1, 1], [1, 1], False, [0, 0], groups,
                                               mask)


for line in sys.stdin:
    layer = json.loads(line)
    work = layer.pop('work')
    tensors = inputs(**layer)
    count, start = 0, time.perf_counter()
    with torch.no_grad():
        while True:
            run(work, *tensors, layer['stride'])
            count += 1
            ms = (time.perf_counter() - start) * 1e3
            if ms >= 20:
                break
    print(json.dumps({'ms': ms / count}), flush=True)
