/// What a model reads and predicts.
public enum ModelKind: String, Sendable, CaseIterable {
  /// Words, spelt byte by byte (model.md): the model this program is for.
  case hierarchical
  /// Tokens of a byte-pair vocabulary: the Llama-style baseline it is compared with (docs/subword.md).
  case subword
}

extension ModelKind: SettingValue {
  init?(settingText: String) { self.init(rawValue: settingText) }
  var settingText: String { rawValue }
  static var expectation: String { allCases.map(\.rawValue).joined(separator: " or ") }
}
