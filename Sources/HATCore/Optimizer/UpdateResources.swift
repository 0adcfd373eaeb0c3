import HATKernels

/// What an optimiser updates with: the threads of a rank, and memory to compute in.
public struct UpdateResources {
  let workers: WorkerPool
  /// Of matrix products.
  let arithmetic: ProductArithmetic
  /// As many floats as the rule asked for.
  let scratch: FloatPointer

  public init(workers: WorkerPool, arithmetic: ProductArithmetic, scratch: FloatPointer) {
    (self.workers, self.arithmetic, self.scratch) = (workers, arithmetic, scratch)
  }

  /// Passes over `count` floats, on all threads where waking them is worth it.
  func sweep(_ work: FloatSweep, count: Int) {
    if count >= Self.leastShared {
      workers.split(count, unit: 1024, work)
    } else {
      work.perform(0..<count, part: 0)
    }
  }

  /// The number of floats from which a second thread is worth waking.
  private static let leastShared = 1 << 15
}

/// One pass over flat buffers that an optimiser makes. An element's result depends on its own numbers alone.
enum FloatSweep: PoolWork {
  case adamW(TensorPart, AdamW.Step)
  case follow(
    UnsafePointer<Float>, gradientScale: Float, decay: Float, momentum: FloatPointer, update: FloatPointer)
  case combine(FloatPointer, factor: Float, other: UnsafePointer<Float>, otherFactor: Float)
  case scale(FloatPointer, by: Float)

  func perform(_ range: Range<Int>, part: Int) {
    let (start, count) = (range.lowerBound, range.count)
    switch self {
    case .adamW(let part, let step):
      AdamW.update(
        parameters: part.parameters.base + start, gradients: part.gradient + start,
        firstMoments: part.state[0] + start, secondMoments: part.state[1] + start, count: count, step: step)
    case .follow(let gradient, let scale, let decay, let momentum, let update):
      Muon.follow(
        gradient + start, gradientScale: scale, decay: decay, momentum: momentum + start,
        update: update + start, count: count)
    case .combine(let x, let first, let y, let second):
      Vector.combine(x + start, factor: first, other: y + start, otherFactor: second, count: count)
    case .scale(let x, let factor): Vector.scale(x + start, by: factor, count: count)
    }
  }
}
