"""The processor that a comparison was made on: which of them has what decides it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Processor:
    name: str
    family: str
    """With the model's number: virtual machines often hide the rest of the name."""
    amx_bf16: bool
    avx512_bf16: bool

    @staticmethod
    def here() -> Processor:
        return Processor.parse(Path("/proc/cpuinfo").read_text())

    @staticmethod
    def parse(text: str) -> Processor:
        """The first processor of /proc/cpuinfo."""
        first = text.strip().split("\n\n")[0]
        fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
        flags = fields.get("flags", "").split()
        return Processor(
            name=fields.get("model name", "unknown"),
            family=f"family {fields.get('cpu family', '?')}, model {fields.get('model', '?')}",
            amx_bf16="amx_bf16" in flags, avx512_bf16="avx512_bf16" in flags)

    def json(self) -> dict:
        return asdict(self)

    def __str__(self) -> str:
        has = {True: "with", False: "without"}
        return (
            f"{self.name} ({self.family}), {has[self.amx_bf16]} AMX-BF16, {has[self.avx512_bf16]} AVX512-BF16")
