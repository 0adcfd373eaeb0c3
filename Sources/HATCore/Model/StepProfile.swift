import Glibc

/// Where the time of a model's steps goes, by phase and kernel. Costs nothing while it is off.
public final class StepProfile {
  public enum Phase: Int, CaseIterable, Sendable {
    case encoderForward, backboneForward, decoder, backboneBackward, encoderBackward
  }

  public enum Kernel: Int, CaseIterable, Sendable {
    case product, wordAttention, documentAttention, norm, rotary, swiGLU, loss
    /// Rows gathered, scattered, copied and cleared.
    case rows

    /// Whether its work is counted in floating-point operations, and not in bytes read and written.
    public var isArithmetic: Bool { self == .product || self == .wordAttention || self == .documentAttention }
  }

  /// What one kernel did in one phase.
  public struct Entry: Sendable {
    public let phase: Phase
    public let kernel: Kernel
    public let seconds: Double
    /// Floating-point operations, or bytes.
    public let work: Double
  }

  public var isOn = false
  /// [phases, kernels] each.
  private var nanoseconds: [UInt64] = []
  private var work: [Double] = []
  /// [phases], of everything in them.
  private var phaseNanoseconds: [UInt64] = []
  private var phase = Phase.encoderForward

  init() { reset() }

  public func reset() {
    let (phases, kernels) = (Phase.allCases.count, Kernel.allCases.count)
    nanoseconds = Array(repeating: 0, count: phases * kernels)
    work = Array(repeating: 0, count: phases * kernels)
    phaseNanoseconds = Array(repeating: 0, count: phases)
  }

  /// What was measured since the last reset, without kernels that did nothing.
  public var entries: [Entry] {
    Phase.allCases.flatMap { phase in
      Kernel.allCases.compactMap { kernel in
        let index = phase.rawValue * Kernel.allCases.count + kernel.rawValue
        guard nanoseconds[index] > 0 else { return nil }
        return Entry(
          phase: phase, kernel: kernel, seconds: Double(nanoseconds[index]) / 1e9, work: work[index])
      }
    }
  }

  public func seconds(in phase: Phase) -> Double { Double(phaseNanoseconds[phase.rawValue]) / 1e9 }

  /// Runs `body` as a phase of the step.
  @inline(__always)
  func during<Result, Failure: Error>(
    _ phase: Phase, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard isOn else { return try body() }
    self.phase = phase
    let start = Self.now
    defer { phaseNanoseconds[phase.rawValue] += Self.now - start }
    return try body()
  }

  /// Runs `body`, the work of one kernel.
  @inline(__always) func measure(_ kernel: Kernel, _ amount: @autoclosure () -> Int, _ body: () -> Void) {
    guard isOn else { return body() }
    let start = Self.now
    body()
    let index = phase.rawValue * Kernel.allCases.count + kernel.rawValue
    nanoseconds[index] += Self.now - start
    work[index] += Double(amount())
  }

  private static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
