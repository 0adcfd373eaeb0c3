/// A type a configuration key can have: how it is written, and what to say when it is written wrongly.
protocol SettingValue: Codable, Sendable {
  init?(settingText: String)
  var settingText: String { get }
  static var expectation: String { get }
}

extension Int: SettingValue {
  init?(settingText: String) { self.init(settingText.filter { $0 != "_" }) }
  var settingText: String { String(self) }
  static var expectation: String { "a whole number" }
}

extension UInt64: SettingValue {
  init?(settingText: String) { self.init(settingText.filter { $0 != "_" }) }
  var settingText: String { String(self) }
  static var expectation: String { "a whole number from 0" }
}

extension Double: SettingValue {
  init?(settingText: String) {
    guard let value = Double(settingText), value.isFinite else { return nil }
    self = value
  }
  var settingText: String { self == rounded() && abs(self) < 1e15 ? String(Int(self)) : String(self) }
  static var expectation: String { "a number" }
}

extension Optional: SettingValue where Wrapped: SettingValue {
  init?(settingText: String) {
    if settingText == "auto" {
      self = .none
    } else if let value = Wrapped(settingText: settingText) {
      self = value
    } else {
      return nil
    }
  }
  var settingText: String { map(\.settingText) ?? "auto" }
  static var expectation: String { "\(Wrapped.expectation) or auto" }
}
