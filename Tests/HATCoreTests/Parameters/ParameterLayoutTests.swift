import HATCore
import HATKernels
import Testing

@Suite struct ParameterLayoutTests {
  @Test func tensorsAndUnitsTileTheBuffer() {
    var model = ModelConfiguration()
    model.keyValueHeads = 2
    let layout = ParameterLayout(model)
    for ranges in [layout.tensors.map(\.range), layout.units.map(\.range)] {
      #expect(ranges.first?.lowerBound == 0)
      #expect(ranges.last?.upperBound == layout.count)
      for (range, next) in zip(ranges, ranges.dropFirst()) { #expect(range.upperBound == next.lowerBound) }
    }
    for tensor in layout.tensors { #expect(tensor.range.count == tensor.shape.reduce(1, *)) }
    #expect(Set(layout.tensors.map(\.name)).count == layout.tensors.count)
  }

  @Test func normsAloneAreNotDecayed() {
    for tensor in ParameterLayout(ModelConfiguration()).tensors {
      #expect(tensor.isMatrix == !tensor.name.hasSuffix("norm.weight"))
      #expect(tensor.isMatrix == (tensor.shape.count == 2))
    }
  }
}

@Suite struct ParameterInitializerTests {
  private let layout = ParameterLayout(ModelConfiguration())

  private func parameters(seed: UInt64, cutAt cuts: [Int] = []) -> [Float] {
    let buffer = FloatBuffer(zeroed: layout.count)
    let initializer = ParameterInitializer(layout: layout, seed: seed)
    for (start, end) in zip([0] + cuts, cuts + [layout.count]) {
      initializer.fill(start..<end, of: buffer.base)
    }
    return Array(buffer.elements)
  }

  @Test func anyPartHoldsTheSame() {
    #expect(parameters(seed: 3) == parameters(seed: 3, cutAt: [1, 777, 40_000, layout.count - 5]))
    #expect(parameters(seed: 3) != parameters(seed: 4))
  }

  @Test func deviationsFollowTheSpecification() {
    let all = parameters(seed: 1)
    for tensor in layout.tensors {
      let values = all[tensor.range].map(Double.init)
      guard tensor.isMatrix else {
        #expect(values.allSatisfy { $0 == 1 })
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
