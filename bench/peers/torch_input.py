"""torchvision's side of input.mjs: its usual training transforms on PIL images, in this process; a pass for each line."""
import json
import pathlib
import sys
import time

import torch
from PIL import Image
from torchvision import transforms

torch.set_num_threads(1)
endings = {'.jpg', '.jpeg', '.png'}
files = sorted(file for file in pathlib.Path(sys.argv[1]).rglob('*') if file.suffix.lower() in endings)
prepare = transforms.Compose([
    transforms.RandomResizedCrop(224),
    transforms.RandomHorizontalFlip(),
    transforms.ColorJitter(0.4, 0.4, 0.4),
    transforms.ToTensor(),
    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
])

for line in sys.stdin:
    start = time.perf_counter()
    for file in files:
        with Image.open(file) as image:
            prepare(image.convert('RGB'))
    print(json.dumps({'ms': (time.perf_counter() - start) * 1e3}), flush=True)
