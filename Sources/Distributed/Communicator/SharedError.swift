import HATStorage

/// An error in a form that one rank can send to the others.
public struct SharedError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What the process ends with (cli.md).
  public var exitCode: Int32
  public var description: String

  /// The exit code of a fault that is not the user's.
  public static let faultExitCode: Int32 = 70

  public init(_ error: any Error) {
    switch error {
    case let error as AgreedFailure: self = error.cause
    case let error as SharedError: self = error
    case let error as UserError: self.init(exitCode: error.kind.exitCode, description: "\(error)")
    default: self.init(exitCode: SharedError.faultExitCode, description: "\(error)")
    }
  }

  public init(exitCode: Int32, description: String) {
    self.exitCode = exitCode
    self.description = description
  }
}

extension SharedError {
  /// The exit code, then the description as UTF-8.
  var encoded: [UInt8] {
    withUnsafeBytes(of: exitCode.littleEndian) { Array($0) } + Array(description.utf8)
  }

  init(encoded bytes: [UInt8]) {
    precondition(bytes.count >= 4, "an error starts with its exit code")
    let code = bytes.withUnsafeBytes { Int32(littleEndian: $0.loadUnaligned(as: Int32.self)) }
    self.init(exitCode: code, description: String(decoding: bytes[4...], as: UTF8.self))
  }
}
