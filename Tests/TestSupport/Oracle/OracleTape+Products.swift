extension OracleTape {
  /// a · bᵀ: [n, k] × [m, k] → [n, m]; with b a weight [out, in] this is a linear layer.
  public func multiplyTransposed(_ a: OracleTensor, _ b: OracleTensor) -> OracleTensor {
    precondition(a.columns == b.columns)
    let (n, m, k) = (a.rows, b.rows, a.columns)
    var value = [Double](repeating: 0, count: n * m)
    for i in 0..<n {
      for j in 0..<m {
        var sum = 0.0
        for l in 0..<k { sum += a.value[i * k + l] * b.value[j * k + l] }
        value[i * m + j] = sum
      }
    }
    return record(rows: n, columns: m, value) { output in
      for i in 0..<n {
        for j in 0..<m {
          let gradient = output.gradient[i * m + j]
          if gradient == 0 { continue }
          for l in 0..<k {
            a.gradient[i * k + l] += gradient * b.value[j * k + l]
            b.gradient[j * k + l] += gradient * a.value[i * k + l]
          }
        }
      }
    }
  }

  /// a · b: [n, k] × [k, m] → [n, m].
  public func multiplyMatrices(_ a: OracleTensor, _ b: OracleTensor) -> OracleTensor {
    precondition(a.columns == b.rows)
    let (n, m, k) = (a.rows, b.columns, a.columns)
    var value = [Double](repeating: 0, count: n * m)
    for i in 0..<n {
      for j in 0..<m {
        var sum = 0.0
        for l in 0..<k { sum += a.value[i * k + l] * b.value[l * m + j] }
        value[i * m + j] = sum
      }
    }
    return record(rows: n, columns: m, value) { output in
      for i in 0..<n {
        for j in 0..<m {
          let gradient = output.gradient[i * m + j]
          if gradient == 0 { continue }
          for l in 0..<k {
            a.gradient[i * k + l] += gradient * b.value[l * m + j]
            b.gradient[l * m + j] += gradient * a.value[i * k + l]
          }
        }
      }
    }
  }
}
