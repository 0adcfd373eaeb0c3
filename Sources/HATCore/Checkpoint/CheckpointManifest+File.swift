import Foundation
import HATStorage
import SystemPackage

extension CheckpointManifest {
  static let fileName = "manifest.json"
  private static let lengthLimit = 64 << 20
  private static let checksumKey = "\"manifestChecksum\" : \""
  private static let noChecksum = String(repeating: "0", count: 16)

  /// The manifest as a file holds it: with a checksum of all its bytes, taken while the checksum's own digits
  /// are zeros.
  private struct Guarded: Codable {
    var manifest: CheckpointManifest
    var manifestChecksum = CheckpointManifest.noChecksum
  }

  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    var bytes = Array(try encoder.encode(Guarded(manifest: self))) + [UInt8(ascii: "\n")]
    guard let digits = Self.checksumDigits(in: bytes) else {
      preconditionFailure("the encoder writes every key")
    }
    bytes.replaceSubrange(digits, with: Checksum(of: bytes).hexadecimal.utf8)
    return bytes
  }

  /// - Throws: `UserError`: `missingInput` without the file, `invalidData` when it is damaged or of another format.
  static func read(from path: FilePath) throws -> CheckpointManifest {
    let file = try FileReader(opening: path)
    guard file.length <= lengthLimit else { throw damaged(path, "it has \(file.length) bytes") }
    var bytes = try file.read(at: 0, count: file.length)
    guard let digits = checksumDigits(in: bytes),
      let checksum = Checksum(hexadecimal: String(decoding: bytes[digits], as: UTF8.self))
    else { throw damaged(path, "it has no checksum") }
    bytes.replaceSubrange(digits, with: noChecksum.utf8)
    guard Checksum(of: bytes) == checksum else { throw damaged(path, "its checksum does not match") }
    let manifest = try decoded(bytes, from: path)
    try manifest.validateSlices(at: path)
    return manifest
  }

  private static func decoded(_ bytes: [UInt8], from path: FilePath) throws -> CheckpointManifest {
    do {
      return try JSONDecoder().decode(Guarded.self, from: Data(bytes)).manifest
    } catch let error as UserError {
      throw error
    } catch {
      throw UserError(
        .invalidData, at: path.string, "this version of hat cannot read it: \(error)",
        hint: "Read it with the version that wrote it.")
    }
  }

  /// The last place of the key: in the text of the configuration it cannot be, quotes are escaped there.
  private static func checksumDigits(in bytes: [UInt8]) -> Range<Int>? {
    let key = Array(checksumKey.utf8)
    guard bytes.count >= key.count + noChecksum.count else { return nil }
    for start in stride(from: bytes.count - key.count - noChecksum.count, through: 0, by: -1)
    where bytes[start] == key[0] && bytes[start..<start + key.count].elementsEqual(key) {
      return start + key.count..<start + key.count + noChecksum.count
    }
    return nil
  }

  /// The slices must tile the buffer their tensors make up, under the names they are written with: no length is
  /// believed before this.
  private func validateSlices(at path: FilePath) throws {
    guard formatVersion == Self.currentFormatVersion else {
      throw UserError(
        .invalidData, at: path.string,
        "it has format \(formatVersion), this version of hat reads \(Self.currentFormatVersion)",
        hint: "Read it with the version that wrote it.")
    }
    var end = 0
    for (index, slice) in slices.enumerated() {
      guard slice.start == end, slice.count > 0, slice.count < 1 << 48,
        slice.file == SliceFile.name(ofSlice: index), slice.length == SliceFile.length(count: slice.count),
        slice.checksums.count == CheckpointSection.allCases.count
      else { throw Self.damaged(path, "its slices do not fit together") }
      end += slice.count
    }
    let count = tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
    guard end == count else { throw Self.damaged(path, "it holds \(end) of \(count) parameters") }
  }

  private static func damaged(_ path: FilePath, _ how: String) -> UserError {
    UserError(
      .invalidData, at: path.string, "this checkpoint is damaged: \(how)",
      hint: "Use an earlier one: `hat-mpirun inspect checkpoint RUN` lists them.")
  }
}
