/// What is wrong with bytes that should follow a format; the reader adds the place.
struct FormatDamage: Error {
  var problem: String
  /// What to do about it; nil for what is usual.
  var hint: String?

  init(_ problem: String, hint: String? = nil) { (self.problem, self.hint) = (problem, hint) }
}
