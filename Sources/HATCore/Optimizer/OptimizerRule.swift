import HATKernels

/// How an optimiser updates parameters: what it keeps of each tensor between steps, and how it updates a part of one.
///
/// A rule knows tensors and their roles, not ranks. Another optimiser is a type that conforms to this protocol, a case of
/// `OptimizerKind`, and its settings.
public protocol OptimizerRule: Sendable {
  /// What is kept of a tensor between steps, zero at first. A section has the same place in the list of every tensor that
  /// has it.
  func state(of tensor: Tensor) -> [StateTensor]

  /// Whether one rank must update all of the tensor's floats. If not, every section has the tensor's own shape.
  func needsWhole(_ tensor: Tensor) -> Bool

  /// The work of updating a tensor, by which tensors are shared out over ranks. Its unit is one float's part of a pass
  /// over gradient, state and parameters.
  func cost(of tensor: Tensor) -> Double

  /// Floats of scratch memory that updating the tensor takes.
  func scratchFloats(for tensor: Tensor) -> Int

  /// Updates a part of a tensor, and its state. The result must not depend on the number of threads or on where parts are
  /// cut.
  func update(_ part: TensorPart, at step: OptimizerStep, with resources: UpdateResources)
}

extension OptimizerRule {
  public func cost(of tensor: Tensor) -> Double { Double(tensor.range.count) }

  public func scratchFloats(for tensor: Tensor) -> Int { 0 }
}

/// What a rule keeps of one tensor.
public struct StateTensor: Sendable, Equatable {
  /// The name of the section it belongs to, in snake case.
  public let section: String
  public let shape: [Int]

  public init(_ section: String, _ shape: [Int]) { (self.section, self.shape) = (section, shape) }
}

/// The floats of one tensor that a rank updates, with their gradient and state.
public struct TensorPart {
  public let tensor: Tensor
  public let parameters: FlatSlice
  /// The reduced gradient of these parameters, not yet scaled.
  public let gradient: UnsafePointer<Float>
  /// Their state, in the order of `OptimizerRule.state(of:)`.
  public let state: [FloatPointer]
  /// Of the gradient; nil if it may have touched any row of an n-gram table.
  public let marks: RowMarks?

  public init(
    _ tensor: Tensor, parameters: FlatSlice, gradient: UnsafePointer<Float>, state: [FloatPointer],
    marks: RowMarks? = nil
  ) {
    (self.tensor, self.parameters, self.gradient, self.state) = (tensor, parameters, gradient, state)
    self.marks = marks
  }
}

/// The numbers of one optimiser step, the same for all tensors.
public struct OptimizerStep: Sendable {
  /// Counted from 1.
  public let number: Int
  public let learningRate: Double
  /// Factor on every gradient: clipping times 1 / number of target positions.
  public let gradientScale: Double

  public init(_ number: Int, learningRate: Double, gradientScale: Double) {
    (self.number, self.learningRate, self.gradientScale) = (number, learningRate, gradientScale)
  }
}

extension TrainingConfiguration {
  /// The rule the configuration names.
  public var optimizerRule: any OptimizerRule {
    switch optimizer {
    case .adamw: AdamWRule(self)
    case .muon: MuonRule(self)
    }
  }
}
