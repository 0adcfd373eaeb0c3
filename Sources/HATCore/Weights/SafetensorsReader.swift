import Foundation
import HATStorage
import SystemPackage

/// Reads tensors of a safetensors file by name. Nothing its header declares is trusted before it is checked.
public final class SafetensorsReader {
  public let metadata: [String: String]
  public let names: [String]
  private let file: FileReader
  private let tensors: [String: (shape: [Int], offset: Int)]

  /// - Throws: `UserError`: `missingInput`, or `invalidData` when it is not a whole safetensors file.
  public init(opening path: FilePath) throws {
    file = try FileReader(opening: path)
    let header = try Self.readHeader(of: file)
    let dataStart = 8 + header.length
    var metadata: [String: String] = [:]
    var tensors: [String: (shape: [Int], offset: Int)] = [:]
    for (name, entry) in header.entries {
      switch entry {
      case .metadata(let strings) where name == "__metadata__":
        metadata = strings
      case .metadata:
        throw Self.invalid(file, "tensor \(name) has no dtype")
      case .tensor(let dtype, let shape, let offsets):
        let dataLength = file.length - dataStart
        try Self.check(name, dtype, shape, offsets, dataLength: dataLength, in: file)
        tensors[name] = (shape, dataStart + offsets[0])
      }
    }
    self.metadata = metadata
    self.tensors = tensors
    names = tensors.keys.sorted()
  }

  private static func readHeader(of file: FileReader) throws -> (entries: [String: HeaderEntry], length: Int)
  {
    guard file.length >= 8 else { throw invalid(file, "it has \(file.length) bytes") }
    let declared = try file.read(at: 0, count: 8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard declared <= UInt64(min(file.length - 8, SafetensorsFile.maximumHeaderLength)) else {
      throw invalid(file, "it declares a header of \(declared) bytes in a file of \(file.length)")
    }
    let header = Data(try file.read(at: 8, count: Int(declared)))
    do {
      return (try JSONDecoder().decode([String: HeaderEntry].self, from: header), Int(declared))
    } catch {
      throw invalid(file, "its header cannot be read: \(error)")
    }
  }

  private static func check(
    _ name: String, _ dtype: String, _ shape: [Int], _ offsets: [Int], dataLength: Int, in file: FileReader
  ) throws {
    guard dtype == "F32" else {
      throw invalid(file, "tensor \(name) is \(dtype); only F32 can be read")
    }
    var bytes = MemoryLayout<Float>.stride
    for extent in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow else { throw invalid(file, "tensor \(name) has shape \(shape)") }
      bytes = product
    }
    guard
      offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= dataLength,
      offsets[1] - offsets[0] == bytes
    else {
      throw invalid(file, "tensor \(name) with shape \(shape) is declared at \(offsets)")
    }
  }

  private static func invalid(_ file: FileReader, _ problem: String) -> UserError {
    UserError(
      .invalidData, at: file.path.string, "this is not a whole float32 safetensors file: \(problem)",
      hint: "Export it again.")
  }

  public func shape(of name: String) -> [Int]? {
    tensors[name]?.shape
  }

  /// Reads a tensor into `destination`, which holds as many floats as its shape says.
  public func read(_ name: String, into destination: UnsafeMutableBufferPointer<Float>) throws {
    guard let tensor = tensors[name] else { preconditionFailure("tensor \(name) is not in the file") }
    precondition(destination.count == tensor.shape.reduce(1, *))
    try file.read(at: tensor.offset, into: UnsafeMutableRawBufferPointer(destination))
  }
}
