/// A line of JSON, numbers in the order given. What room a line has taken serves the next one, so that writing down a step
/// allocates nothing.
struct JSONLine {
  /// UTF-8, with the end of the line.
  private(set) var bytes: [UInt8] = []

  mutating func begin() {
    bytes.removeAll(keepingCapacity: true)
    write("{")
  }

  mutating func add(_ name: String, _ value: Int) {
    addName(name)
    value.description.write(to: &self)
  }

  mutating func add(_ name: String, _ value: Double) {
    addName(name)
    write(value)
  }

  mutating func add(_ name: String, _ values: [Double]) {
    addName(name)
    write("[")
    for (index, value) in values.enumerated() {
      if index > 0 { write(",") }
      write(value)
    }
    write("]")
  }

  mutating func end() { write("}\n") }

  private mutating func addName(_ name: String) {
    write(bytes.count > 1 ? ",\"" : "\"")
    write(name)
    write("\":")
  }

  /// JSON knows no infinities: a quotient without a denominator is null.
  private mutating func write(_ value: Double) {
    // Swift writes the shortest digits that read back as the same double.
    if value.isFinite { value.write(to: &self) } else { write("null") }
  }
}

extension JSONLine: TextOutputStream {
  mutating func write(_ string: String) {
    bytes.append(contentsOf: string.utf8)
  }

  /// Takes digits as the standard library has them. It would make a string of them otherwise, on the heap.
  mutating func _writeASCII(_ buffer: UnsafeBufferPointer<UInt8>) {
    bytes.append(contentsOf: buffer)
  }
}
