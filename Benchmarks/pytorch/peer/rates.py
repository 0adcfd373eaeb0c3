"""What this PyTorch is made of, and its matrix-product rates with one thread at 1024 x 1024 x 1024, as JSON."""

from __future__ import annotations

import json
import time

import torch

from .products import LINEAR

SIZE, TRIES = 1024, 7


def flops_per_second(products: str, type: torch.dtype) -> float:
    x, weight = (torch.randn(SIZE, SIZE, dtype=type) for _ in range(2))
    fastest = float("inf")
    for _ in range(TRIES):
        start = time.perf_counter()
        LINEAR[products](x, weight)
        fastest = min(fastest, time.perf_counter() - start)
    return 2 * SIZE**3 / fastest


def main() -> None:
    torch.set_num_threads(1)
    print(json.dumps({
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "flops_per_second": {
            "by MKL": flops_per_second("mkl", torch.float32),
            "by oneDNN": flops_per_second("onednn", torch.float32),
            "in bfloat16": flops_per_second("mkl", torch.bfloat16),
        },
    }))


if __name__ == "__main__":
    main()
