import Glibc
import HATKernels
import HATStorage

/// One buffer for all activations of a model. Its parts are reserved first and allocated together, before the first
/// step; after that nothing is allocated.
final class Arena {
  /// Floats reserved so far.
  private(set) var count = 0
  private var buffer: FloatBuffer?

  /// Sets floats aside. Each area starts on a cache line of its own.
  func reserve(_ floats: Int) -> ArenaPlace {
    precondition(buffer == nil, "the arena is allocated already")
    let offset = count
    count += (floats + 15) / 16 * 16
    return ArenaPlace(offset: offset, count: floats)
  }

  /// Sets rows × columns floats aside.
  func reserve(rows: Int, columns: Int) -> ArenaMatrix {
    ArenaMatrix(place: reserve(rows * columns), columns: columns)
  }

  /// - Parameter reserving: whether memory is taken only where it is used, for plans far above what batches need.
  func allocate(reserving: Bool = false) {
    buffer = reserving ? FloatBuffer(reserving: count) : FloatBuffer(zeroed: count)
  }

  /// The floats of a place.
  func floats(_ place: ArenaPlace) -> FloatPointer { buffer!.base + place.offset }

  /// The first `rows` rows of a matrix.
  func view(_ matrix: ArenaMatrix, rows: Int) -> MatrixView {
    view(matrix.place, rows: rows, columns: matrix.columns)
  }

  /// A place seen as a matrix it has room for.
  func view(_ place: ArenaPlace, rows: Int, columns: Int) -> MatrixView {
    precondition(rows * columns <= place.count, "the batch exceeds the capacity the model was planned for")
    return MatrixView(floats(place), rows: rows, columns: columns)
  }
}

/// A run of floats of an arena.
struct ArenaPlace {
  let offset: Int
  let count: Int
}

/// A matrix of an arena whose number of rows each batch decides.
struct ArenaMatrix {
  let place: ArenaPlace
  let columns: Int
}

/// A list of fixed capacity whose elements never move: kernels may hold its pointer through a step.
final class FixedList<Element: BitwiseCopyable> {
  let base: UnsafeMutablePointer<Element>
  let capacity: Int
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = capacity
    let (count, alignment) = (max(1, capacity), MemoryLayout<Element>.alignment)
    let memory = LargeMemory.allocate(
      byteCount: count * MemoryLayout<Element>.stride, alignment: max(alignment, MemoryLayout<Int>.alignment))
    base = memory.bindMemory(to: Element.self, capacity: count)
  }

  deinit { free(base) }

  func append(_ element: Element) {
    precondition(count < capacity, "the batch exceeds the capacity the model was planned for")
    base[count] = element
    count += 1
  }

  func append(repeating element: Element, count added: Int) {
    precondition(added <= capacity - count, "the batch exceeds the capacity the model was planned for")
    (base + count).update(repeating: element, count: added)
    count += added
  }

  func removeAll() { count = 0 }

  /// Makes the list `count` times the same element.
  func refill(count: Int, with element: Element) {
    precondition(count <= capacity, "the batch exceeds the capacity the model was planned for")
    base.update(repeating: element, count: count)
    self.count = count
  }
}
