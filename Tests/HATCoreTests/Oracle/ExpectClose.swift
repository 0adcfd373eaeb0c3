import Testing

/// The largest difference, measured against the largest true value.
func expectClose(
  _ values: [Float], _ truth: [Double], _ name: String, tolerance: Double = 5e-5,
  location: SourceLocation = #_sourceLocation
) {
  #expect(values.count == truth.count, "\(name)", sourceLocation: location)
  let largest = truth.reduce(0) { max($0, abs($1)) }
  let difference = zip(values, truth).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
  // A NaN compares false and so fails.
  #expect(
    difference <= tolerance * largest, "\(name): off by \(difference), largest \(largest)",
    sourceLocation: location)
  let isFinite = values.allSatisfy { $0.isFinite }
  #expect(isFinite, "\(name) is finite", sourceLocation: location)
}
