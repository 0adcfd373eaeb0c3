/// The two parts every corpus has.
public enum CorpusPart: String, Sendable, Codable, CaseIterable {
  /// What is trained on.
  case train
  /// What is kept from training, for evaluation.
  case holdout
}
