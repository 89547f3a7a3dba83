"""What the fixtures' scripts fill networks with, and how they store gradients: `src/noise.ts` in Python."""
import math
import torch


def noise(name, size):
    """The same numbers in [-1, 1) as the tests make: a multiplicative hash of name and position."""
    seed = 0
    for ch in name:
        seed = (seed * 31 + ord(ch)) & 0xFFFFFFFF
    i = torch.arange(size, dtype=torch.int64)
    h = (i * 2654435761 + seed) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 2246822519) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 3266489917) & 0xFFFFFFFF
    h = (h ^ (h >> 16)) & 0xFFFFFFFF
    return h.to(torch.float64) / 2**31 - 1


def ours(t):
    """A tensor as this project lays it out: filters HWIO, depthwise ones HWC1, the dense weight [in, out]."""
    if t.dim() == 4:
        return t.permute(2, 3, 1, 0)
    return t.t() if t.dim() == 2 else t


def fill(name, shape):
    """Values in this project's layout, brought to torch's."""
    n = noise(name, math.prod(shape)).float().double()
    if len(shape) == 4:
        o, i, h, w = shape
        return (n * math.sqrt(6 / (i * h * w))).float().double().reshape(h, w, i, o).permute(3, 2, 0, 1).contiguous()
    if len(shape) == 2:
        o, i = shape
        return (n * math.sqrt(3 / i)).float().double().reshape(i, o).t().contiguous()
    if name.endswith("running_var"):
        return (1 + 0.3 * n).float().double()
    if name.endswith("running_mean") or name.endswith("bias"):
        return (0.1 * n).float().double()
    # Weak bottlenecks: with strong ones, fifty layers amplify rounding until even torch's own single precision is off
    # by percents.
    return ((0.2 if name.endswith("bn3.weight") else 1) * (1 + 0.2 * n)).float().double()


def filled(net):
    """The network with its parameters and running statistics filled in by their names."""
    with torch.no_grad():
        for name, t in [*net.named_parameters(), *net.named_buffers()]:
            if not name.endswith("num_batches_tracked"):
                t.copy_(fill(name, tuple(t.shape)))
    return net


def images(name, batch, size):
    """`[batch, 3, size, size]`."""
    values = noise(name, batch * size * size * 3).float().double()
    return values.reshape(batch, size, size, 3).permute(0, 3, 1, 2)


def sketch(name, t, digits=9):
    """A tensor's norm and its products with four vectors of ±1, which bound the error of the whole (Johnson and
    Lindenstrauss)."""
    flat = ours(t).reshape(-1).double()
    signs = [torch.where(noise(f"{name}#{k}", flat.numel()) < 0, -1.0, 1.0) for k in range(4)]
    return rounded([flat.norm(), *[(flat * s).sum() for s in signs]], digits)


def rounded(values, digits=9):
    return [float(f"{float(v):.{digits}g}") for v in values]
