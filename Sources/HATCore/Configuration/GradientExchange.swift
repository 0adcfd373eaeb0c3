/// How gradients travel between nodes; they are summed as floats in any case.
public enum GradientExchange: String, Sendable, CaseIterable {
  case float32
  /// Half the bytes: rounded to bfloat16, to the nearest, ties to even, once before each journey.
  case bf16
}

extension GradientExchange: SettingValue {
  init?(settingText: String) { self.init(rawValue: settingText) }
  var settingText: String { rawValue }
  static var expectation: String { allCases.map(\.rawValue).joined(separator: " or ") }
}
