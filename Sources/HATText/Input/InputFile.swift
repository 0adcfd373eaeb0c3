import Glibc
import HATStorage
import SystemPackage

/// One file of text to be read, or standard input, with what tells whether it has changed since.
public struct InputFile: Sendable, Codable, Equatable {
  public enum Format: String, Sendable, Codable {
    /// A document a file, or several between separators.
    case text
    /// A JSON object a line.
    case jsonLines
    /// A row a document.
    case parquet
  }

  public enum Compression: String, Sendable, Codable {
    case none
    case zstd
    case gzip
  }

  /// The name of standard input.
  static let standardInput = "-"

  /// As given, or as found below the folder given: where to read it now. Not kept.
  var path = ""
  /// The path below what was given: the same wherever the corpus lies.
  public var name: String
  public var format: Format
  public var compression: Compression
  /// On the disk; 0 for standard input.
  public var bytes: Int
  /// Nanoseconds since 1970; 0 for standard input.
  var modified: Int

  private enum CodingKeys: CodingKey {
    case name, format, compression, bytes, modified
  }

  var isStandardInput: Bool { path == Self.standardInput }

  /// For errors.
  var place: String { isStandardInput ? "standard input" : path }

  /// - Parameters:
  ///   - delimiter: nil makes the whole input one record.
  ///   - offset: where to begin; only an uncompressed file can be entered in its middle.
  func records(separatedBy delimiter: [UInt8]?, from offset: Int = 0) throws -> RecordReader {
    RecordReader(try open(at: offset), place: place, delimiter: delimiter, startingAt: offset)
  }

  func open(at offset: Int = 0) throws -> any ByteSource {
    precondition(offset == 0 || (compression == .none && !isStandardInput))
    if isStandardInput { return StandardInputSource() }
    let file = try FileByteSource(opening: FilePath(path), from: offset)
    return switch compression {
    case .none: file
    case .zstd: DecompressedSource(file, by: ZstdStreamDecompressor(), place: path)
    case .gzip: DecompressedSource(file, by: GzipStreamDecompressor(), place: path)
    }
  }
}

extension InputFile {
  /// The files that `paths` stand for: folders searched to their bottom, in sorted order.
  /// - Throws: `UserError`: `missingInput` for what is not there or holds nothing to read, `wrongUsage` for a
  ///   kind of file that is not read.
  public static func list(_ paths: [String], standardInput: Format = .jsonLines) throws -> [InputFile] {
    var files: [InputFile] = []
    for path in paths {
      if path == Self.standardInput {
        guard !files.contains(where: \.isStandardInput) else {
          throw UserError(.wrongUsage, at: "-", "standard input is named twice", hint: "Name it once.")
        }
        files.append(
          InputFile(path: path, name: path, format: standardInput, compression: .none, bytes: 0, modified: 0))
      } else if DurableFile.isFolder(FilePath(path)) {
        let found = try filesBelow(FilePath(path), name: FilePath(""), inside: [])
        guard !found.isEmpty else {
          throw UserError(
            .missingInput, at: path, "the folder holds no file that can be read",
            hint: "Give it files that end in \(endings).")
        }
        files += found
      } else {
        let name = FilePath(path).lastComponent?.string ?? path
        guard let (format, compression) = kind(ofName: name) else { throw unknownKind(path) }
        files.append(try file(at: path, name: name, format, compression))
      }
    }
    return files
  }

  private static let endings = ".parquet, .txt or .jsonl, or in .txt, .jsonl or .json and then .zst or .gz"

  static func emptyFile(_ place: String) -> UserError {
    UserError(.invalidData, at: place, "it is empty", hint: "Remove it from the input, or restore it.")
  }

  private static func unknownKind(_ path: String) -> UserError {
    UserError(
      .wrongUsage, at: path, "this kind of file cannot be read",
      hint: "Give files that end in \(endings).")
  }

  /// Other kinds of files in a folder are left alone: corpora come with read-me files and licences. An empty
  /// file is an empty document.
  /// - Parameter folders: those above it, outermost first.
  private static func filesBelow(
    _ folder: FilePath, name: FilePath, inside folders: [FolderIdentity]
  ) throws -> [InputFile] {
    var files: [InputFile] = []
    let identity = try FolderIdentity(folder)
    guard !folders.contains(identity) else {
      throw UserError(
        .missingInput, at: folder.string,
        "this is a link to a folder that contains it, and would be read without end",
        hint: "Remove the link, or name the folders to read.")
    }
    for entry in try DurableFile.list(folder) {
      let (path, name) = (folder.appending(entry), name.appending(entry))
      if DurableFile.isFolder(path) {
        files += try filesBelow(path, name: name, inside: folders + [identity])
      } else if let (format, compression) = kind(ofName: entry) {
        files.append(try file(at: path.string, name: name.string, format, compression, mayBeEmpty: true))
      }
    }
    return files
  }

  private static func kind(ofName name: String) -> (Format, Compression)? {
    var (stem, compression) = (name[...], Compression.none)
    for (ending, kind) in [(".zst", Compression.zstd), (".gz", .gzip)] where name.hasSuffix(ending) {
      (stem, compression) = (name.dropLast(ending.count), kind)
    }
    if stem.hasSuffix(".txt") { return (.text, compression) }
    if stem.hasSuffix(".jsonl") { return (.jsonLines, compression) }
    // Dolma and C4 call JSON Lines so. One that is not compressed may be anything.
    if stem.hasSuffix(".json") && compression != .none { return (.jsonLines, compression) }
    // It is compressed inside.
    if name.hasSuffix(".parquet") { return (.parquet, .none) }
    return nil
  }

  private static func file(
    at path: String, name: String, _ format: Format, _ compression: Compression, mayBeEmpty: Bool = false
  ) throws -> InputFile {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw UserError(.missingInput, at: path, "there is no such file or folder", hint: "Check the path.")
    }
    try FileFailure.requireFile(status.st_mode, FilePath(path))
    guard status.st_size > 0 || mayBeEmpty else { throw emptyFile(path) }
    // It is only compared: that it overflows in the year 2262 does no harm.
    let modified = status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
    return InputFile(
      path: path, name: name, format: format, compression: compression, bytes: Int(status.st_size),
      modified: modified)
  }
}

/// A folder, whatever the path to it.
private struct FolderIdentity: Equatable {
  private let device: dev_t
  private let inode: ino_t

  init(_ path: FilePath) throws {
    var status = stat()
    guard stat(path.string, &status) == 0 else { throw FileFailure.reading(path, Errno(rawValue: errno)) }
    (device, inode) = (status.st_dev, status.st_ino)
  }
}
