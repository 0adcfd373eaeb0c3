import Foundation

extension OracleTape {
  public func add(_ a: OracleTensor, _ b: OracleTensor) -> OracleTensor {
    precondition(a.rows == b.rows && a.columns == b.columns)
    return record(rows: a.rows, columns: a.columns, zip(a.value, b.value).map(+)) { output in
      for i in output.gradient.indices {
        a.gradient[i] += output.gradient[i]
        b.gradient[i] += output.gradient[i]
      }
    }
  }

  public func multiply(_ a: OracleTensor, _ b: OracleTensor) -> OracleTensor {
    precondition(a.rows == b.rows && a.columns == b.columns)
    return record(rows: a.rows, columns: a.columns, zip(a.value, b.value).map(*)) { output in
      for i in output.gradient.indices {
        a.gradient[i] += output.gradient[i] * b.value[i]
        b.gradient[i] += output.gradient[i] * a.value[i]
      }
    }
  }

  public func scale(_ a: OracleTensor, by factor: Double) -> OracleTensor {
    record(rows: a.rows, columns: a.columns, a.value.map { $0 * factor }) { output in
      for i in output.gradient.indices { a.gradient[i] += output.gradient[i] * factor }
    }
  }

  /// x · sigmoid(x).
  public func silu(_ a: OracleTensor) -> OracleTensor {
    record(rows: a.rows, columns: a.columns, a.value.map { $0 / (1 + exp(-$0)) }) { output in
      for i in output.gradient.indices {
        let sigmoid = 1 / (1 + exp(-a.value[i]))
        a.gradient[i] += output.gradient[i] * sigmoid * (1 + a.value[i] * (1 - sigmoid))
      }
    }
  }
}
