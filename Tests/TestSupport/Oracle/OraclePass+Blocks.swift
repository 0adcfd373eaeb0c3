extension OraclePass {
  /// All blocks of a module and its final norm, over the rows of one word or one document.
  func stack(_ module: OracleModule, _ input: OracleTensor) -> OracleTensor {
    let stack = shape.stack(module)
    var x = input
    for layer in 0..<stack.layers {
      let prefix = "\(module.rawValue).layers.\(layer)."
      x = tape.add(x, attention(stack, prefix, x))
      x = tape.add(x, multilayerPerceptron(prefix, x))
    }
    return tape.rootMeanSquareNorm(x, gain: parameter("\(module.rawValue).norm.weight"))
  }

  private func attention(_ stack: OracleStack, _ prefix: String, _ x: OracleTensor) -> OracleTensor {
    let normed = tape.rootMeanSquareNorm(x, gain: parameter(prefix + "input_norm.weight"))
    func projected(_ name: String) -> OracleTensor {
      tape.multiplyTransposed(normed, parameter(prefix + "attention.\(name)_proj.weight"))
    }
    func turned(_ name: String) -> OracleTensor {
      let heads = normedHeads(stack, prefix + "attention.\(name)_norm.weight", projected(name))
      return tape.rotate(heads, headSize: stack.headSize, theta: shape.ropeTheta)
    }
    let (queries, keys) = (turned("q"), turned("k"))
    let values = projected("v")
    let heads = stack.width / stack.headSize
    let outputs = (0..<heads).map { head in
      let shared = head / (heads / stack.keyValueHeads)
      return attentionHead(
        stack, queries: self.head(head, of: queries, stack), keys: self.head(shared, of: keys, stack),
        values: self.head(shared, of: values, stack))
    }
    return tape.multiplyTransposed(tape.stackColumns(outputs), parameter(prefix + "attention.o_proj.weight"))
  }

  /// Each head divided by its root mean square, and multiplied by the gain, which all heads share.
  private func normedHeads(_ stack: OracleStack, _ gain: String, _ x: OracleTensor) -> OracleTensor {
    guard shape.queryKeyNorm else { return x }
    return tape.stackColumns(
      (0..<(x.columns / stack.headSize)).map {
        tape.rootMeanSquareNorm(head($0, of: x, stack), gain: parameter(gain))
      })
  }

  private func attentionHead(
    _ stack: OracleStack, queries: OracleTensor, keys: OracleTensor, values: OracleTensor
  ) -> OracleTensor {
    let scores = tape.scale(
      tape.multiplyTransposed(queries, keys), by: 1 / Double(stack.headSize).squareRoot())
    return tape.multiplyMatrices(tape.softmax(scores, causal: stack.causal), values)
  }

  private func head(_ index: Int, of x: OracleTensor, _ stack: OracleStack) -> OracleTensor {
    tape.columns((index * stack.headSize)..<((index + 1) * stack.headSize), of: x)
  }

  private func multilayerPerceptron(_ prefix: String, _ x: OracleTensor) -> OracleTensor {
    let normed = tape.rootMeanSquareNorm(x, gain: parameter(prefix + "post_attention_norm.weight"))
    func projected(_ x: OracleTensor, _ name: String) -> OracleTensor {
      tape.multiplyTransposed(x, parameter(prefix + "mlp.\(name)_proj.weight"))
    }
    let hidden = tape.multiply(tape.silu(projected(normed, "gate")), projected(normed, "up"))
    return projected(hidden, "down")
  }
}
