import Foundation
import HATKernels
import HATStorage
import SystemPackage

/// How the numbers of tensors lie in a file.
public enum FloatFormat: String, Sendable, CaseIterable {
  case float32
  /// The upper half of a float32: each number is rounded to eight bits of precision.
  case bf16

  /// In bytes.
  var stride: Int { self == .float32 ? 4 : 2 }

  /// What safetensors files call it.
  var safetensorsName: String { self == .float32 ? "F32" : "BF16" }

  /// What PyTorch calls it.
  public var torchName: String { self == .float32 ? "float32" : "bfloat16" }
}

/// The safetensors format: named tensors of floats and string metadata in one file.
///
/// Eight bytes of header length (little-endian), a JSON header, then the tensors' bytes without gaps.
public enum SafetensorsFile {
  /// A tensor to write; `data` holds as many floats as its shape says.
  public struct Tensor {
    public let name: String
    public let shape: [Int]
    public let data: UnsafeBufferPointer<Float>

    public init(name: String, shape: [Int], data: UnsafeBufferPointer<Float>) {
      precondition(data.count == shape.reduce(1, *))
      (self.name, self.shape, self.data) = (name, shape, data)
    }
  }

  /// The tensors' bytes begin at a multiple of a cache line, so that they can be used in a mapped file.
  static let alignment = 64

  /// The largest header: a declared length is not trusted before it is checked.
  static let maximumHeaderLength = 64 << 20

  /// Writes the tensors in the order given, under a temporary name until the file is whole.
  /// - Throws: `UserError` of kind `cannotWrite`.
  public static func write(
    _ tensors: [Tensor], as format: FloatFormat = .float32, metadata: [String: String], to path: FilePath
  ) throws {
    let header = try header(of: tensors.map { ($0.name, $0.shape) }, as: format, metadata: metadata)
    try DurableFile.write(to: path) { writer in
      try writer.write(header)
      for tensor in tensors {
        switch format {
        case .float32: try writer.write(UnsafeRawBufferPointer(tensor.data))
        case .bf16: try writeRounded(tensor.data, writer)
        }
      }
    }
  }

