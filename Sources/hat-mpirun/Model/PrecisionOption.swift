import ArgumentParser
import HATKernels

/// `--precision`, of commands that use a trained model.
struct PrecisionOption: ParsableArguments {
  @Option(help: "Factors of matrix products: float32, or bf16 for half the memory of weights (default: as in training).")
  var precision: Precision?
}

extension Precision: @retroactive ExpressibleByArgument {}
