/// Where a document is: a frame, counted over the whole part of a corpus, and its place in that frame.
public struct DocumentPlace: Sendable, Hashable, Codable {
  public var frame: Int
  public var document: Int

  public init(frame: Int, document: Int) {
    (self.frame, self.document) = (frame, document)
  }
}

/// The order in which an epoch visits documents: a function of the seed, the epoch and the data alone.
///
/// All frames are permuted; each run of `windowFrames` of them is a window, and the documents of a window are
/// shuffled among themselves. Any window can be had without those before it, which makes resuming instant, and it
/// takes memory for one window alone (docs/data-order.md).
public struct DocumentOrder: Sendable {
  public static let defaultWindowFrames = 32

  public let frameCount: Int
  public let seed: UInt64
  public let windowFrames: Int

  public init(frameCount: Int, seed: UInt64, windowFrames: Int = defaultWindowFrames) {
    precondition(frameCount > 0 && windowFrames > 0)
    (self.frameCount, self.seed, self.windowFrames) = (frameCount, seed, windowFrames)
  }

  public var windowCount: Int { (frameCount + windowFrames - 1) / windowFrames }

  /// The frames of a window.
  public func frames(ofWindow window: Int, epoch: Int) -> [Int] {
    let permutation = FramePermutation(
      count: frameCount, random: RandomSource(keys: seed, UInt64(epoch), 0))
    let end = min((window + 1) * windowFrames, frameCount)
    return (window * windowFrames..<end).map { permutation[$0] }
  }

  /// The documents of a window in the order they are visited.
  public func documents(
    ofWindow window: Int, epoch: Int, documentCount: (_ frame: Int) throws -> Int
  ) rethrows -> [DocumentPlace] {
    var places: [DocumentPlace] = []
    for frame in frames(ofWindow: window, epoch: epoch) {
      for document in 0..<(try documentCount(frame)) {
        places.append(DocumentPlace(frame: frame, document: document))
      }
    }
    // Fisher–Yates, written out: the standard library does not promise the same order in every version.
    var random = RandomSource(keys: seed, UInt64(epoch), 1, UInt64(window))
    for last in stride(from: places.count - 1, to: 0, by: -1) {
      places.swapAt(last, random.next(below: last + 1))
    }
    return places
  }
}
