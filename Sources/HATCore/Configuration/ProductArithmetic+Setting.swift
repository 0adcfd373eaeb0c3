import HATKernels

extension ProductArithmetic: SettingValue {
  init?(settingText: String) { self.init(rawValue: settingText) }
  var settingText: String { rawValue }
  static var expectation: String { allCases.map(\.rawValue).joined(separator: " or ") }
}

extension TrainingConfiguration {
  /// What this machine alone would compute with: another is asked for only where it is to be had.
  public var productsHere: ProductArithmetic {
    products.map { $0.isAvailable ? $0 : .fusedMultiplyAdds } ?? .fastest
  }
}
