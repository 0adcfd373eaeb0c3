import Foundation
import Testing

/// Polynomials a·x + b·x³ + c·x⁵ that are as near to 1 on an interval as such polynomials can be, found by Remez's exchange.
enum OptimalQuintics {
  /// For each step the best on the interval that the steps before it leave of [`least`, 1]: Amsel et al., "The Polar Express",
  /// arXiv 2505.16932, theorem 3.1.
  static func composition(from least: Double, steps: Int) -> [[Double]] {
    var interval = least...1.0
    return (0..<steps).map { _ in
      let (coefficients, error) = best(on: interval)
      interval = 1 - error...1 + error
      return coefficients
    }
  }

  /// The best polynomial errs by as much, with changing sign, at four places: both ends and two between.
  private static func best(on interval: ClosedRange<Double>) -> (coefficients: [Double], error: Double) {
    let (least, most) = (interval.lowerBound, interval.upperBound)
    var places = [least, least + (most - least) * 0.3, least + (most - least) * 0.75, most]
    while true {
      // p(xᵢ) + (−1)ⁱ·e = 1
      let solution = solve(
        places.enumerated().map { index, x in [x, pow(x, 3), pow(x, 5), index.isMultiple(of: 2) ? 1 : -1, 1] }
      )
      let (a, b, c, error) = (solution[0], solution[1], solution[2], solution[3])
      // Roots of the derivative a + 3b·x² + 5c·x⁴.
      let root = (9 * b * b - 20 * a * c).squareRoot()
      let inner = [(-3 * b - root) / (10 * c), (-3 * b + root) / (10 * c)].map { $0.squareRoot() }
      let moved = zip(places[1...2], inner).map { abs($0 - $1) }.max()!
      places = [least] + inner + [most]
      if moved < 1e-12 { return ([a, b, c], abs(error)) }
    }
  }

  /// Gaussian elimination of rows [coefficients…, right side].
  private static func solve(_ rows: [[Double]]) -> [Double] {
    var rows = rows
    for column in rows.indices {
      let pivot = rows.indices[column...].max { abs(rows[$0][column]) < abs(rows[$1][column]) }!
      rows.swapAt(column, pivot)
      for row in rows.indices where row != column {
        let factor = rows[row][column] / rows[column][column]
        for index in column..<rows[row].count { rows[row][index] -= factor * rows[column][index] }
      }
    }
    return rows.indices.map { rows[$0].last! / rows[$0][$0] }
  }
}
