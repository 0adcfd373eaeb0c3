import Foundation
import HATStorage
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
      if !text.isEmpty { StandardError.write(text.utf8) }
    }
  }
}

extension Terminal {
  private static let variable = "HAT_PROGRESS"
  private static let usualWidth = 80

  /// Whether somebody watches. Ranks write to a pipe of `mpirun`: the command that starts them tells them so.
  static var isInteractive: Bool { watchedWidth != nil }

  /// Characters of a line.
  static var width: Int { watchedWidth ?? usualWidth }

  /// Characters of a line of results: those of the terminal that shows them, or 80.
  package static var outputWidth: Int { width(of: STDOUT_FILENO) ?? usualWidth }

  private static func width(of descriptor: Int32) -> Int? {
    var size = winsize()
    let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return isKnown ? Int(size.ws_col) : nil
  }

  /// Set for ranks, so that they know whether somebody watches, and how wide a line may be.
  package static var environment: [(name: String, value: String)] {
    watchedWidth.map { [(variable, "\($0)")] } ?? []
  }

  /// The width of the terminal; nil where there is none, or one that cannot draw over a line.
  private static var watchedWidth: Int? {
    let environment = ProcessInfo.processInfo.environment
    if isatty(STDERR_FILENO) == 1 {
      if environment["TERM"] == "dumb" { return nil }
      return width(of: STDERR_FILENO) ?? usualWidth
    }
    return environment[variable].flatMap { Int($0) }
  }
}
