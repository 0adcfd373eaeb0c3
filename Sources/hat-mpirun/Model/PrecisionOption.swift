import ArgumentParser
import HATKernels

/// `--precision`, of commands that use a trained model.
struct PrecisionOption: ParsableArguments {
  @Option(
    help: """
      Precision of the factors of matrix products: float32, or bf16, which takes half the memory (default: as in training).
      """)
  var precision: Precision?
}

extension Precision: ExpressibleByArgument {}
