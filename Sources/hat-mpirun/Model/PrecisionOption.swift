import ArgumentParser
import HATKernels

/// `--precision`, of commands that use a trained model.
struct PrecisionOption: ParsableArguments {
  @Option(help: "Factors of products: float32, or bf16, half the memory (default: as in training).")
  var precision: Precision?
}

extension Precision: ExpressibleByArgument {}
