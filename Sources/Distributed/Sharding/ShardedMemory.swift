import HATCore

/// What a model computes a micro-batch's gradient in, on one rank.
struct ShardedMemory: ModelMemory {
  enum Gradient {
    /// A flat buffer.
    case whole(UnsafeMutablePointer<Float>)
    /// Working memory from which each block is summed over the ranks when it is complete, into sums of this depth.
    case sliced(GradientStore, depth: Int)
  }

  private let parameters: ParameterStore
  private let gradient: Gradient

  init(_ parameters: ParameterStore, _ gradient: Gradient) {
    self.parameters = parameters
    self.gradient = gradient
  }

  var frontParameters: UnsafePointer<Float> { parameters.frontParameters }
  var backParameters: UnsafePointer<Float> { parameters.backParameters }

  var frontGradient: UnsafeMutablePointer<Float> {
    switch gradient {
    case .whole(let base): base
    case .sliced(let store, _): store.working.front
    }
  }

  var backGradient: UnsafeMutablePointer<Float> {
    switch gradient {
    case .whole(let base): base
    case .sliced(let store, _): store.working.back
    }
  }

  func withParameters(ofBlock block: Int, _ body: (UnsafePointer<Float>) -> Void) throws {
    try parameters.withParameters(ofBlock: block, body)
  }

  func withGradient(
    ofBlock block: Int, _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) throws {
    switch gradient {
    case .whole(let base): try parameters.withParameters(ofBlock: block) { body($0, base) }
    case .sliced(let store, let depth):
      try parameters.withParameters(ofBlock: block) { body($0, store.working.block(block)) }
      try store.reduceBlock(block, into: depth)
    }
  }
}
