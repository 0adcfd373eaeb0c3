import HATText

/// What a person watching a preprocessing sees, on standard error.
final class PreprocessProgressLine {
  private let hashing = ProgressLine("looking for duplicates", unit: .bytes)
  private let writing = ProgressLine("preprocess", unit: .bytes)

  deinit {
    hashing.clear()
    writing.clear()
  }

  func show(_ progress: PreprocessProgress) {
    let line = progress.isLookingForDuplicates ? hashing : writing
    line.update(progress.position, of: progress.total)
  }
}
