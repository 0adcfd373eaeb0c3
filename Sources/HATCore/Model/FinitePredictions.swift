import HATStorage

extension UserError {
  /// Weights can be finite, and so large that what is computed with them is not. Reports would show numbers that mean nothing.
  /// - Parameter what: a plural.
  static func notFinite(_ what: String) -> UserError {
    UserError(
      .invalidData, "the model's \(what) are not finite numbers: its weights are too large to compute with",
      hint: "Use an earlier checkpoint, or other weights.")
  }
}
