import HATStorage

/// A group of ranks that work in step: the few verbs the trainer needs.
///
/// Every verb is collective: all ranks call it in the same order with matching arguments, and each returns
/// when its own part is done. Every verb throws when a rank or the transport fails; nothing falls back silently.
public protocol Communicator: AnyObject {
  /// This process's place, 0 ..< `size`.
  var rank: Int { get }
  /// Number of ranks.
  var size: Int { get }

  /// Returns when every rank has called it.
  func barrier() throws

  /// Makes `buffer` on every rank equal to that of `root`.
  func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) throws

  /// Collects one piece from each rank, on every rank, in rank order. Pieces may differ in length, also be empty.
  func allGather(_ piece: UnsafeRawBufferPointer) throws -> [[UInt8]]

  /// Every rank contributes `counts[rank]` floats, which already lie at `offsets[rank]` of its own `buffer`;
  /// afterwards every rank's buffer holds every rank's floats.
  func allGatherInPlace(_ buffer: UnsafeMutablePointer<Float>, offsets: [Int], counts: [Int]) throws

  /// Sends `send[offsets[r] ..< offsets[r] + counts[r]]` to each rank r, and receives from each rank the
  /// `counts[rank]` floats it holds for this one: rank r's lie at `receive + r * counts[rank]`.
  func exchange(
    _ send: UnsafePointer<Float>, offsets: [Int], counts: [Int], into receive: UnsafeMutablePointer<Float>
  ) throws
}
