import Foundation
import HATKernels
import TestSupport
import Testing

@testable import HATCore

/// Muon against a plain implementation in double precision, written from its definition.
@Suite struct MuonRuleTests {
  private static func training(_ change: (inout TrainingConfiguration) -> Void = { _ in })
    -> TrainingConfiguration
  {
    var training = TrainingConfiguration()
    training.optimizer = .muon
    change(&training)
    return training
  }

  @Test(arguments: [[8, 8], [24, 60], [60, 24], [1, 30], [130, 70]], [1, 3, 5])
  func hiddenMatricesFollowTheDefinition(shape: [Int], steps: Int) {
    let training = Self.training {
      $0.newtonSchulzSteps = steps
      $0.muonMomentum = 0.9
    }
    check(training, shape, .jordan(steps: steps))
  }

  @Test(arguments: [[8, 8], [24, 60], [60, 24], [1, 30], [130, 70]])
  func polarExpressFollowsTheDefinition(shape: [Int]) {
    let training = Self.training {
      $0.orthogonalization = .polarExpress
      $0.muonMomentum = 0.9
    }
    check(training, shape, .polarExpress)
  }

  private func check(_ training: TrainingConfiguration, _ shape: [Int], _ iteration: MuonWitness.Iteration) {
    let subject = RuleSubject(RuleSubject.tensor(shape, .hiddenMatrix), training)
    var witness = MuonWitness(
      rows: shape[0], columns: shape[1], weights: subject.values, momentum: 0.9, iteration: iteration,
      weightDecay: 0.1)
    for step in 1...4 {
      let gradient = RuleSubject.gradient(shape[0] * shape[1], step: step)
      subject.update(step, gradient, rate: 0.01)
      witness.update(gradient.map { 0.5 * Double($0) }, rate: 0.01)
    }
    let moved = zip(subject.values, RuleSubject(subject.tensor, training).values).map { abs($0 - $1) }.max()!
    let error = zip(subject.values, witness.weights).map { abs($0 - $1) }.max()!
    #expect(moved > 1e-3)
    #expect(error < 3e-4 * moved, "\(error) of \(moved)")
  }

  /// What squares of singular values become: near 1, from a hundredth of the norm on.
  @Test(arguments: Orthogonalization.allCases)
  func updatesAreNearlyOrthogonal(orthogonalization: Orthogonalization) {
    let limit: Float =
      switch orthogonalization {
      case .newtonSchulz: 0.6
      // Singular values become 0.14 to 1.86.
      case .polarExpress: 2.46
      }
    let (rows, columns) = (20, 50)
    let x = FloatBuffer(zeroed: rows * columns)
    for (index, value) in RuleSubject.gradient(rows * columns, step: 1).enumerated() { x.base[index] = value }
    let (result, scratch) = (
      FloatBuffer(zeroed: x.count), FloatBuffer(zeroed: Orthogonalizer.scratchFloats([rows, columns]))
    )
    Orthogonalizer(Self.training { $0.orthogonalization = orthogonalization }).orthogonalize(
      MatrixView(x.base, rows: rows, columns: columns),
      into: MatrixView(result.base, rows: rows, columns: columns),
      scratch: scratch.base,
      UpdateResources(
        workers: WorkerPool(threads: 1), arithmetic: .fusedMultiplyAdds, scratch: scratch.base))
    for row in 0..<rows {
      for other in 0..<rows {
        let product = (0..<columns).reduce(0) {
          $0 + result.base[row * columns + $1] * result.base[other * columns + $1]
        }
        #expect(abs(product - (row == other ? 1 : 0)) < limit, "\(row), \(other)")
      }
    }
  }

  @Test(arguments: TensorRole.allCases.filter { $0 != .hiddenMatrix })
  func otherTensorsFollowAdamW(role: TensorRole) {
    let tensor = RuleSubject.tensor([30, 11], role)
    let (muon, adamW) = (RuleSubject(tensor, Self.training()), RuleSubject(tensor, TrainingConfiguration()))
    for step in 1...3 {
      let gradient = RuleSubject.gradient(330, step: step)
      for subject in [muon, adamW] { subject.update(step, gradient, rate: 0.01) }
    }
    #expect(muon.bits == adamW.bits)
  }

  @Test(arguments: [[300, 200], [100, 640]], Orthogonalization.allCases)
  func threadsChangeNothing(shape: [Int], orthogonalization: Orthogonalization) {
    let training = Self.training { $0.orthogonalization = orthogonalization }
    let subjects = [1, 2, 3].map {
      RuleSubject(RuleSubject.tensor(shape, .hiddenMatrix), training, threads: $0)
    }
    for step in 1...2 {
      let gradient = RuleSubject.gradient(shape[0] * shape[1], step: step)
      for subject in subjects { subject.update(step, gradient, rate: 0.01) }
    }
    #expect(subjects.dropFirst().allSatisfy { $0.bits == subjects[0].bits })
  }

  /// A matrix no gradient reaches only decays.
  @Test(arguments: Orthogonalization.allCases)
  func zerosLeaveOnlyTheDecay(orthogonalization: Orthogonalization) {
    let training = Self.training { $0.orthogonalization = orthogonalization }
    let subject = RuleSubject(RuleSubject.tensor([9, 12], .hiddenMatrix), training)
    let before = subject.values
    subject.update(1, Array(repeating: 0, count: 108), rate: 0.1)
    #expect(zip(subject.values, before).allSatisfy { abs($0 - 0.99 * $1) < 1e-8 })
  }

