import Foundation
import HATStorage
import HATText
import SystemPackage

/// A manifest as a file: JSON with a checksum of all its bytes, taken while the checksum's own digits are zeros.
enum ManifestFile {
  static let name = "manifest.json"
  private static let lengthLimit = 64 << 20
  private static let checksumKey = "\"manifest_checksum\" : \""
  private static let noChecksum = String(repeating: "0", count: 16)

  private struct Guarded: Codable {
    var manifest: CheckpointManifest
    var manifestChecksum = ManifestFile.noChecksum

    enum CodingKeys: String, CodingKey {
      case manifest
      case manifestChecksum = "manifest_checksum"
    }
  }

  /// What all versions of the format have.
  private struct Versioned: Decodable {
    struct Manifest: Decodable {
      /// Format 1 wrote its keys in camel case.
      var formatVersion: Int?
      var snakeCaseVersion: Int?

      enum CodingKeys: String, CodingKey {
        case formatVersion
        case snakeCaseVersion = "format_version"
      }
    }
    var manifest: Manifest
  }

  static func encoded(_ manifest: CheckpointManifest) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    var bytes = Array(try encoder.encode(Guarded(manifest: manifest))) + [UInt8(ascii: "\n")]
    guard let digits = checksumDigits(in: bytes) else { preconditionFailure("the encoder writes every key") }
    bytes.replaceSubrange(digits, with: Checksum(of: bytes).hexadecimal.utf8)
    return bytes
  }

  /// - Throws: `UserError`: `missingInput` without the file, `invalidData` when it is damaged, `configuration` when it
  ///   is of another version of the format.
  static func read(from path: FilePath) throws -> (manifest: CheckpointManifest, sections: [StateSection]) {
    let file = try FileReader(opening: path)
    guard file.length <= lengthLimit else { throw damaged(path, "it has \(file.length) bytes") }
    var bytes = try file.read(at: 0, count: file.length)
    try requireVersion(of: bytes, at: path)
    guard let digits = checksumDigits(in: bytes),
      let checksum = Checksum(hexadecimal: String(decoding: bytes[digits], as: UTF8.self))
    else { throw damaged(path, "it has no checksum") }
    bytes.replaceSubrange(digits, with: noChecksum.utf8)
    guard Checksum(of: bytes) == checksum else { throw damaged(path, "its checksum does not match") }
    let manifest: CheckpointManifest
    do {
      manifest = try JSONDecoder().decode(Guarded.self, from: Data(bytes)).manifest
    } catch let error as DecodingError {
      throw damaged(path, "this version of hat cannot read it: \(error.summary())")
    } catch var error as UserError {
      error.place = error.place.map { "\(path), \($0)" } ?? path.string
      error.hint = "Use the version of hat that wrote it (code_version in this file)."
      throw error
    }
    try requirePossible(manifest, at: path)
    guard let sections = SectionLayout(manifest.sections)?.sections,
      manifest.slicesFit(sections)
    else { throw damaged(path, "its slices and tensors do not fit together") }
    return (manifest, sections)
  }

  /// Checks the numbers that say how much memory a model takes, and what else this version must know.
  private static func requirePossible(_ manifest: CheckpointManifest, at path: FilePath) throws {
    do {
      try manifest.configuration.validate()
    } catch let error as UserError {
      throw damaged(path, error.problem)
    }
    _ = try ChatTemplate(record: manifest.template, at: path.string)
    guard WordSplitter.wordLimits.contains(manifest.maxWordBytes) else {
      throw damaged(path, "words of up to \(manifest.maxWordBytes) bytes are not possible")
    }
  }

  private static func requireVersion(of bytes: [UInt8], at path: FilePath) throws {
    guard let found = try? JSONDecoder().decode(Versioned.self, from: Data(bytes)).manifest,
      let version = found.snakeCaseVersion ?? found.formatVersion,
      version != CheckpointManifest.currentFormatVersion
    else { return }
    throw UserError(
      .configuration, at: path.string,
      "this checkpoint has format \(version), this version of hat reads format "
        + "\(CheckpointManifest.currentFormatVersion)",
      hint:
        "Bring its weights over: `hat-mpirun export` of the version that wrote it, then `hat-mpirun import` here; "
        + "to train on, begin a run with its parameters (`initialCheckpoint`).")
  }

  /// The last occurrence of the key. It cannot be in the text of the configuration, where quotes are escaped.
  private static func checksumDigits(in bytes: [UInt8]) -> Range<Int>? {
    let key = Array(checksumKey.utf8)
    guard bytes.count >= key.count + noChecksum.count else { return nil }
    for start in stride(from: bytes.count - key.count - noChecksum.count, through: 0, by: -1)
    where bytes[start] == key[0] && bytes[start..<start + key.count].elementsEqual(key) {
      return start + key.count..<start + key.count + noChecksum.count
    }
    return nil
  }

  private static func damaged(_ path: FilePath, _ how: String) -> UserError {
    .damagedCheckpoint(at: path, how)
  }
}

