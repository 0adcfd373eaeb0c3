import Foundation

extension OracleTape {
  /// x · gain / sqrt(mean(x²) + 1e-5) in every row; gain is [1, columns] (docs/model.md §4).
  public func rootMeanSquareNorm(_ x: OracleTensor, gain: OracleTensor) -> OracleTensor {
    let width = x.columns
    precondition(gain.rows == 1 && gain.columns == width)
    let inverseRoots = (0..<x.rows).map { row in
      1 / sqrt(x.row(row).reduce(0) { $0 + $1 * $1 } / Double(width) + 1e-5)
    }
    var value: [Double] = []
    for row in 0..<x.rows {
      value += zip(x.row(row), gain.value).map { $0 * $1 * inverseRoots[row] }
    }
    return record(rows: x.rows, columns: width, value) { output in
      for row in 0..<x.rows {
        let r = inverseRoots[row]
        var dot = 0.0
        for j in 0..<width {
          let i = row * width + j
          gain.gradient[j] += output.gradient[i] * x.value[i] * r
          dot += output.gradient[i] * gain.value[j] * x.value[i]
        }
        for j in 0..<width {
          let i = row * width + j
          x.gradient[i] +=
            r * output.gradient[i] * gain.value[j] - r * r * r * x.value[i] * dot / Double(width)
        }
      }
    }
  }

  /// Turns element j of every head with element j + headSize/2 by the angle row · theta^(−2j/headSize):
  /// the row is the position, which starts at 0 (docs/model.md §4).
  public func rotate(_ x: OracleTensor, headSize: Int, theta: Double) -> OracleTensor {
    let half = headSize / 2
    precondition(headSize % 2 == 0 && x.columns % headSize == 0)
    func forEachPair(_ body: (_ first: Int, _ second: Int, _ cosine: Double, _ sine: Double) -> Void) {
      for row in 0..<x.rows {
        for head in 0..<(x.columns / headSize) {
          for j in 0..<half {
            let angle = Double(row) * pow(theta, -2 * Double(j) / Double(headSize))
            let first = row * x.columns + head * headSize + j
            body(first, first + half, cos(angle), sin(angle))
          }
        }
      }
    }
    var value = x.value
    forEachPair { first, second, cosine, sine in
      value[first] = x.value[first] * cosine - x.value[second] * sine
      value[second] = x.value[second] * cosine + x.value[first] * sine
    }
    return record(rows: x.rows, columns: x.columns, value) { output in
      forEachPair { first, second, cosine, sine in
        x.gradient[first] += output.gradient[first] * cosine + output.gradient[second] * sine
        x.gradient[second] += output.gradient[second] * cosine - output.gradient[first] * sine
      }
    }
  }

  /// Soft-max of every row; with `causal`, row i sees columns 0 … i and gives the others exactly zero.
  public func softmax(_ x: OracleTensor, causal: Bool) -> OracleTensor {
    let width = x.columns
    var value = [Double](repeating: 0, count: x.value.count)
    for row in 0..<x.rows {
      let seen = (row * width)..<(row * width + (causal ? row + 1 : width))
      let largest = x.value[seen].max()!
      let sum = x.value[seen].reduce(0) { $0 + exp($1 - largest) }
      for i in seen { value[i] = exp(x.value[i] - largest) / sum }
    }
    return record(rows: x.rows, columns: width, value) { output in
      for row in 0..<x.rows {
        let range = (row * width)..<((row + 1) * width)
        let dot = range.reduce(0) { $0 + output.gradient[$1] * output.value[$1] }
        for i in range { x.gradient[i] += output.value[i] * (output.gradient[i] - dot) }
      }
    }
  }

  /// −log softmax(x)[target] of every row, in nats: [rows, 1].
  public func crossEntropy(_ x: OracleTensor, targets: [some BinaryInteger]) -> OracleTensor {
    precondition(targets.count == x.rows)
    let width = x.columns
    let logSums = (0..<x.rows).map { row in
      let largest = x.row(row).max()!
      return largest + log(x.row(row).reduce(0) { $0 + exp($1 - largest) })
    }
    let losses = (0..<x.rows).map { logSums[$0] - x.value[$0 * width + Int(targets[$0])] }
    return record(rows: x.rows, columns: 1, losses) { output in
      for row in 0..<x.rows {
        for j in 0..<width {
          let i = row * width + j
          let probability = exp(x.value[i] - logSums[row])
          x.gradient[i] += output.gradient[row] * (probability - (j == Int(targets[row]) ? 1 : 0))
        }
      }
    }
  }
}