  @Test func aMatrixHasOneMomentumAndNeedsItsOwner() {
    let rule = Self.training().optimizerRule
    let matrix = RuleSubject.tensor([40, 50], .hiddenMatrix)
    #expect(rule.state(of: matrix) == [StateTensor("momentum", [40, 50])])
    #expect(rule.needsWhole(matrix))
    #expect(rule.cost(of: matrix) > 2000)
    let embedding = RuleSubject.tensor([40, 50], .embedding)
    #expect(rule.state(of: embedding).map(\.section) == ["first_moment", "second_moment"])
    #expect(!rule.needsWhole(embedding) && rule.scratchFloats(for: embedding) == 0)
  }

  @Test(arguments: OptimizerKind.allCases, TensorRole.allCases)
  func factorsOnTheLearningRateAreOfRoleAndModule(kind: OptimizerKind, role: TensorRole) {
    let plain = Self.training { $0.optimizer = kind }
    let scaled = Self.training {
      $0.optimizer = kind
      $0.rates.hiddenMatrices = 2
      $0.rates.embeddings = 3
      $0.rates.ngramTables = 4
      $0.rates.head = 5
      $0.rates.gains = 7
      $0.rates.byteModules = 11
    }
    for (name, module) in [("encoder.x", 11.0), ("decoder.x", 11), ("backbone.x", 1), ("byte_embedding", 1)] {
      let tensor = RuleSubject.tensor([6, 8], role, name)
      let factors = [
        TensorRole.hiddenMatrix: 2.0, .embedding: 3, .ngramTable: 4, .head: 5, .gain: 7,
      ]
      let factor = factors[role]! * module
      #expect(scaled.rates.factor(of: tensor) == factor)
      let (fast, slow) = (RuleSubject(tensor, scaled), RuleSubject(tensor, plain))
      let gradient = RuleSubject.gradient(48, step: 1)
      fast.update(1, gradient, rate: 0.001)
      slow.update(1, gradient, rate: 0.001 * factor)
      #expect(fast.bits == slow.bits, "\(name)")
    }
  }
}

/// Muon in double precision, one operation of the definition after the other.
private struct MuonWitness {
  let rows: Int
  let columns: Int
  var weights: [Double]
  let momentum: Double
  let iteration: Iteration
  let weightDecay: Double
  private var kept: [Double]

  /// Coefficients of each step, and whether the norm of the fourth power says how large the matrix is.
  struct Iteration {
    let steps: [[Double]]
    let measuresFourthPower: Bool

    static func jordan(steps: Int) -> Iteration {
      Iteration(
        steps: Array(repeating: [3.4445, -4.7750, 2.0315], count: steps), measuresFourthPower: false)
    }

    static let polarExpress = Iteration(
      steps: OptimalQuintics.composition(from: 0.001, steps: 3), measuresFourthPower: true)
  }

  init(
    rows: Int, columns: Int, weights: [Double], momentum: Double, iteration: Iteration,
    weightDecay: Double
  ) {
    (self.rows, self.columns, self.weights) = (rows, columns, weights)
    (self.momentum, self.iteration, self.weightDecay) = (momentum, iteration, weightDecay)
    kept = Array(repeating: 0, count: weights.count)
  }

  mutating func update(_ gradient: [Double], rate: Double) {
    kept = zip(kept, gradient).map { momentum * $0 + (1 - momentum) * $1 }
    let ahead = zip(kept, gradient).map { momentum * $0 + (1 - momentum) * $1 }
    let step = orthogonalized(ahead)
    let scale = 0.2 * Double(max(rows, columns)).squareRoot()
    weights = zip(weights, step).map { $0 - rate * (weightDecay * $0 + scale * $1) }
  }

  private func orthogonalized(_ matrix: [Double]) -> [Double] {
    let norm = matrix.reduce(0) { $0 + $1 * $1 }.squareRoot()
    var x = (0..<rows).map { row in (0..<columns).map { matrix[row * columns + $0] / norm } }
    if rows > columns { x = transposed(x) }
    if iteration.measuresFourthPower {
      let gram = product(x, transposed(x))
      let size = product(gram, gram).joined().reduce(0) { $0 + $1 * $1 }.squareRoot().squareRoot()
      x = x.map { $0.map { $0 / size.squareRoot() } }
    }
    for step in iteration.steps {
      let gram = product(x, transposed(x))
      let square = product(gram, gram)
      let factor = gram.indices.map { row in
        gram.indices.map { step[1] * gram[row][$0] + step[2] * square[row][$0] + (row == $0 ? step[0] : 0) }
      }
      x = product(factor, x)
    }
    if rows > columns { x = transposed(x) }
    return Array(x.joined())
  }

  private func product(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
    a.map { row in b[0].indices.map { column in row.indices.reduce(0) { $0 + row[$1] * b[$1][column] } } }
  }

  private func transposed(_ a: [[Double]]) -> [[Double]] {
    a[0].indices.map { column in a.map { $0[column] } }
  }
}
