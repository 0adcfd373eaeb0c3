/// Something the person running hat can mend: what went wrong, where, and what to do about it.
///
/// Programmer errors are preconditions instead. The command line prints `description` as one paragraph and ends with
/// `kind.exitCode`. Libraries know nothing of its options: they name a setting as Swift does, in backquotes, such as
/// "`shardBytes`", and the command line puts the option in its place (`OptionNames`).
public struct UserError: Error, Sendable, Equatable {
  public enum Kind: Sendable, Equatable, CaseIterable {
    case wrongUsage
    case invalidData
    case missingInput
    case cannotWrite
    case stoppedEarly
    case configuration

    /// The exit code promised by the command line (sysexits.h).
    public var exitCode: Int32 {
      switch self {
      case .wrongUsage: 64
      case .invalidData: 65
      case .missingInput: 66
      case .cannotWrite: 73
      case .stoppedEarly: 75
      case .configuration: 78
      }
    }
  }

  public var kind: Kind
  /// The file, key or place in it that the problem is about.
  public var place: String?
  public var problem: String
  public var hint: String
  /// Whether it would not have come with more room on the disk.
  public var isDiskFull = false

  public init(_ kind: Kind, at place: String? = nil, _ problem: String, hint: String) {
    self.kind = kind
    self.place = place
    self.problem = problem
    self.hint = hint
  }
}

extension UserError: CustomStringConvertible {
  public var description: String {
    let location = place.map { "\($0): " } ?? ""
    return "\(location)\(problem). \(hint)"
  }
}
