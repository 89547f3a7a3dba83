"""PyTorch's side: `torch_resnet.py MODEL BATCH SIZE [PRECISION]`, then for each line `train` or `infer` one step; `memory`
for the peak, `version` for PyTorch's. Channels-last, Nesterov SGD with weight decay, all threads that OMP_NUM_THREADS
allows."""
import json
import resource
import sys
import time
import warnings

import torch
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings('ignore')


class Block(nn.Module):
    """Basic where `expansion` is 1, else a bottleneck with the stride in its 3×3."""

    def __init__(self, channels, width, stride, expansion):
        super().__init__()
        out = width * expansion
        sizes = [(channels, width, 3, stride), (width, out, 3, 1)] if expansion == 1 else [
            (channels, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1)]
        self.convs = nn.ModuleList(nn.Conv2d(a, b, k, s, k // 2, bias=False) for a, b, k, s in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for _, b, _, _ in sizes)
        self.shortcut = None
        if stride != 1 or channels != out:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = x
        for conv, norm in zip(self.convs[:-1], self.norms[:-1]):
            y = F.relu(norm(conv(y)), inplace=True)
        y = self.norms[-1](self.convs[-1](y))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)), inplace=True)


def network(depth):
    if depth in (18, 34, 50, 101, 152):
        counts = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3]}[depth]
        expansion, width, classes = 4 if depth >= 50 else 1, 64, 1000
        layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True),
                  nn.MaxPool2d(3, 2, 1)]
    else:
        counts, expansion, width, classes = [(depth - 2) // 6] * 3, 1, 16, 10
        layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    channels = width
    for stage, count in enumerate(counts):
        for i in range(count):
            stride = 2 if stage > 0 and i == 0 else 1
            layers.append(Block(channels, width << stage, stride, expansion))
            channels = (width << stage) * expansion
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)), classes


def main():
    batch, size = int(sys.argv[2]), int(sys.argv[3])
    bf16 = len(sys.argv) > 4 and sys.argv[4] == 'bf16'
    torch.manual_seed(0)
    model, classes = network(int(sys.argv[1].removeprefix('resnet')))
    model = model.to(memory_format=torch.channels_last)
    x = torch.randn(batch, 3, size, size).to(memory_format=torch.channels_last)
    y = torch.randint(0, classes, (batch,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-4)

    def train():
        model.train()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=bf16):
            loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        loss.item()

    def infer():
        model.eval()
        with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16, enabled=bf16):
            model(x).sum().item()

    for line in sys.stdin:
        line = line.strip()
        if line == 'memory':
            answer = {'peakRssMiB': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
        elif line == 'version':
            answer = {'version': f'PyTorch {torch.__version__}', 'threads': torch.get_num_threads()}
        else:
            start = time.perf_counter()
            {'train': train, 'infer': infer}[line]()
            answer = {'ms': (time.perf_counter() - start) * 1e3}
        print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main()
