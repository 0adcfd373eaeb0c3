import Foundation
import HATCore
import HATKernels
import HATRandom
import Testing

@Suite struct TensorTableTests {
  @Test func tensorsAndUnitsTileTheBuffer() {
    for kind in ModelKind.allCases {
      var model = ModelConfiguration()
      (model.kind, model.keyValueHeads) = (kind, 2)
      (model.byteNgrams, model.tokenNgrams, model.queryKeyNorm) = (3, 2, true)
      model.prefixNgrams = 2
      let table = TensorTable(model)
      for ranges in [table.tensors.map(\.range), table.units] {
        #expect(ranges.first?.lowerBound == 0)
        #expect(ranges.last?.upperBound == table.count)
        for (range, next) in zip(ranges, ranges.dropFirst()) { #expect(range.upperBound == next.lowerBound) }
      }
      for tensor in table.tensors {
        #expect(tensor.range.count == tensor.shape.reduce(1, *))
        let unit =
          switch tensor.unit {
          case .front: table.front
          case .block(let block): table.blocks[block]
          case .back: table.back
          }
        #expect(unit.clamped(to: tensor.range) == tensor.range)
      }
      #expect(Set(table.tensors.map(\.name)).count == table.tensors.count)
      #expect(table.blocks.count == model.layers)
    }
  }

  @Test func rolesSayHowTensorsAreTrained() {
    var model = ModelConfiguration()
    (model.byteNgrams, model.tokenNgrams, model.queryKeyNorm) = (3, 2, true)
    model.prefixNgrams = 2
    var subword = model
    subword.kind = .subword
    for tensor in TensorTable(model).tensors + TensorTable(subword).tensors {
      let expected: TensorRole =
        switch tensor.name {
        case let name where name.hasSuffix("norm.weight"): .gain
        case "byte_embedding.weight", "token_embedding.weight": .embedding
        case "decoder.head.weight", "head.weight": .head
        case let name where name.contains("_ngrams."): .ngramTable
        default: .hiddenMatrix
        }
      #expect(tensor.role == expected, "\(tensor.name)")
      #expect(tensor.role.decays == (tensor.shape.count == 2 && tensor.role != .ngramTable))
      #expect((tensor.initialValues == .ones) == (tensor.role == .gain))
      #expect((tensor.initialValues == .zeros) == (tensor.role == .ngramTable))
    }
  }
}

@Suite struct ParameterInitializerTests {
  private let table: TensorTable

  init() {
    var model = ModelConfiguration()
    (model.byteNgrams, model.byteNgramRows) = (2, 1024)
    table = TensorTable(model)
  }

  private func parameters(seed: UInt64, cutAt cuts: [Int] = [], threads: Int = 1) -> [Float] {
    let buffer = FloatBuffer(zeroed: table.count)
    buffer.elements.update(repeating: .nan)
    let initializer = ParameterInitializer(table, seed: seed)
    for (start, end) in zip([0] + cuts, cuts + [table.count]) {
      initializer.fill(FlatSlice(buffer)[start..<end], workers: WorkerPool(threads: threads))
    }
    return Array(buffer.elements)
  }

  @Test func anyPartHoldsTheSame() {
    let whole = parameters(seed: 3)
    for threads in 1...4 {
      #expect(whole == parameters(seed: 3, threads: threads))
      #expect(
        whole == parameters(seed: 3, cutAt: [1, 777, 40_000, 40_000, table.count - 5], threads: threads))
    }
    #expect(whole != parameters(seed: 4))
  }

  /// The draws as they were defined first, one key after the other.
  @Test func drawsAreOfTheirPlaceAndTheSeed() {
    let all = parameters(seed: 3)
    func uniform(_ counter: Int) -> Double {
      var random = RandomSource(keys: 3, UInt64(counter))
      return Double((random.next() >> 11) + 1) * 0x1p-53
    }
    let tensor = table.tensors.first { $0.name == "decoder.head.weight" }!
    for place in [tensor.range.lowerBound, tensor.range.upperBound - 1] {
      let draw = (-2 * log(uniform(2 * place))).squareRoot() * cos(2 * .pi * uniform(2 * place + 1))
      #expect(all[place] == Float(0.02 * draw))
    }
  }

  @Test func deviationsFollowTheSpecification() {
    let all = parameters(seed: 1)
    for tensor in table.tensors {
      let values = all[tensor.range].map(Double.init)
      guard tensor.role.decays else {
        #expect(values.allSatisfy { $0 == (tensor.role == .gain ? 1 : 0) }, "\(tensor.name)")
        continue
      }
      let isOutput = tensor.name.contains("o_proj") || tensor.name.contains("down_proj")
      let layers = tensor.name.hasPrefix("backbone") ? 4.0 : 2.0
      let expected = 0.02 * (isOutput ? 1 / (2 * layers).squareRoot() : 1)
      let count = Double(values.count)
      let mean = values.reduce(0, +) / count
      let deviation = (values.reduce(0) { $0 + $1 * $1 } / count).squareRoot()
      #expect(abs(mean) < 5 * expected / count.squareRoot(), "\(tensor.name)")
      #expect(abs(deviation / expected - 1) < 5 / (2 * count).squareRoot(), "\(tensor.name)")
    }
  }
}
