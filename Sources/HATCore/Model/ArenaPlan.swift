/// Decides, before anything is allocated, where each activation lies in one flat buffer.
struct ArenaPlan {
  /// Floats planned so far.
  private(set) var count = 0

  /// Sets floats aside and returns the offset of the first. Each area starts on a cache line of its own.
  mutating func reserve(_ floats: Int) -> Int {
    let offset = count
    count += (floats + 15) / 16 * 16
    return offset
  }

  /// Sets rows × columns floats aside.
  mutating func reserve(rows: Int, columns: Int) -> MatrixPlace {
    MatrixPlace(offset: reserve(rows * columns), columns: columns)
  }
}

/// A matrix of the arena whose number of rows each batch decides.
struct MatrixPlace {
  let offset: Int
  let columns: Int
}
