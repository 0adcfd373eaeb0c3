import Foundation
import HATStorage

/// How ranks share results and failures.
///
/// A rank that fails alone would leave the others waiting in their next collective. So work that may fail is done in
/// `together` when every rank does it, and in `onFirstRank` when rank 0 does it for all.
extension Communicator {
  /// Does `work` on every rank. If it fails on any, every rank throws the error of the lowest such rank.
  /// - Throws: `AgreedFailure`.
  public func together<Success>(_ work: () throws -> Success) throws -> Success {
    let result = Result { try work() }
    guard try anyRank(says: result.isFailure) else { return try result.get() }
    let errors = try allGather(result.sharedError)
    let rank = errors.firstIndex { $0 != nil }!
    throw AgreedFailure(rank: rank, cause: errors[rank]!)
  }

  /// Does `work` on rank 0 and returns its value on every rank. If it fails, every rank throws the error.
  ///
  /// For what depends on the machine, such as files: file systems may show the ranks different things.
  /// - Throws: `AgreedFailure`.
  public func onFirstRank<Value: Codable>(_ work: () throws -> Value) throws -> Value {
    let encoded = try together { rank == 0 ? try JSONEncoder().encode(work()) : Data() }
    let pieces = try encoded.withUnsafeBytes { try allGather($0) }
    return try JSONDecoder().decode(Value.self, from: Data(pieces[0]))
  }

  /// Collects one value from each rank, on every rank, in rank order. Small ones: they are sent as JSON.
  public func allGather<Value: Codable>(_ value: Value) throws -> [Value] {
    let encoded = try together { try JSONEncoder().encode(value) }
    return try encoded.withUnsafeBytes { try allGather($0) }.map {
      try JSONDecoder().decode(Value.self, from: Data($0))
    }
  }
}

extension Communicator {
  /// Does `work` on rank 0. If it fails, every rank throws the error.
  /// - Throws: `AgreedFailure`.
  public func onFirstRank(_ work: () throws -> Void) throws {
    try together { if rank == 0 { try work() } }
  }
}

/// A failure that every rank knows of and throws, so that one of them can report it for all.
public struct AgreedFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// The lowest rank on which the work failed.
  public var rank: Int
  public var cause: SharedError

  public var description: String { cause.description }
}

/// An error in a form that one rank can send to the others.
public struct SharedError: Error, Sendable, Equatable, Codable, CustomStringConvertible {
  /// What the process ends with.
  public let exitCode: Int32
  public let description: String

  /// The exit code of a fault that is not the user's.
  public static let faultExitCode: Int32 = 70

  /// An error that another process has reported.
  public init(exitCode: Int32, description: String) {
    (self.exitCode, self.description) = (exitCode, description)
  }

  public init(_ error: any Error) {
    switch error {
    case let error as AgreedFailure: self = error.cause
    case let error as SharedError: self = error
    case let error as UserError: (exitCode, description) = (error.kind.exitCode, "\(error)")
    case let error as DecodingError:
      (exitCode, description) = (
        UserError.Kind.invalidData.exitCode, "a file that hat has written is damaged (\(error.summary()))"
      )
    default: (exitCode, description) = (Self.faultExitCode, "\(error)")
    }
  }
}

extension Result {
  fileprivate var isFailure: Bool {
    if case .failure = self { true } else { false }
  }

  fileprivate var sharedError: SharedError? {
    if case .failure(let error) = self { SharedError(error) } else { nil }
  }
}
