"""The laws as constants of the program."""

from collections.abc import Iterable, Mapping

from scaling.fit import REFERENCE_FLOPS_PER_BYTE, REFERENCE_TEXT_BYTES, Coefficients, Law

# Of the resampled fits, in the order they were made: enough for the ends of nine of ten.
KEPT = 40


def source(laws: Mapping[str, Law]) -> str:
    """An extension of `ScalingLaw`, with a constant for each kind of model, in the program's format."""
    return "\n".join(
        [
            "// Written by scripts/scaling-laws; do not edit.",
            "",
            "extension ScalingLaw {",
            "  /// F₀, training FLOPs per byte.",
            f"  static let referenceFlopsPerByte = {_number(REFERENCE_FLOPS_PER_BYTE)}",
            "  /// D₀, bytes.",
            f"  static let referenceTextBytes = {_number(REFERENCE_TEXT_BYTES)}",
            *(line for kind, law in laws.items() for line in _constant(kind, law)),
            "}",
            "",
        ]
    )


def _constant(kind: str, law: Law) -> Iterable[str]:
    yield ""
    yield f"  public static let {kind} = ScalingLaw("
    yield f"    coefficients: {_coefficients(law.coefficients)},"
    yield "    resampled: ["
    for each in law.resampled[:KEPT]:
        yield f"      {_coefficients(each)},"
    yield (
        f"    ], residualDeviation: {_number(law.deviation)}, flopsPerByte: {_range(law.flops_per_byte)}, "
        f"textBytes: {_range(law.text_bytes)})"
    )


def _coefficients(law: Coefficients) -> str:
    return (
        f".init(floor: {_number(law.floor)}, size: {_number(law.size)}, "
        f"sizeExponent: {_number(law.size_exponent)}, text: {_number(law.text)}, "
        f"textExponent: {_number(law.text_exponent)})"
    )


def _range(ends: tuple[float, float]) -> str:
    return "...".join(map(_number, ends))


def _number(value: float) -> str:
    """With an exponent where it has many digits before the point: `3e6`."""
    text = f"{value:.5g}" if value < 1e5 else f"{value:.4e}"
    digits, _, exponent = text.partition("e")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return f"{digits}e{int(exponent)}" if exponent else digits
