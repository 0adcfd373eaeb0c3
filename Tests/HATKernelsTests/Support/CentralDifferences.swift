/// The gradient of a function of a matrix by central differences.
func centralDifferences(
  _ x: [[Double]], step: Double = 1e-5, _ function: ([[Double]]) -> Double
) -> [[Double]] {
  var moved = x
  return x.indices.map { row in
    x[row].indices.map { column in
      moved[row][column] = x[row][column] + step
      let above = function(moved)
      moved[row][column] = x[row][column] - step
      let below = function(moved)
      moved[row][column] = x[row][column]
      return (above - below) / (2 * step)
    }
  }
}

/// Σ a·b: a scalar function of a kernel's output whose output gradient is b.
func innerProduct(_ a: [[Double]], _ b: [[Double]]) -> Double {
  zip(a.joined(), b.joined()).map(*).reduce(0, +)
}
