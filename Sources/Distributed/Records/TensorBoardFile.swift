import Foundation
import HATStorage
import SystemPackage

/// A file of events for TensorBoard: records of a length, its checksum, an `Event`, and its checksum.
///
/// Its messages have a dozen fields in all. They are written here, field by field, as protocol buffers lay them out: a library and
/// generated code would be many times as long.
final class TensorBoardFile {
  /// What an event shows under a name.
  enum Value {
    case number(Double)
    /// Markdown.
    case text(String)
  }

  private static let prefix = "events.out.tfevents."

  let path: FilePath
  private let descriptor: FileDescriptor

  /// Makes the next file of a run. TensorBoard reads the files of a folder in the order of their names, so each is later than
  /// those before it, whatever the clock says.
  /// - Parameter firstStep: TensorBoard forgets what earlier files say of this step and later ones.
  /// - Throws: `UserError` of kind `cannotWrite` or `missingInput`.
  init(inRun run: FilePath, firstStep: Int) throws {
    let earlier = try DurableFile.list(run).compactMap(Self.second(ofName:)).max() ?? 0
    let second = max(Int(Date().timeIntervalSince1970), earlier + 1)
    path = run.appending("\(Self.prefix)\(second).\(NodeName.current)")
    do {
      descriptor = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .append, .exclusiveCreate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch let error as Errno {
      throw FileFailure.writing(path, error)
    }
    try append(Self.event(step: 0) { $0.add(3, "brain.Event:2") })
    let start = ProtobufMessage { $0.add(1, UInt64(1)) }
    try append(Self.event(step: firstStep) { $0.add(7, start) })
  }

  deinit {
    try? descriptor.close()
  }

  /// - Throws: `UserError` of kind `cannotWrite`. The file may then end in the middle of a record, and must not be written again.
  func append(step: Int, _ values: [(name: String, Value)]) throws {
    let summary = ProtobufMessage { summary in
      for (name, value) in values { summary.add(1, Self.value(name, value)) }
    }
    try append(Self.event(step: step) { $0.add(5, summary) })
  }

  /// nil for a name that no clock gives.
  private static func second(ofName name: String) -> Int? {
    guard name.hasPrefix(prefix) else { return nil }
    return Int(name.dropFirst(prefix.count).prefix { $0 != "." }).flatMap { $0 < 1 << 40 ? $0 : nil }
  }

  /// An `Event`, in which `fill` puts what it is about.
  private static func event(step: Int, _ fill: (inout ProtobufMessage) -> Void) -> ProtobufMessage {
    ProtobufMessage { event in
      event.add(1, Date().timeIntervalSince1970)
      event.add(2, UInt64(step))
      fill(&event)
    }
  }

  /// A `Summary.Value`.
  private static func value(_ name: String, _ value: Value) -> ProtobufMessage {
    ProtobufMessage { message in
      message.add(1, name)
      switch value {
      case .number(let number): message.add(2, Float(number))
      case .text(let text):
        let plugin = ProtobufMessage { $0.add(1, "text") }
        message.add(9, ProtobufMessage { $0.add(1, plugin) })
        message.add(8, tensor(of: text))
      }
    }
  }

  /// A `TensorProto` of one string, of shape [1].
  private static func tensor(of text: String) -> ProtobufMessage {
    let (stringType, one) = (UInt64(7), ProtobufMessage { $0.add(1, UInt64(1)) })
    return ProtobufMessage { tensor in
      tensor.add(1, stringType)
      tensor.add(2, ProtobufMessage { $0.add(2, one) })
      tensor.add(8, text)
    }
  }

  private func append(_ event: ProtobufMessage) throws {
    let length = withUnsafeBytes(of: UInt64(event.bytes.count).littleEndian) { Array($0) }
    do {
      // A single call, so that a process that is killed leaves whole records.
      _ = try descriptor.writeAll(
        length + Self.maskedChecksum(length) + event.bytes + Self.maskedChecksum(event.bytes))
    } catch let error as Errno {
      throw FileFailure.writing(path, error)
    }
  }

  private static func maskedChecksum(_ bytes: [UInt8]) -> [UInt8] {
    let checksum = CRC32C.checksum(of: bytes)
    let masked = (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
    return withUnsafeBytes(of: masked.littleEndian) { Array($0) }
  }
}

/// A message of protocol buffers: fields, each with its number.
struct ProtobufMessage {
  private(set) var bytes: [UInt8] = []

  init(_ fill: (inout ProtobufMessage) -> Void) { fill(&self) }

  mutating func add(_ field: UInt64, _ value: UInt64) {
    write(field << 3)
    write(value)
  }

  mutating func add(_ field: UInt64, _ value: Double) {
    write(field << 3 | 1)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
  }

  mutating func add(_ field: UInt64, _ value: Float) {
    write(field << 3 | 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
  }

  mutating func add(_ field: UInt64, _ text: String) { add(field, Array(text.utf8)) }

  mutating func add(_ field: UInt64, _ message: ProtobufMessage) { add(field, message.bytes) }

  private mutating func add(_ field: UInt64, _ content: [UInt8]) {
    write(field << 3 | 2)
    write(UInt64(content.count))
    bytes += content
  }

  /// Seven bits a byte, the lowest first.
  private mutating func write(_ value: UInt64) {
    var rest = value
    while rest > 0x7F {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// The checksum of Castagnoli's polynomial, which zlib does not have.
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
  }

  static func checksum(of bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
  }
}
