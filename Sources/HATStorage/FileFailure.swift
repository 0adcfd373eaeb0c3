import Glibc
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

  /// - Parameter mode: as `stat` gives it.
  /// - Throws: `UserError` of kind `missingInput` for a folder, a pipe or a device.
  public static func requireFile(_ mode: mode_t, _ path: FilePath) throws {
    switch mode & S_IFMT {
    case S_IFREG: return
    case S_IFDIR: throw reading(path, .isDirectory)
    case S_IFIFO, S_IFSOCK:
      throw UserError(
        .missingInput, at: path.string, "this is a pipe, not a file",
        hint: "Write what comes out of it to a file, and name that.")
    default:
      throw UserError(
        .missingInput, at: path.string, "this is a device, not a file", hint: "Name a file.")
    }
  }

  public static func writing(_ path: FilePath, _ error: Errno, needed: Int? = nil) -> UserError {
    switch error {
    case .noSpace, .diskQuotaExceeded: diskFull(path, needed: needed)
    case .isDirectory:
      UserError(.cannotWrite, at: path.string, "this is a folder, not a file", hint: "Name a file.")
    case .fileTooLarge:
      UserError(
        .cannotWrite, at: path.string, "it would be larger than files may be here",
        hint: "Raise the limit (ulimit -f), then run the same command again.")
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
      hint: "Free some space or choose another folder, then run the same command again.")
    error.isDiskFull = true
    return error
  }
}
