import HATKernels

/// Where a model finds its parameters: a flat buffer of `ParameterLayout` of which not all need be there at once.
///
/// The backbone's blocks are used one at a time, so that whoever keeps the memory may bring a block's parameters just
/// before. Every pointer is one to which the offsets of the layout are added, good for its own part alone.
public protocol ModelParameters {
  /// What bringing may throw; `Never` where all is there.
  associatedtype Failure: Error

  /// Those before the blocks: byte embedding and encoder.
  var frontParameters: UnsafePointer<Float> { get }
  /// Those behind the blocks: the backbone's closing norm and the decoder.
  var backParameters: UnsafePointer<Float> { get }

  /// Calls `body` with the parameters of a block, for the forward pass.
  func withParameters(ofBlock block: Int, _ body: (_ parameters: UnsafePointer<Float>) -> Void)
    throws(Failure)
}

/// Where a model leaves its gradient too, a buffer of the same layout: a block's is taken away as soon as it is complete.
public protocol ModelMemory: ModelParameters {
  /// The gradients by the parameters before and behind the blocks; the model overwrites them.
  var frontGradient: UnsafeMutablePointer<Float> { get }
  var backGradient: UnsafeMutablePointer<Float> { get }

  /// Calls `body` with the parameters of a block and the place of its gradient, which `body` overwrites and which is
  /// then complete. Blocks come in descending order.
  func withGradient(
    ofBlock block: Int,
    _ body: (_ parameters: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>) -> Void
  ) throws(Failure)
}

/// All parameters in one buffer.
public struct FlatParameters: ModelParameters {
  public let frontParameters: UnsafePointer<Float>
  public var backParameters: UnsafePointer<Float> { frontParameters }

  public init(_ parameters: UnsafePointer<Float>) {
    frontParameters = parameters
  }

  public func withParameters(ofBlock block: Int, _ body: (UnsafePointer<Float>) -> Void) {
    body(frontParameters)
  }
}

/// All parameters in one buffer, all gradients in another.
public struct FlatMemory: ModelMemory {
  public let frontParameters: UnsafePointer<Float>
  public let frontGradient: UnsafeMutablePointer<Float>
  public var backParameters: UnsafePointer<Float> { frontParameters }
  public var backGradient: UnsafeMutablePointer<Float> { frontGradient }

  public init(parameters: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>) {
    frontParameters = parameters
    frontGradient = gradient
  }

  public func withParameters(ofBlock block: Int, _ body: (UnsafePointer<Float>) -> Void) {
    body(frontParameters)
  }

  public func withGradient(
    ofBlock block: Int, _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) {
    body(frontParameters, frontGradient)
  }
}
