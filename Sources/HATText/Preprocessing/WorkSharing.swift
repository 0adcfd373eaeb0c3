/// How the processes that make a corpus together agree. Preprocessing knows no more of them.
public protocol WorkSharing {
  /// Whether this is the process that standard input belongs to.
  var hasStandardInput: Bool { get }

  /// Does something in one process, and returns what came of it in all. An error is thrown in all.
  func once<Value: Codable>(_ work: () throws -> Value) throws -> Value

  /// Does something in every process, and returns when all have done it. An error in any is thrown in all.
  func together(_ work: () throws -> Void) throws
}

extension WorkSharing {
  func once(_ work: () throws -> Void) throws {
    _ = try once {
      try work()
      return true
    }
  }
}

/// One process, for itself.
public struct WorkingAlone: WorkSharing {
  public let hasStandardInput = true

  public init() {}

  public func once<Value: Codable>(_ work: () throws -> Value) throws -> Value { try work() }

  public func together(_ work: () throws -> Void) throws { try work() }
}
