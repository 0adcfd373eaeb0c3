import HATRandom

/// Where a document is: a frame, counted over the whole part of a corpus, and its place in that frame.
struct DocumentPlace: Hashable {
  var frame: Int
  var document: Int
}

/// The order in which an epoch visits documents: a function of the seed, the epoch and the data alone.
///
/// All frames are permuted; each run of `windowFrames` of them is a window, and the documents of a window are
/// shuffled among themselves. Any window can be had without those before it, which makes resuming instant, and it
/// takes memory for one window alone (docs/data-order.md).
struct DocumentOrder {
  private static let windowFrames = 32

  private let frameCount: Int
  private let seed: UInt64

  init(frameCount: Int, seed: UInt64) {
    precondition(frameCount > 0)
    (self.frameCount, self.seed) = (frameCount, seed)
  }

  var windowCount: Int { (frameCount + Self.windowFrames - 1) / Self.windowFrames }

  /// The frames of a window.
  private func frames(ofWindow window: Int, epoch: Int) -> [Int] {
    let permutation = RandomPermutation(
      count: frameCount, random: RandomSource(keys: seed, UInt64(epoch), 0))
    let end = min((window + 1) * Self.windowFrames, frameCount)
    return (window * Self.windowFrames..<end).map { permutation[$0] }
  }

  /// The documents of a window in the order they are visited.
  func documents(
    ofWindow window: Int, epoch: Int, documentCount: (_ frame: Int) throws -> Int
  ) rethrows -> [DocumentPlace] {
    var places: [DocumentPlace] = []
    for frame in frames(ofWindow: window, epoch: epoch) {
      for document in 0..<(try documentCount(frame)) {
        places.append(DocumentPlace(frame: frame, document: document))
      }
    }
    var random = RandomSource(keys: seed, UInt64(epoch), 1, UInt64(window))
    random.shuffle(&places)
    return places
  }
}
