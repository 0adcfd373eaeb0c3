import HATStorage
import SystemPackage

/// What is wrong with a file, and what to do about it; the reader adds the place.
struct ParquetFault: Error {
  var problem: String
  var hint: String
  /// Whether the bytes ended before what was to be read, so that more of them may help.
  var isForWantOfBytes = false

  private static let repair = "Restore the file, or write it again."

  /// The file is not what the format promises.
  static func damaged(_ problem: String) -> ParquetFault {
    ParquetFault(problem: "it is damaged: \(problem)", hint: repair)
  }

  static func ended(in part: String) -> ParquetFault {
    ParquetFault(problem: "it is damaged: \(part) ends too early", hint: repair, isForWantOfBytes: true)
  }

  /// The file may be whole, but holds what is not read here.
  static func unsupported(_ problem: String, instead hint: String) -> ParquetFault {
    ParquetFault(problem: problem, hint: hint)
  }

  func error(at path: FilePath) -> UserError {
    UserError(.invalidData, at: path.string, problem, hint: hint)
  }
}

/// Calls `body`, and names the file in what it throws.
func naming<Result>(_ path: FilePath, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let fault as ParquetFault {
    throw fault.error(at: path)
  }
}

/// The largest sizes that a file may declare; checked before memory is taken.
enum ParquetLimits {
  /// Of the metadata at the end of a file, in bytes. In memory it may be ten times as large.
  static let footer = 1 << 26
  /// Of a page, in bytes, compressed or not.
  static let page = 1 << 30
  /// Of a page that is a dictionary, in bytes, not compressed.
  static let dictionary = 1 << 28
  /// Of a page's header, in bytes; statistics in it may repeat whole texts.
  static let pageHeader = 1 << 24
  /// Of columns inside columns.
  static let schemaDepth = 64
}