/// The sections a manifest declares. No number in a manifest is trusted before this check.
private struct SectionLayout {
  let sections: [StateSection]
  /// Of all sections: far above that of any model, and its bytes can still be counted.
  private static let mostFloats = 1 << 52

  init?(_ records: [CheckpointManifest.SectionRecord]) {
    guard let first = records.first, first.name == StateSection.parametersName,
      Set(records.map(\.name)).count == records.count
    else { return nil }
    var parameters: [String: (number: Int, range: Range<Int>)] = [:]
    var end = 0
    for (number, tensor) in first.tensors.enumerated() {
      guard let count = Self.count(tensor.shape), count > 0, count <= Self.mostFloats - end,
        parameters[tensor.name] == nil
      else { return nil }
      parameters[tensor.name] = (number, end..<end + count)
      end += count
    }
    var total = 0
    var sections: [StateSection] = []
    for record in records {
      var last = -1
      var entries: [(name: String, shape: [Int], parameters: Range<Int>)] = []
      for tensor in record.tensors {
        guard let (number, range) = parameters[tensor.name], number > last,
          let count = Self.count(tensor.shape),
          count > 0, count <= Self.mostFloats - total
        else { return nil }
        total += count
        last = number
        entries.append((tensor.name, tensor.shape, range))
      }
      sections.append(StateSection(record.name, entries))
    }
    self.sections = sections
  }

  private static func count(_ shape: [Int]) -> Int? {
    var count = 1
    for extent in shape {
      guard extent > 0, extent < 1 << 40, count < 1 << 40 / extent + 1 else { return nil }
      count *= extent
    }
    return count
  }
}

extension CheckpointManifest {
  /// Whether the slices hold each parameter once, and cut no tensor whose sections must stay whole.
  fileprivate func slicesFit(_ sections: [StateSection]) -> Bool {
    let count = sections[0].count
    let uncut = sections.flatMap(\.entries).filter { !$0.isElementwise }.map(\.parameters)
    var end = 0
    for range in slices.flatMap(\.ranges).sorted(by: { $0.lowerBound < $1.lowerBound }) {
      guard range.lowerBound == end, !range.isEmpty, range.upperBound <= count else { return false }
      guard !uncut.contains(where: { $0.lowerBound < end && end < $0.upperBound }) else { return false }
      end = range.upperBound
    }
    return end == count
      && slices.enumerated().allSatisfy { index, slice in
        slice.file == SliceFile.name(ofSlice: index) && slice.checksums.count == sections.count
          && slice.length > 0
          && zip(slice.ranges, slice.ranges.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound }
          && SliceFile.isHeaderLength(slice.length - SliceFile.dataLength(slice.ranges, sections))
      }
  }
}

extension UserError {
  static func damagedCheckpoint(at path: FilePath, _ how: String) -> UserError {
    UserError(
      .invalidData, at: path.string, "this checkpoint is damaged: \(how)",
      hint: "Use an earlier one: `hat-mpirun inspect checkpoint RUN` lists them.")
  }
}
