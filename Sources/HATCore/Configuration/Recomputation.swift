/// What a backward pass computes a second time, to keep less: the result is the same to the last bit.
public enum Recomputation: String, Sendable, Codable, CaseIterable {
  /// Every backbone block keeps its activations.
  case none
  /// A backbone block keeps its input alone and runs forward again when it is differentiated.
  case blocks
}

extension Recomputation: SettingValue {
  init?(settingText: String) { self.init(rawValue: settingText) }
  var settingText: String { rawValue }
  static var expectation: String { "none or blocks" }
}