  /// Rounded a part at a time: memory for a second model may not be there.
  private static func writeRounded(_ data: UnsafeBufferPointer<Float>, _ writer: FileWriter) throws {
    let part = 1 << 18
    var bits = [UInt16](repeating: 0, count: min(part, data.count))
    for start in stride(from: 0, to: data.count, by: part) {
      let count = min(part, data.count - start)
      try bits.withUnsafeMutableBufferPointer { bits in
        BrainFloat.round(data.baseAddress! + start, into: bits.baseAddress!, count: count)
        try writer.write(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bits)[..<(2 * count)]))
      }
    }
  }

  /// The bytes before the tensors, which follow in the order given: the header's length, and the header.
  static func header(
    of tensors: [(name: String, shape: [Int])], as format: FloatFormat = .float32, metadata: [String: String]
  ) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var bytes = [UInt8](try encoder.encode(entries(of: tensors, as: format, metadata: metadata)))
    while (8 + bytes.count) % alignment != 0 { bytes.append(UInt8(ascii: " ")) }
    return withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Array($0) } + bytes
  }

  /// What a header says, by name.
  static func entries(
    of tensors: [(name: String, shape: [Int])], as format: FloatFormat = .float32, metadata: [String: String]
  ) -> [String: HeaderEntry] {
    var entries = ["__metadata__": HeaderEntry.metadata(metadata)]
    var offset = 0
    for tensor in tensors {
      let length = tensor.shape.reduce(format.stride, *)
      entries[tensor.name] = .tensor(
        dtype: format.safetensorsName, shape: tensor.shape, offsets: [offset, offset + length])
      offset += length
    }
    return entries
  }

  /// What the bytes before the tensors say; nil where they are not a length and a header of that length.
  static func entries(inHeader bytes: [UInt8]) -> [String: HeaderEntry]? {
    guard bytes.count >= 8, length(inHeader: bytes) == UInt64(bytes.count - 8) else { return nil }
    return try? JSONDecoder().decode([String: HeaderEntry].self, from: Data(bytes[8...]))
  }

  /// The length of the header that its first eight bytes declare.
  fileprivate static func length(inHeader bytes: [UInt8]) -> UInt64 {
    bytes[..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// A value of the JSON header.
enum HeaderEntry: Codable, Equatable {
  case tensor(dtype: String, shape: [Int], offsets: [Int])
  case metadata([String: String])

  private enum Key: String, CodingKey {
    case dtype, shape
    case offsets = "data_offsets"
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    if container.contains(.dtype) {
      self = .tensor(
        dtype: try container.decode(String.self, forKey: .dtype),
        shape: try container.decode([Int].self, forKey: .shape),
        offsets: try container.decode([Int].self, forKey: .offsets))
    } else {
      self = .metadata(try [String: String](from: decoder))
    }
  }

  func encode(to encoder: any Encoder) throws {
    switch self {
    case .tensor(let dtype, let shape, let offsets):
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(dtype, forKey: .dtype)
      try container.encode(shape, forKey: .shape)
      try container.encode(offsets, forKey: .offsets)
    case .metadata(let strings): try strings.encode(to: encoder)
    }
  }
}

/// Reads tensors of a safetensors file by name. Nothing its header declares is trusted before it is checked.
public final class SafetensorsReader {
  public let metadata: [String: String]
  public let names: [String]
  private let file: FileReader
  private let tensors: [String: Entry]

  private struct Entry {
    let shape: [Int]
    let format: FloatFormat
    let offset: Int
  }

  /// - Throws: `UserError`: `missingInput`, or `invalidData` when it is not a whole safetensors file.
  public init(opening path: FilePath) throws {
    file = try FileReader(opening: path)
    let header = try Self.readHeader(of: file)
    let dataStart = 8 + header.length
    let dataLength = file.length - dataStart
    var metadata: [String: String] = [:]
    var tensors: [String: Entry] = [:]
    for (name, entry) in header.entries {
      switch entry {
      case .metadata(let strings) where name == "__metadata__":
        metadata = strings
      case .metadata:
        throw Self.invalid(file, "tensor \(name) has no dtype")
      case .tensor(let dtype, let shape, let offsets):
        let format = try Self.check(name, dtype, shape, offsets, dataLength: dataLength, in: file)
        tensors[name] = Entry(shape: shape, format: format, offset: dataStart + offsets[0])
      }
    }
    try Self.requireNeighbours(tensors, from: dataStart, in: file)
    self.metadata = metadata
    self.tensors = tensors
    names = tensors.keys.sorted()
  }

  /// Checks that each byte behind the header belongs to one tensor.
  private static func requireNeighbours(
    _ tensors: [String: Entry], from dataStart: Int, in file: FileReader
  ) throws {
    var end = dataStart
    for (name, tensor) in tensors.sorted(by: { ($0.value.offset, $0.key) < ($1.value.offset, $1.key) })
    where !tensor.shape.contains(0) {
      guard tensor.offset == end else {
        throw invalid(
          file,
          tensor.offset < end
            ? "tensor \(name) overlaps another" : "before tensor \(name) are bytes of no tensor")
      }
      end += tensor.shape.reduce(tensor.format.stride, *)
    }
    guard end == file.length else { throw invalid(file, "\(file.length - end) bytes belong to no tensor") }
  }

  private static func readHeader(of file: FileReader) throws -> (entries: [String: HeaderEntry], length: Int)
  {
    guard file.length >= 8 else { throw invalid(file, "it has \(file.length) bytes") }
    let declared = SafetensorsFile.length(inHeader: try file.read(at: 0, count: 8))
    guard declared <= UInt64(min(file.length - 8, SafetensorsFile.maximumHeaderLength)) else {
      throw invalid(file, "it declares a header of \(declared) bytes in a file of \(file.length)")
    }
    let header = Data(try file.read(at: 8, count: Int(declared)))
    do {
      return (try JSONDecoder().decode([String: HeaderEntry].self, from: header), Int(declared))
    } catch let error as DecodingError {
      throw invalid(file, "its header cannot be read: \(error.summary())")
    }
  }

  private static func check(
    _ name: String, _ dtype: String, _ shape: [Int], _ offsets: [Int], dataLength: Int, in file: FileReader
  ) throws -> FloatFormat {
    guard let format = FloatFormat.allCases.first(where: { $0.safetensorsName == dtype }) else {
      throw invalid(file, "tensor \(name) is \(dtype); only F32 and BF16 can be read")
    }
    var bytes = format.stride
    for extent in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow else { throw invalid(file, "tensor \(name) has shape \(shape)") }
      bytes = product
    }
    guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= dataLength,
      offsets[1] - offsets[0] == bytes
    else { throw invalid(file, "tensor \(name) with shape \(shape) is declared at \(offsets)") }
    return format
  }

  private static func invalid(_ file: FileReader, _ problem: String) -> UserError {
    UserError(
      .invalidData, at: file.path.string, "this is not a whole safetensors file of floats: \(problem)",
      hint: "Export it again.")
  }

  public func shape(of name: String) -> [Int]? { tensors[name]?.shape }

  /// Reads a tensor into `destination`, which holds as many floats as its shape says.
  public func read(_ name: String, into destination: UnsafeMutableBufferPointer<Float>) throws {
    guard let tensor = tensors[name] else { preconditionFailure("tensor \(name) is not in the file") }
    precondition(destination.count == tensor.shape.reduce(1, *))
    switch tensor.format {
    case .float32: try file.read(at: tensor.offset, into: UnsafeMutableRawBufferPointer(destination))
    case .bf16: try readExpanding(at: tensor.offset, into: destination)
    }
  }

  private func readExpanding(at offset: Int, into destination: UnsafeMutableBufferPointer<Float>) throws {
    let part = 1 << 18
    var bits = [UInt16](repeating: 0, count: min(part, destination.count))
    for start in stride(from: 0, to: destination.count, by: part) {
      let count = min(part, destination.count - start)
      try bits.withUnsafeMutableBufferPointer { bits in
        let bytes = UnsafeMutableRawBufferPointer(
          rebasing: UnsafeMutableRawBufferPointer(bits)[..<(2 * count)])
        try file.read(at: offset + 2 * start, into: bytes)
        BrainFloat.expand(bits.baseAddress!, into: destination.baseAddress! + start, count: count)
      }
    }
  }
}
