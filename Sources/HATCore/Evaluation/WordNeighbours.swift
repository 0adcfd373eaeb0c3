import HATKernels
import HATStorage

/// Finds the words of a list whose embeddings are nearest to another word's: the vectors e of docs/model.md §4, minus the
/// list's mean, compared by cosine.
///
/// What all words have in common can be far larger than their differences, and would make every cosine nearly 1 (Mu and
/// Viswanath, arXiv 1702.01417). Legend: N words of the list, `D` backbone width.
public final class WordNeighbours {
  public struct Neighbour: Sendable, Equatable {
    /// Its place in the list.
    public let index: Int
    public let cosine: Float
  }

  /// Words looked up together, so that the list is read once for all of them.
  private static let block = 64

  private let embedder: WordEmbedder
  private let width: Int
  /// [D], the mean of the list's embeddings.
  private var mean: [Float]
  /// [N, D], minus the mean, scaled to length 1.
  private let embeddings: FloatBuffer
  private let count: Int

  /// - Parameter words: each of at least one byte and at most `maxWordBytes`.
  /// - Throws: `UserError` of kind `invalidData` where embeddings are not finite.
  public init(
    _ model: ModelConfiguration, _ weights: ModelWeights, maxWordBytes: Int, words: [[UInt8]]
  ) throws {
    embedder = WordEmbedder(model, weights, maxWordBytes: maxWordBytes)
    (width, count) = (model.width, words.count)
    mean = Array(repeating: 0, count: model.width)
    embeddings = FloatBuffer(zeroed: words.count * model.width)
    embed(words[...], into: embeddings)
    mean = meanRow(of: embeddings)
    try center(embeddings)
  }

  /// For each word the `count` nearest of the list, the nearest first; ties go to the earlier one in the list.
  /// - Throws: `UserError` of kind `invalidData` where embeddings are not finite.
  public func nearest(toEach words: [[UInt8]], count: Int) throws -> [[Neighbour]] {
    try stride(from: 0, to: words.count, by: Self.block).flatMap { start in
      try nearest(toBlock: words[start..<min(start + Self.block, words.count)], count: count)
    }
  }

  private func nearest(toBlock words: ArraySlice<[UInt8]>, count wanted: Int) throws -> [[Neighbour]] {
    let queries = FloatBuffer(zeroed: words.count * width)
    embed(words, into: queries)
    try center(queries)
    let cosines = FloatBuffer(zeroed: words.count * count)
    return withExtendedLifetime((queries, cosines)) {
      MatrixProduct.linear(
        MatrixView(queries.base, rows: words.count, columns: width),
        weight: LinearWeight(ConstantMatrixView(embeddings.base, rows: count, columns: width)),
        into: MatrixView(cosines.base, rows: words.count, columns: count), by: .fusedMultiplyAdds)
      return words.indices.map { word in
        let row = cosines.base + (word - words.startIndex) * count
        return largest(wanted, of: UnsafeBufferPointer(start: row, count: count))
      }
    }
  }

  private func largest(_ wanted: Int, of cosines: UnsafeBufferPointer<Float>) -> [Neighbour] {
    var kept: [Neighbour] = []
    for (index, cosine) in cosines.enumerated() {
      if kept.count == wanted, kept.isEmpty || cosine <= kept.last!.cosine { continue }
      let place = kept.firstIndex { $0.cosine < cosine } ?? kept.count
      kept.insert(Neighbour(index: index, cosine: cosine), at: place)
      if kept.count > wanted { kept.removeLast() }
    }
    return kept
  }

  private func embed(_ words: ArraySlice<[UInt8]>, into rows: FloatBuffer) {
    let all = MatrixView(rows.base, rows: words.count, columns: width)
    for start in stride(from: 0, to: words.count, by: WordEmbedder.callWords) {
      let range = start..<min(start + WordEmbedder.callWords, words.count)
      embedder.embed(words.dropFirst(start).prefix(range.count), into: all.rows(range))
    }
  }

  private func meanRow(of rows: FloatBuffer) -> [Float] {
    (0..<width).map { column in
      let sum = stride(from: column, to: rows.count, by: width).reduce(0.0) { $0 + Double(rows.base[$1]) }
      return Float(sum / Double(count))
    }
  }

  /// Subtracts the mean from each row and scales it to length 1.
  private func center(_ rows: FloatBuffer) throws {
    for start in stride(from: 0, to: rows.count, by: width) {
      let row = rows.base + start
      var squares = 0.0
      for index in 0..<width {
        row[index] -= mean[index]
        squares += Double(row[index]) * Double(row[index])
      }
      let scale = squares > 0 ? Float(1 / squares.squareRoot()) : 0
      for index in 0..<width { row[index] *= scale }
    }
    guard Vector.allFinite(rows.base, count: rows.count) else { throw UserError.notFinite("embeddings") }
  }
}
