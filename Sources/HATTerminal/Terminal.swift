import Foundation
import Synchronization

/// Standard error, where people read along: one message a line, and at most one progress line, drawn over in place.
package enum Terminal {
  /// Whether a progress line is on the screen, where the next message goes.
  private static let showsProgress = Mutex(false)

  package static func note(_ message: String) {
    replaceProgress(with: message + "\n", showsProgress: false)
  }

  package static func warning(_ error: some Error) { note("warning: \(OptionNames.put(into: "\(error)"))") }

  package static func error(_ error: some Error) { note("error: \(OptionNames.put(into: "\(error)"))") }

  /// Draws the progress line, over an earlier one.
  static func showProgress(_ line: String) { replaceProgress(with: line, showsProgress: true) }

  static func clearProgress() { replaceProgress(with: "", showsProgress: false) }

  private static func replaceProgress(with text: String, showsProgress new: Bool) {
    showsProgress.withLock { shown in
      let text = (shown ? "\r\u{1B}[K" : "") + text
      shown = new
      // Where nobody can read it, work goes on all the same.
      if !text.isEmpty { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
    }
  }
}

extension Terminal {
  private static let variable = "HAT_PROGRESS"

  /// Whether somebody watches. Ranks write to a pipe of `mpirun`: the command that starts them tells them so.
  static var isInteractive: Bool {
    isatty(STDERR_FILENO) == 1 || ProcessInfo.processInfo.environment[variable] == "terminal"
  }

  /// Set for ranks, so that they know whether somebody watches.
  package static var environment: [(name: String, value: String)] {
    isInteractive ? [(variable, "terminal")] : []
  }
}
