import SystemPackage

/// Turns an operating-system error into a user error that says what to do about it.
public enum FileFailure {
  public static func reading(_ path: FilePath, _ error: Errno) -> UserError {
    switch error {
    case .noSuchFileOrDirectory:
      UserError(.missingInput, at: path.string, "there is no such file", hint: "Check the path.")
    case .isDirectory:
      UserError(.missingInput, at: path.string, "this is a folder, not a file", hint: "Name a file.")
    case .permissionDenied:
      UserError(
        .missingInput, at: path.string, "there is no permission to read it",
        hint: "Ask for read permission on it.")
    default:
      UserError(
        .missingInput, at: path.string, "it cannot be read: \(error)", hint: "Check the disk and the path.")
    }
  }

  public static func writing(_ path: FilePath, _ error: Errno, needed: Int? = nil) -> UserError {
    switch error {
    case .noSpace, .diskQuotaExceeded: diskFull(path, needed: needed)
    case .permissionDenied, .readOnlyFileSystem:
      UserError(
        .cannotWrite, at: path.string, "there is no permission to write it",
        hint: "Choose a folder you may write to.")
    default:
      UserError(
        .cannotWrite, at: path.string, "it cannot be written: \(error)",
        hint: "Check the disk and the path.")
    }
  }

  private static func diskFull(_ path: FilePath, needed: Int?) -> UserError {
    var error = UserError(
      .cannotWrite, at: path.string,
      "the disk is full" + (needed.map { " (\($0) more bytes were needed)" } ?? ""),
      hint: "Free some space or choose another folder, then run the same command again: "
        + "it continues where it stopped.")
    error.isDiskFull = true
    return error
  }
}
