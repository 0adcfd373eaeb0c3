import Foundation
import HATKernels

/// Attention by its definition, in double precision.
struct AttentionReference {
  let shape: AttentionShape
  let lengths: [Int]

  private func forEachHead(_ body: (_ rows: Range<Int>, _ query: Int, _ key: Int, _ value: Int) -> Void) {
    var start = 0
    for length in lengths {
      for head in 0..<shape.heads {
        let shared = head * shape.keyValueHeads / shape.heads * shape.headSize
        body(
          start..<start + length, head * shape.headSize, shape.queryWidth + shared,
          shape.queryWidth + shape.keyValueWidth + shared)
      }
      start += length
    }
  }

  private func dot(_ a: [Double], _ startA: Int, _ b: [Double], _ startB: Int) -> Double {
    (0..<shape.headSize).reduce(0) { $0 + a[startA + $1] * b[startB + $1] }
  }

  private func visible(_ row: Int, _ rows: Range<Int>) -> Range<Int> {
    shape.causal ? rows.lowerBound..<row + 1 : rows
  }

  private func probabilities(
    _ qkv: [[Double]], _ row: Int, _ keys: Range<Int>, _ query: Int, _ key: Int
  ) -> (values: [Double], logSumExp: Double) {
    let scores = keys.map { dot(qkv[row], query, qkv[$0], key) / Double(shape.headSize).squareRoot() }
    let largest = scores.max()!
    let sum = scores.reduce(0) { $0 + exp($1 - largest) }
    return (scores.map { exp($0 - largest) / sum }, largest + log(sum))
  }

  func forward(_ qkv: [[Double]]) -> (output: [[Double]], logSumExp: [[Double]]) {
    var output = qkv.map { _ in [Double](repeating: 0, count: shape.queryWidth) }
    var logSumExp = qkv.map { _ in [Double](repeating: 0, count: shape.heads) }
    forEachHead { rows, query, key, value in
      for row in rows {
        let keys = visible(row, rows)
        let (weights, sum) = probabilities(qkv, row, keys, query, key)
        logSumExp[row][query / shape.headSize] = sum
        for (weight, other) in zip(weights, keys) {
          for j in 0..<shape.headSize { output[row][query + j] += weight * qkv[other][value + j] }
        }
      }
    }
    return (output, logSumExp)
  }

  func backward(_ qkv: [[Double]], outputGradient: [[Double]]) -> [[Double]] {
    let output = forward(qkv).output
    let scale = 1 / Double(shape.headSize).squareRoot()
    var gradient = qkv.map { $0.map { _ in 0.0 } }
    forEachHead { rows, query, key, value in
      for row in rows {
        let keys = visible(row, rows)
        let weights = probabilities(qkv, row, keys, query, key).values
        let delta = dot(output[row], query, outputGradient[row], query)
        for (weight, other) in zip(weights, keys) {
          let slope = weight * (dot(outputGradient[row], query, qkv[other], value) - delta) * scale
          for j in 0..<shape.headSize {
            gradient[row][query + j] += slope * qkv[other][key + j]
            gradient[other][key + j] += slope * qkv[row][query + j]
            gradient[other][value + j] += weight * outputGradient[row][query + j]
          }
        }
      }
    }
    return gradient
  }
}
