/// A list of fixed capacity whose elements never move: kernels may hold its pointer through a step.
final class FixedList<Element: BitwiseCopyable> {
  let base: UnsafeMutablePointer<Element>
  let capacity: Int
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = capacity
    base = .allocate(capacity: max(1, capacity))
  }

  deinit {
    base.deallocate()
  }

  func append(_ element: Element) {
    precondition(count < capacity, "the batch exceeds the capacity the model was planned for")
    base[count] = element
    count += 1
  }

  func removeAll() {
    count = 0
  }

  /// Makes the list `count` times the same element.
  func refill(count: Int, with element: Element) {
    precondition(count <= capacity, "the batch exceeds the capacity the model was planned for")
    base.update(repeating: element, count: count)
    self.count = count
  }
}
