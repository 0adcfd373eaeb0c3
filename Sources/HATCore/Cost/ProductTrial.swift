import HATKernels

/// Times a model's own matrix products, to choose how to compute them: those of a layer of the backbone, and for a hierarchical
/// model those of a layer of the decoder, with as many rows as a micro-batch and a tile have. Large sizes are cut, so that all
/// trials together take a fraction of a second.
public struct ProductTrial {
  /// x[rows, inputs] · weight[outputs, inputs]ᵀ, and its two gradients.
  private struct Shape {
    let rows, inputs, outputs: Int
    /// Multiply-adds of training that it stands for, times two.
    let flops: Double
  }

  /// A faster arithmetic must be so much faster than one that is preferred: otherwise noise would decide about bits.
  private static let leastGain = 1.15
  private static let (mostRows, mostColumns) = (512, 1024)
  private static let rounds = 3
  private static let slow = Duration.milliseconds(50)

  private let shapes: [Shape]

  public init(_ configuration: Configuration) {
    let model = configuration.model
    let positions = configuration.sequencesPerMicroBatch * configuration.data.sequenceWords
    var stacks = [(stack: model.backbone, rows: positions)]
    // A word has some seven bytes and marks.
    if model.kind == .hierarchical { stacks.append((model.decoder, 7 * positions)) }
    shapes = stacks.map { stack, rows in
      let parameters = stack.layers * stack.width * (stack.queryKeyValueWidth + 3 * stack.mlpHidden)
      return Shape(
        rows: min(rows, Self.mostRows), inputs: min(stack.width, Self.mostColumns),
        outputs: min(2 * stack.mlpHidden, Self.mostColumns), flops: 6 * Double(rows) * Double(parameters))
    }
  }

  /// Floating-point operations a second of one thread, over the shapes as often as training meets them.
  public func flopsPerSecond(by arithmetic: ProductArithmetic) -> Double {
    let seconds = shapes.reduce(0) { $0 + $1.flops / Self.rate($1, arithmetic) }
    return shapes.reduce(0) { $0 + $1.flops } / seconds
  }

  /// The fastest of those of a precision that this processor has, by `choose`.
  public func fastest(_ precision: Precision) -> ProductArithmetic {
    let candidates = ProductArithmetic.available(precision)
    guard candidates.count > 1 else { return candidates[0] }
    return Self.choose(candidates.map { ($0, flopsPerSecond(by: $0)) })
  }

  /// The one with the highest rate; of those nearly as fast, the one that most machines have.
  public static func choose(
    _ candidates: [(arithmetic: ProductArithmetic, flopsPerSecond: Double)]
  ) -> ProductArithmetic {
    var best = candidates[0]
    for candidate in candidates.dropFirst()
    where candidate.flopsPerSecond > leastGain * best.flopsPerSecond {
      best = candidate
    }
    return best.arithmetic
  }

  private static func rate(_ shape: Shape, _ arithmetic: ProductArithmetic) -> Double {
    let (rows, inputs, outputs) = (shape.rows, shape.inputs, shape.outputs)
    // Results have places of their own, so that no factor grows from round to round.
    let floats = FloatBuffer(zeroed: rows * (2 * inputs + outputs) + 2 * outputs * inputs)
    floats.base.update(repeating: 0.5, count: floats.count)
    let x = MatrixView(floats.base, rows: rows, columns: inputs)
    let dx = MatrixView(x.base + rows * inputs, rows: rows, columns: inputs)
    let y = MatrixView(dx.base + rows * inputs, rows: rows, columns: outputs)
    let weight = MatrixView(y.base + rows * outputs, rows: outputs, columns: inputs)
    let dWeight = MatrixView(weight.base + outputs * inputs, rows: outputs, columns: inputs)
    func round() -> Duration {
      ContinuousClock().measure {
        MatrixProduct.linear(x, weight: LinearWeight(weight.constant), into: y, by: arithmetic)
        MatrixProduct.inputGradient(y, weight: weight.constant, into: dx, by: arithmetic)
        MatrixProduct.weightGradient(y, input: x, adding: false, into: dWeight, by: arithmetic)
      }
    }
    let fastest = withExtendedLifetime(floats) {
      let first = round()
      // What is that slow will not be chosen.
      return first > slow ? first : (1..<rounds).reduce(first) { fastest, _ in min(fastest, round()) }
    }
    return 6 * Double(rows * inputs * outputs) / (fastest / .seconds(1))
  }
}
