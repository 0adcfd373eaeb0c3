import Foundation
import HATStorage
import SystemPackage

/// The safetensors format: named float32 tensors and string metadata in one file.
///
/// Eight bytes of header length (little-endian), a JSON header, then the tensors' bytes behind each other.
public enum SafetensorsFile {
  /// A tensor to write; `data` holds as many floats as its shape says.
  public struct Tensor {
    public let name: String
    public let shape: [Int]
    public let data: UnsafeBufferPointer<Float>

    public init(name: String, shape: [Int], data: UnsafeBufferPointer<Float>) {
      precondition(data.count == shape.reduce(1, *))
      self.name = name
      self.shape = shape
      self.data = data
    }
  }

  /// The header may be this long: a declared length is not trusted before it is checked.
  static let maximumHeaderLength = 64 << 20

  /// Writes the tensors in the order given, under a temporary name until the file is whole.
  /// - Throws: `UserError` of kind `cannotWrite`.
  public static func write(_ tensors: [Tensor], metadata: [String: String], to path: FilePath) throws {
    let header = try header(of: tensors, metadata: metadata)
    let temporary = FilePath(path.string + DurableFile.partialSuffix)
    do {
      let writer = try FileWriter(creating: temporary)
      var length = UInt64(header.count).littleEndian
      try withUnsafeBytes(of: &length) { try writer.write($0) }
      try writer.write(header)
      for tensor in tensors { try writer.write(UnsafeRawBufferPointer(tensor.data)) }
      try writer.synchronize()
      try writer.close()
      try DurableFile.rename(temporary, to: path)
    } catch {
      try? DurableFile.remove(temporary)
      throw error
    }
  }

  private static func header(of tensors: [Tensor], metadata: [String: String]) throws -> [UInt8] {
    var entries: [String: HeaderEntry] = [:]
    var offset = 0
    for tensor in tensors {
      let length = tensor.data.count * MemoryLayout<Float>.stride
      entries[tensor.name] = .tensor(dtype: "F32", shape: tensor.shape, offsets: [offset, offset + length])
      offset += length
    }
    entries["__metadata__"] = .metadata(metadata)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var bytes = [UInt8](try encoder.encode(entries))
    // Readers map the tensors: their first byte lies on a multiple of 8.
    while bytes.count % 8 != 0 { bytes.append(UInt8(ascii: " ")) }
    return bytes
  }
}

/// A value of the JSON header.
enum HeaderEntry: Codable {
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
      self = .metadata(try decoder.singleValueContainer().decode([String: String].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    switch self {
    case .tensor(let dtype, let shape, let offsets):
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(dtype, forKey: .dtype)
      try container.encode(shape, forKey: .shape)
      try container.encode(offsets, forKey: .offsets)
    case .metadata(let strings):
      var container = encoder.singleValueContainer()
      try container.encode(strings)
    }
  }
}
