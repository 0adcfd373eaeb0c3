"""What this PyTorch is made of, and its matrix-product rates with one thread at 1024 x 1024 x 1024, as JSON."""

from __future__ import annotations

import json
import time

import torch

from .products import LINEAR

SIZE, TRIES = 1024, 7


def flops_per_second(products: str) -> float:
    x, weight = torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE)
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
        "mkl_flops_per_second": flops_per_second("mkl"),
        "onednn_flops_per_second": flops_per_second("onednn"),
    }))


if __name__ == "__main__":
    main()
